//! Looking at a region: figures, geometry, participants, integrity.

use std::time::Duration;

use hostcache_core::layout::LAYOUT_VERSION;
use hostcache_core::word::LaneId;
use hostcache_core::{Counter, Region};

use crate::attachment::{Attachment, read_header};
use crate::place::Place;
use crate::segment::Record;
use crate::{
    Cache, CheckReport, ClassInfo, OpenError, ParticipantInfo, RegionEntry, RegionInfo, Stats,
};

impl Cache {
    /// Counters and gauges, summed over all participants while others work. All zero if a forked child can't attach.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let Ok(attachment) = self.shared.attachment() else { return Stats::default() };
        let region = &attachment.region;
        let counters = region.counters();
        let get = |counter| counters.get(counter);
        let (curr_items, bytes) = region.present_counts();
        let pins = region.pins();
        let reserved_bytes = region.reserved_bytes();
        // The words may be anything: a hostile region's sums wrap, as its counters do.
        let misses = [Counter::GetMisses, Counter::GetExpired, Counter::GetContended]
            .into_iter()
            .fold(0u64, |sum, counter| sum.wrapping_add(get(counter)));
        Stats {
            cmd_get: get(Counter::GetHits).wrapping_add(misses),
            cmd_set: get(Counter::CmdSet),
            get_hits: get(Counter::GetHits),
            get_misses: misses,
            get_expired: get(Counter::GetExpired),
            get_contended: get(Counter::GetContended),
            delete_hits: get(Counter::DeleteHits),
            delete_misses: get(Counter::DeleteMisses),
            incr_hits: get(Counter::IncrHits),
            incr_misses: get(Counter::IncrMisses),
            decr_hits: get(Counter::DecrHits),
            decr_misses: get(Counter::DecrMisses),
            cas_hits: get(Counter::CasHits),
            cas_misses: get(Counter::CasMisses),
            cas_badval: get(Counter::CasBadval),
            touch_hits: get(Counter::TouchHits),
            touch_misses: get(Counter::TouchMisses),
            cmd_touch: get(Counter::TouchHits).wrapping_add(get(Counter::TouchMisses)),
            cmd_flush: get(Counter::CmdFlush),
            append_hits: get(Counter::AppendHits),
            append_misses: get(Counter::AppendMisses),
            total_items: get(Counter::ItemsAdded),
            evictions: get(Counter::Evictions),
            inline_evictions: get(Counter::InlineEvictions),
            expired: get(Counter::Expired),
            recovered_blocks: get(Counter::RecoveredBlocks),
            recovered_participants: get(Counter::RecoveredParticipants),
            no_room: get(Counter::NoRoom),
            curr_items,
            bytes,
            limit_maxbytes: attachment.geometry().shape.capacity,
            participants: living(&attachment).count() as u64,
            held_bytes: region.held_bytes().saturating_sub(reserved_bytes),
            pinned_bytes: pins.1,
            pins: pins.0,
            reserved_bytes,
            free_page_bytes: region.free_page_bytes(),
            counts_own_reads: attachment.is_writable(),
        }
    }

    /// The region's fixed properties; all empty where [`Cache::try_info`] fails.
    #[must_use]
    pub fn info(&self) -> RegionInfo {
        self.try_info().unwrap_or_default()
    }

    /// The region's fixed properties.
    ///
    /// # Errors
    ///
    /// A forked child can't attach, or the system refuses to tell the file's size.
    pub fn try_info(&self) -> Result<RegionInfo, OpenError> {
        let attachment = self.shared.attachment()?;
        let geometry = attachment.geometry();
        let shape = &geometry.shape;
        let header = &attachment.header;
        let ttl = |ms: u64| (ms != 0).then(|| Duration::from_millis(ms));
        Ok(RegionInfo {
            name: self.name().to_owned(),
            path: attachment.path.clone(),
            layout_version: LAYOUT_VERSION,
            capacity: shape.capacity,
            index_bytes: shape.buckets * 72,
            index_slots: shape.buckets * 7,
            arena_bytes: geometry.arena_bytes(),
            page_size: shape.page_words * 8,
            pages: geometry.pages,
            slab_classes: geometry.classes.chunk_sizes(),
            participant_slots: shape.lanes,
            max_value_len: geometry.max_value_len(1),
            default_ttl: ttl(header.default_ttl_ms),
            max_ttl: ttl(header.max_ttl_ms),
            created_unix_secs: header.created_unix_secs,
            allocated_bytes: match attachment.mapping().is_named_segment() {
                true => 0,
                false => hostcache_os::allocated_bytes(&attachment.file)
                    .map_err(|e| self.shared.place.os_error(e))?,
            },
            writable: attachment.is_writable(),
            huge_pages: attachment.huge_pages(),
        })
    }

    /// What each slab class holds and earns, smallest chunks first; the last entry is that of all large values.
    ///
    /// Walks over the headers of all blocks while others work: about 0.2 µs an item in a process that
    /// has not touched them before (0.08 s for 350,000 items of 1 KB, measured 2026-11-23).
    /// Empty if a forked child can't attach.
    #[must_use]
    pub fn slab_classes(&self) -> Vec<ClassInfo> {
        let Ok(attachment) = self.shared.attachment() else { return Vec::new() };
        let geometry = attachment.geometry();
        let mut sizes = geometry.classes.chunk_sizes();
        let classes = sizes.len();
        // No page is larger than 16 MiB.
        sizes.push((geometry.shape.page_words * 8) as u32);
        let accounts = attachment.region.class_accounts();
        let age = |ms: u64| (ms > 0).then(|| Duration::from_millis(ms));
        sizes
            .into_iter()
            .zip(accounts)
            .enumerate()
            .map(|(class, (chunk_size, account))| ClassInfo {
                chunk_size,
                whole_pages: class == classes,
                pages: account.pages,
                chunks: account.chunks,
                used_chunks: account.used,
                free_chunks: account.free,
                items: account.items,
                used_bytes: account.item_bytes,
                wasted_bytes: (account.used * u64::from(chunk_size))
                    .saturating_sub(account.item_bytes),
                get_hits: account.hits,
                stored: account.taken,
                evictions: account.evictions,
                eviction_age: age(account.eviction_age_ms),
            })
            .collect()
    }

    /// Participants that are attached, or were when they died and nobody has recovered yet.
    #[must_use]
    pub fn participants(&self) -> Vec<ParticipantInfo> {
        let Ok(attachment) = self.shared.attachment() else { return Vec::new() };
        let region = &attachment.region;
        attached(region)
            .map(|lane| {
                let view = region.lane_view(lane);
                let command = view.identity.command;
                let (pins, pinned_bytes) = region.pins_of(lane);
                let reserved_bytes = region.reserved_bytes_of(lane);
                let len = command.iter().position(|&b| b == 0).unwrap_or(command.len());
                ParticipantInfo {
                    slot: lane.into(),
                    incarnation: view.incarnation,
                    alive: !attachment.looks_dead(lane),
                    pid: view.identity.pid,
                    command: String::from_utf8_lossy(&command[..len]).into_owned(),
                    held_bytes: region.held_bytes_of(lane).saturating_sub(reserved_bytes),
                    pins,
                    pinned_bytes,
                    reserved_bytes,
                }
            })
            .collect()
    }

    /// Walks over the whole region: accounts for every block and compares the arena with the index. Exact when
    /// nobody writes.
    #[must_use]
    pub fn check(&self) -> CheckReport {
        let attachment = match self.shared.attachment() {
            Ok(attachment) => attachment,
            Err(error) => {
                return CheckReport { problems: vec![error.to_string()], ..Default::default() };
            }
        };
        let account = attachment.region.check(&*attachment, |lane| attachment.looks_dead(lane));
        CheckReport {
            items: account.items,
            dead_items: account.dead_items,
            reachable_bytes: account.reachable,
            free_chunk_bytes: account.free_chunks,
            free_page_bytes: account.free_pages,
            held_bytes: account.held,
            dead_held_bytes: account.dead_held,
            pinned_bytes: account.pinned,
            reserved_bytes: account.reserved,
            tail_bytes: account.tails,
            arena_bytes: attachment.geometry().arena_bytes(),
            problems: account.problems,
        }
    }

    /// Every file in the directories of regions that the caller may read; what is no regular file is passed over.
    ///
    /// # Errors
    ///
    /// None at present: a directory that can't be read is passed over.
    pub fn list() -> Result<Vec<RegionEntry>, OpenError> {
        use std::os::unix::fs::MetadataExt;
        let mut entries = Vec::new();
        for directory in hostcache_os::region_directories() {
            let Ok(files) = std::fs::read_dir(&directory) else { continue };
            for file in files.flatten() {
                let Ok(name) = file.file_name().into_string() else { continue };
                let Ok(metadata) = file.path().symlink_metadata() else { continue };
                // A daemon's socket, perhaps.
                if !metadata.is_file() {
                    continue;
                }
                let place = Place::new(&name, Some(&directory));
                let mut segment = None;
                let problem = place.and_then(|place| {
                    let file = place.open_file(false)?;
                    segment = Record::read(&file);
                    // What is mapped may be cut off by whoever may write it, and the caller has only asked for a list.
                    if segment.is_some() {
                        Attachment::map(&place, file, true).map(drop)
                    } else {
                        read_header(&place, &file).map(drop)
                    }
                });
                entries.push(RegionEntry {
                    name,
                    path: file.path(),
                    capacity: segment.as_ref().map_or(metadata.len(), |record| record.capacity),
                    allocated_bytes: segment.map_or(metadata.blocks() * 512, |_| 0),
                    uid: metadata.uid(),
                    gid: metadata.gid(),
                    mode: metadata.mode() & 0o7777,
                    problem: problem.err().map(|e| e.to_string()),
                });
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }
}

fn attached(region: &Region) -> impl Iterator<Item = LaneId> + '_ {
    (0..region.geometry().shape.lanes as LaneId).filter(|&lane| region.is_attached(lane))
}

fn living(attachment: &Attachment) -> impl Iterator<Item = LaneId> + '_ {
    attached(&attachment.region).filter(|&lane| !attachment.looks_dead(lane))
}
