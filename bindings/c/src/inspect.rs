//! Figures of a region.

use std::ffi::c_char;
use std::time::Duration;

use hostcache::{Cache, CheckReport, ClassInfo, ParticipantInfo, RegionInfo, Stats};

use crate::boundary::{Out, OutStruct, growing, guard};
use crate::handle::{cache, hostcache_t};
use crate::status::{
    HOSTCACHE_BUFFER_TOO_SMALL, HOSTCACHE_CORRUPT, HOSTCACHE_OK, Outcome, fault,
    hostcache_status_t, invalid,
};

/// Counters and gauges of a region, named as Memcached names them. Counters only grow, gauges go both ways; both are sums over
/// all processes, living and dead. HOSTCACHE_INIT sets `size`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_stats_t {
    pub size: usize,
    /// Gets: hits and misses.
    pub cmd_get: u64,
    /// Sets, conditional ones and counters included.
    pub cmd_set: u64,
    pub get_hits: u64,
    pub get_misses: u64,
    /// Gets that met an expired item (counted as misses too).
    pub get_expired: u64,
    /// Gets that gave up because the item was replaced during every copy (counted as misses too).
    pub get_contended: u64,
    pub delete_hits: u64,
    pub delete_misses: u64,
    pub incr_hits: u64,
    pub incr_misses: u64,
    pub decr_hits: u64,
    pub decr_misses: u64,
    /// Compare-and-swaps whose token was the item's.
    pub cas_hits: u64,
    /// Compare-and-swaps that found no item.
    pub cas_misses: u64,
    /// Compare-and-swaps whose token was not the item's.
    pub cas_badval: u64,
    pub touch_hits: u64,
    pub touch_misses: u64,
    pub cmd_touch: u64,
    pub cmd_flush: u64,
    /// Appends and prepends that found an item (counted in cmd_set too).
    pub append_hits: u64,
    /// Appends and prepends that did not (counted in cmd_set too).
    pub append_misses: u64,
    /// Items stored, ever.
    pub total_items: u64,
    /// Items that ended by memory pressure.
    pub evictions: u64,
    /// Items that ended by their deadline and were reclaimed.
    pub expired: u64,
    /// Blocks that came back from dead participants.
    pub recovered_blocks: u64,
    pub recovered_participants: u64,
    /// Writes refused for want of room.
    pub no_room: u64,
    /// Gauge: items.
    pub curr_items: u64,
    /// Gauge: bytes of keys and values held.
    pub bytes: u64,
    /// Gauge: the capacity, index and bookkeeping included.
    pub limit_maxbytes: u64,
    /// Gauge: living participants.
    pub participants: u64,
    /// Gauge: bytes held by magazines and writers in flight.
    pub held_bytes: u64,
    /// Gauge: bytes of blocks held by pins, a block counted for each pin of it.
    pub pinned_bytes: u64,
    /// Gauge: pins of all processes.
    pub pins: u64,
    /// Gauge: bytes held by reservations.
    pub reserved_bytes: u64,
    /// Gauge: bytes of pages that no slab class and no large value uses.
    pub free_page_bytes: u64,
    /// 1: this handle's own reads are counted. 0: it is read-only, and they are not.
    pub counts_own_reads: u64,
    /// Stores that found no free memory and made room by themselves.
    pub inline_evictions: u64,
}

growing!(hostcache_stats_t, 304);

/// A region's fixed properties. HOSTCACHE_INIT sets `size`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_region_info_t {
    pub size: usize,
    /// Bytes in all.
    pub capacity: u64,
    pub index_bytes: u64,
    /// Slots of the index: the most items the region can hold.
    pub index_slots: u64,
    /// Bytes of the arena of pages.
    pub arena_bytes: u64,
    pub page_size: u64,
    pub pages: u64,
    /// The largest value, in bytes, with a key of one byte.
    pub max_value_len: u64,
    /// TTL in milliseconds of items that are set without one. 0: none.
    pub default_ttl_ms: u64,
    /// No item lives longer, in milliseconds. 0: no limit.
    pub max_ttl_ms: u64,
    /// Creation time, seconds since the Unix epoch.
    pub created_unix_secs: u64,
    /// Bytes that the filesystem has allocated for the region.
    pub allocated_bytes: u64,
    /// Bytes of the region that this process sees through huge pages.
    pub huge_page_bytes: u64,
    /// 1: it was created with the wish for huge pages.
    pub huge_pages_asked: u32,
    pub layout_version: u32,
    pub participant_slots: u32,
    /// 1: this handle may write.
    pub writable: u32,
    /// Why not all of the region is in huge pages, if they were asked for: at most 127 bytes of text.
    pub huge_pages_reason: [c_char; 128],
}

growing!(hostcache_region_info_t, 248);

/// One slab class at one moment: `chunk_size` in bytes, its pages, the chunks in them, those in use and free ones, items. `used_bytes` are those of
/// items with their headers, `wasted_bytes` what their chunks have beyond them. `get_hits` is estimated from one hit in 512. `stored` counts stores
/// that took memory anew, a few at once: they stand for misses, hit ratio = get_hits / (get_hits + stored), which tells nothing below some
/// 16,384 of both. `eviction_age_ms` is how long what is evicted had been there, 0: unknown. `whole_pages` is 1 for all values too large for a class; their chunks are pages.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_slab_class_t {
    pub chunk_size: u64,
    pub pages: u64,
    pub chunks: u64,
    pub used_chunks: u64,
    pub free_chunks: u64,
    pub whole_pages: u64,
    pub items: u64,
    pub used_bytes: u64,
    pub wasted_bytes: u64,
    pub get_hits: u64,
    pub stored: u64,
    pub evictions: u64,
    pub eviction_age_ms: u64,
}

/// One participant: hints for people, never to be used for decisions.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_participant_t {
    /// How often the slot changed hands.
    pub incarnation: u64,
    /// Bytes of blocks it holds outside the index.
    pub held_bytes: u64,
    /// Pins in this slot. A process's pins and reservations are in slots of their own, beside its threads'.
    pub pins: u64,
    /// Bytes of the blocks that they hold.
    pub pinned_bytes: u64,
    /// Bytes of the reservation in this slot.
    pub reserved_bytes: u64,
    pub slot: u32,
    /// Process id as the process saw it.
    pub pid: u32,
    /// 1: its lock is held, so it lives.
    pub alive: u32,
    /// 0.
    pub reserved: u32,
    /// Command name as the process gave it, at most 31 bytes.
    pub command: [c_char; 32],
}

/// What a walk over the whole region found. HOSTCACHE_INIT sets `size`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_check_report_t {
    pub size: usize,
    /// Items reachable through the index, expired and cleared ones included.
    pub items: u64,
    /// Of those, expired or cleared.
    pub dead_items: u64,
    /// Bytes of chunks and runs that hold them.
    pub reachable_bytes: u64,
    /// Bytes of free chunks in slab pages.
    pub free_chunk_bytes: u64,
    /// Bytes of free pages.
    pub free_page_bytes: u64,
    /// Bytes held by living participants.
    pub held_bytes: u64,
    /// Bytes held by dead participants that nobody has recovered yet.
    pub dead_held_bytes: u64,
    /// Bytes of items that are gone from the index and held by pins.
    pub pinned_bytes: u64,
    /// Bytes held by reservations of living participants.
    pub reserved_bytes: u64,
    /// Bytes at the ends of pages that no chunk covers.
    pub tail_bytes: u64,
    /// Bytes of the arena: all of the above together, when nobody writes.
    pub arena_bytes: u64,
    /// Bytes of the arena that no account covers.
    pub unaccounted_bytes: i64,
    /// How many contradictions were found; hostcache_error_message has them, one in a line.
    pub problems: u64,
}

growing!(hostcache_check_report_t, 112);

impl From<&Stats> for hostcache_stats_t {
    fn from(stats: &Stats) -> Self {
        Self {
            size: 0,
            cmd_get: stats.cmd_get,
            cmd_set: stats.cmd_set,
            get_hits: stats.get_hits,
            get_misses: stats.get_misses,
            get_expired: stats.get_expired,
            get_contended: stats.get_contended,
            delete_hits: stats.delete_hits,
            delete_misses: stats.delete_misses,
            incr_hits: stats.incr_hits,
            incr_misses: stats.incr_misses,
            decr_hits: stats.decr_hits,
            decr_misses: stats.decr_misses,
            cas_hits: stats.cas_hits,
            cas_misses: stats.cas_misses,
            cas_badval: stats.cas_badval,
            touch_hits: stats.touch_hits,
            touch_misses: stats.touch_misses,
            cmd_touch: stats.cmd_touch,
            cmd_flush: stats.cmd_flush,
            append_hits: stats.append_hits,
            append_misses: stats.append_misses,
            total_items: stats.total_items,
            evictions: stats.evictions,
            expired: stats.expired,
            recovered_blocks: stats.recovered_blocks,
            recovered_participants: stats.recovered_participants,
            no_room: stats.no_room,
            curr_items: stats.curr_items,
            bytes: stats.bytes,
            limit_maxbytes: stats.limit_maxbytes,
            participants: stats.participants,
            held_bytes: stats.held_bytes,
            pinned_bytes: stats.pinned_bytes,
            pins: stats.pins,
            reserved_bytes: stats.reserved_bytes,
            free_page_bytes: stats.free_page_bytes,
            counts_own_reads: stats.counts_own_reads.into(),
            inline_evictions: stats.inline_evictions,
        }
    }
}

impl From<&RegionInfo> for hostcache_region_info_t {
    fn from(info: &RegionInfo) -> Self {
        let ms = |ttl: Option<Duration>| {
            ttl.map_or(0, |ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))
        };
        Self {
            size: 0,
            capacity: info.capacity,
            index_bytes: info.index_bytes,
            index_slots: info.index_slots,
            arena_bytes: info.arena_bytes,
            page_size: info.page_size,
            pages: info.pages,
            max_value_len: info.max_value_len,
            default_ttl_ms: ms(info.default_ttl),
            max_ttl_ms: ms(info.max_ttl),
            created_unix_secs: info.created_unix_secs,
            allocated_bytes: info.allocated_bytes,
            huge_page_bytes: info.huge_pages.bytes,
            huge_pages_asked: info.huge_pages.asked.into(),
            layout_version: info.layout_version,
            participant_slots: info.participant_slots,
            writable: info.writable.into(),
            huge_pages_reason: chars(info.huge_pages.reason.as_deref().unwrap_or_default()),
        }
    }
}

impl From<&ClassInfo> for hostcache_slab_class_t {
    fn from(class: &ClassInfo) -> Self {
        Self {
            chunk_size: class.chunk_size.into(),
            pages: class.pages,
            chunks: class.chunks,
            used_chunks: class.used_chunks,
            free_chunks: class.free_chunks,
            whole_pages: class.whole_pages.into(),
            items: class.items,
            used_bytes: class.used_bytes,
            wasted_bytes: class.wasted_bytes,
            get_hits: class.get_hits,
            stored: class.stored,
            evictions: class.evictions,
            eviction_age_ms: class.eviction_age.map_or(0, |age| age.as_millis() as u64),
        }
    }
}

impl From<&ParticipantInfo> for hostcache_participant_t {
    fn from(participant: &ParticipantInfo) -> Self {
        Self {
            incarnation: participant.incarnation,
            held_bytes: participant.held_bytes,
            pins: participant.pins,
            pinned_bytes: participant.pinned_bytes,
            reserved_bytes: participant.reserved_bytes,
            slot: participant.slot,
            pid: participant.pid,
            alive: participant.alive.into(),
            reserved: 0,
            command: chars(&participant.command),
        }
    }
}

impl From<&CheckReport> for hostcache_check_report_t {
    fn from(report: &CheckReport) -> Self {
        Self {
            size: 0,
            items: report.items,
            dead_items: report.dead_items,
            reachable_bytes: report.reachable_bytes,
            free_chunk_bytes: report.free_chunk_bytes,
            free_page_bytes: report.free_page_bytes,
            held_bytes: report.held_bytes,
            dead_held_bytes: report.dead_held_bytes,
            pinned_bytes: report.pinned_bytes,
            reserved_bytes: report.reserved_bytes,
            tail_bytes: report.tail_bytes,
            arena_bytes: report.arena_bytes,
            unaccounted_bytes: report.unaccounted_bytes(),
            problems: report.problems.len() as u64,
        }
    }
}

/// The beginning of a text in an array that ends with NUL, cut between characters.
fn chars<const N: usize>(text: &str) -> [c_char; N] {
    let text = &text[..text.floor_char_boundary(N - 1)];
    let mut chars = [0; N];
    for (char, byte) in chars.iter_mut().zip(text.bytes()) {
        *char = byte as c_char;
    }
    chars
}

/// Counters and gauges of a region, read while others work. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_stats(
    cache: *mut hostcache_t,
    stats: *mut hostcache_stats_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache) = unsafe { (OutStruct::new(stats)?, self::cache(cache)?) };
        out.put(&(&cache.stats()).into());
        Ok(HOSTCACHE_OK)
    })
}

/// A region's fixed properties. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_info(
    cache: *mut hostcache_t,
    info: *mut hostcache_region_info_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache) = unsafe { (OutStruct::new(info)?, self::cache(cache)?) };
        out.put(&(&cache.try_info()?).into());
        Ok(HOSTCACHE_OK)
    })
}

/// The slab classes, smallest chunks first, and large values last: `*found` of them, of which the first `count` are in `classes`. HOSTCACHE_BUFFER_TOO_SMALL if
/// there are more; `classes` NULL with `count` 0 asks how many. `class_size` is sizeof(hostcache_slab_class_t).
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_slab_classes(
    cache: *mut hostcache_t,
    classes: *mut hostcache_slab_class_t,
    class_size: usize,
    count: usize,
    found: *mut usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        unsafe {
            let (cache, found) = counted(cache, found)?;
            let rows: Vec<_> = cache.slab_classes().iter().map(Into::into).collect();
            fill(&rows, classes, class_size, count, &found)
        }
    })
}

/// The participants that are attached, or were when they died and nobody has recovered yet: as hostcache_slab_classes.
/// `participant_size` is sizeof(hostcache_participant_t).
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_participants(
    cache: *mut hostcache_t,
    participants: *mut hostcache_participant_t,
    participant_size: usize,
    count: usize,
    found: *mut usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        unsafe {
            let (cache, found) = counted(cache, found)?;
            let rows: Vec<_> = cache.participants().iter().map(Into::into).collect();
            fill(&rows, participants, participant_size, count, &found)
        }
    })
}

/// # Safety
///
/// As the functions above.
unsafe fn counted<'a>(
    cache: *mut hostcache_t,
    found: *mut usize,
) -> Outcome<(&'a Cache, Out<usize>)> {
    // SAFETY: the caller's.
    unsafe {
        let found = Out::new(found, 0, "where the count goes")?;
        Ok((self::cache(cache)?, found))
    }
}

/// Copies rows to an array whose elements may be longer or shorter than ours.
///
/// # Safety
///
/// `to` is NULL or has room for `count` elements of `size` bytes.
unsafe fn fill<T>(
    rows: &[T],
    to: *mut T,
    size: usize,
    count: usize,
    found: &Out<usize>,
) -> Outcome {
    if to.is_null() && count > 0 {
        return Err(invalid("the array is NULL"));
    }
    if count > 0 && (size == 0 || !size.is_multiple_of(align_of::<T>()) || size > 1 << 16) {
        return Err(invalid(format!("{size} is not the size of an element: give its sizeof")));
    }
    let known = size.min(size_of::<T>());
    for (index, row) in rows.iter().take(count).enumerate() {
        // SAFETY: element `index` is within the array; a row has at least `known` bytes.
        unsafe {
            let to = to.cast::<u8>().add(index * size);
            std::ptr::copy_nonoverlapping(std::ptr::from_ref(row).cast::<u8>(), to, known);
            std::ptr::write_bytes(to.add(known), 0, size - known);
        }
    }
    found.put(rows.len());
    Ok(if rows.len() <= count { HOSTCACHE_OK } else { HOSTCACHE_BUFFER_TOO_SMALL })
}

/// Walks over the whole region: accounts for every block and compares the arena with the index. HOSTCACHE_CORRUPT if it contradicts
/// itself; the report is filled all the same. Exact when nobody writes: while others do, a walk may meet their steps half-way, so
/// run it again before believing a problem.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_check(
    cache: *mut hostcache_t,
    report: *mut hostcache_check_report_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache) = unsafe { (OutStruct::new(report)?, self::cache(cache)?) };
        let report = cache.check();
        out.put(&(&report).into());
        if report.is_sound() {
            return Ok(HOSTCACHE_OK);
        }
        let mut detail = report.problems.join("\n");
        if detail.is_empty() {
            detail = format!("{} bytes are not accounted for", report.unaccounted_bytes());
        }
        Err(fault(HOSTCACHE_CORRUPT, detail))
    })
}
