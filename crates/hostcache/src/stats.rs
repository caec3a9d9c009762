//! Figures: counters, geometry, participants, reports.

use std::path::PathBuf;
use std::time::Duration;

/// Counters and gauges of a region, named as Memcached names them. Counters only grow, gauges go both
/// ways; both are sums over all participants, living and dead, read while others work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are Memcached's own")]
pub struct Stats {
    // Counters.
    pub cmd_get: u64,
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
    pub cas_hits: u64,
    pub cas_misses: u64,
    pub cas_badval: u64,
    pub touch_hits: u64,
    pub touch_misses: u64,
    pub cmd_touch: u64,
    pub cmd_flush: u64,
    /// Appends and prepends that found an item (counted in `cmd_set` too).
    pub append_hits: u64,
    /// Appends and prepends that did not (counted in `cmd_set` too).
    pub append_misses: u64,
    /// Items stored, ever.
    pub total_items: u64,
    /// Items that ended by memory pressure.
    pub evictions: u64,
    /// Stores that found no free memory and made room by themselves. Without a daemon nearly each that `evictions` counts; with one,
    /// at most one store in a hundred under steady load.
    pub inline_evictions: u64,
    /// Items that ended by their deadline and were reclaimed.
    pub expired: u64,
    /// Blocks that came back from dead participants.
    pub recovered_blocks: u64,
    /// Dead participants recovered.
    pub recovered_participants: u64,
    /// Writes refused for want of room.
    pub no_room: u64,
    // Gauges.
    pub curr_items: u64,
    /// Bytes of keys and values held.
    pub bytes: u64,
    /// The capacity, index and bookkeeping included.
    pub limit_maxbytes: u64,
    /// Living participants.
    pub participants: u64,
    /// Bytes held by magazines and writers in flight.
    pub held_bytes: u64,
    /// Bytes of blocks held by pins, a block counted for each pin of it.
    pub pinned_bytes: u64,
    /// Pins of all processes.
    pub pins: u64,
    /// Bytes held by reservations.
    pub reserved_bytes: u64,
    /// Bytes of pages that no slab class and no large value uses.
    pub free_page_bytes: u64,
    /// Whether this handle's own reads are counted (a read-only handle's are not).
    pub counts_own_reads: bool,
}

/// A region's fixed properties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionInfo {
    /// Region name, or the path that was given.
    pub name: String,
    /// The mapped file.
    pub path: PathBuf,
    /// Layout version.
    pub layout_version: u32,
    /// Bytes in all.
    pub capacity: u64,
    /// Bytes of the index (buckets and use marks).
    pub index_bytes: u64,
    /// Slots of the index: the most items the region can hold.
    pub index_slots: u64,
    /// Bytes of the arena of pages.
    pub arena_bytes: u64,
    /// Bytes of one page.
    pub page_size: u64,
    /// Pages in the arena.
    pub pages: u64,
    /// Chunk sizes of the slab classes, ascending, in bytes.
    pub slab_classes: Vec<u32>,
    /// Participant slots.
    pub participant_slots: u32,
    /// The largest value, with a key of one byte.
    pub max_value_len: u64,
    /// TTL of items that are set without one.
    pub default_ttl: Option<Duration>,
    /// No item lives longer.
    pub max_ttl: Option<Duration>,
    /// Creation time, seconds since the Unix epoch.
    pub created_unix_secs: u64,
    /// Bytes that the filesystem has allocated for the region; 0 if it is in a named segment.
    pub allocated_bytes: u64,
    /// Whether this handle may write.
    pub writable: bool,
    /// Huge pages.
    pub huge_pages: HugePages,
}

/// What became of the wish for huge pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HugePages {
    /// Whether the region was created with it.
    pub asked: bool,
    /// Bytes of the region that this process sees through huge pages.
    pub bytes: u64,
    /// Why it is not all of the region, if they were asked for.
    pub reason: Option<String>,
}

/// One slab class at one moment, or all large values together: those take whole pages, and stand behind the classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassInfo {
    /// Bytes of one chunk; of large values: of a page.
    pub chunk_size: u32,
    /// Whether these are the large values.
    pub whole_pages: bool,
    /// Pages of this class.
    pub pages: u64,
    /// Chunks in those pages; of large values: pages.
    pub chunks: u64,
    /// Chunks that hold a published item, or part of one.
    pub used_chunks: u64,
    /// Free chunks.
    pub free_chunks: u64,
    /// Published items, expired and cleared ones included until they are reclaimed.
    pub items: u64,
    /// Bytes of those items: header, key and value.
    pub used_bytes: u64,
    /// Bytes of their chunks that the items do not fill.
    pub wasted_bytes: u64,
    /// Hits, ever. An estimate from one hit in 512 of each thread, within some percent; 0 below that.
    pub get_hits: u64,
    /// Stores that took memory anew, ever. Nobody knows the class of what is missed until it is stored, so these stand for the misses: an
    /// overwrite is none of them, a store of what nobody asked for is. Counted as threads take memory, for a few stores at once: what a thread
    /// took and did not need until its end is counted too.
    pub stored: u64,
    /// Items that ended by memory pressure, ever.
    pub evictions: u64,
    /// How long those had been there, a moving average: the time in which as many are evicted as the class has room for. `None` before enough
    /// of them were.
    pub eviction_age: Option<Duration>,
}

/// Hits and stores of a class from which on its hit ratio is told. Of 16,384 events a third of which are hits, eleven hits are sampled: that ratio
/// is right within 0.07 (standard error, the worst case); and the hits below 512 of each of a few threads, which nobody sees, are few beside them.
const TOLD_FROM: u64 = 32 * hostcache_core::SAMPLED;

impl ClassInfo {
    /// Hits by hits and stores that took memory anew, 0 to 1, an estimate. `None` where there were fewer than 16,384 of both: of so few,
    /// one hit in 512 tells nothing.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        let asked = self.get_hits.saturating_add(self.stored);
        // Precise to 2^53 gets, and a ratio after that.
        (asked >= TOLD_FROM).then(|| self.get_hits as f64 / asked as f64)
    }
}

/// One participant: hints for people, never used for decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParticipantInfo {
    /// Slot in the registry.
    pub slot: u32,
    /// How often the slot changed hands.
    pub incarnation: u64,
    /// Whether its byte lock is held.
    pub alive: bool,
    /// Process id as the process saw it.
    pub pid: u32,
    /// Command name as the process gave it.
    pub command: String,
    /// Bytes of blocks it holds outside the index.
    pub held_bytes: u64,
    /// Pins in this slot. A process's pins and reservations are in slots of their own, beside its threads'.
    pub pins: u64,
    /// Bytes of the blocks that they hold.
    pub pinned_bytes: u64,
    /// Bytes of the reservation in this slot.
    pub reserved_bytes: u64,
}

/// A region as `list` finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionEntry {
    /// Region name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub capacity: u64,
    /// Bytes the filesystem has allocated for it; 0 if it is in a named segment.
    pub allocated_bytes: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Why it can't be opened by this library, if so.
    pub problem: Option<String>,
}

/// What a walk over the whole region found (`hostcache check`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
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
    /// Bytes held by living participants: magazines, writers in flight, pages being moved.
    pub held_bytes: u64,
    /// Bytes held by dead participants that nobody has recovered yet.
    pub dead_held_bytes: u64,
    /// Bytes of items that are gone from the index and held by pins.
    pub pinned_bytes: u64,
    /// Bytes held by reservations of living participants, with the magazines of their slots.
    pub reserved_bytes: u64,
    /// Bytes at the ends of pages that no chunk covers.
    pub tail_bytes: u64,
    /// Bytes of the arena: all of the above together, when the region is quiescent.
    pub arena_bytes: u64,
    /// What contradicts the invariants, in words. Empty means: sound. While others write, a walk may
    /// meet their steps half-way; run it again before believing a problem.
    pub problems: Vec<String>,
}

impl CheckReport {
    /// Whether no problem was found and every byte of the arena is accounted for.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty() && self.unaccounted_bytes() == 0
    }

    /// Bytes of the arena that no account covers (0 in a sound, quiescent region).
    #[must_use]
    pub fn unaccounted_bytes(&self) -> i64 {
        let accounts = [
            self.reachable_bytes,
            self.free_chunk_bytes,
            self.free_page_bytes,
            self.held_bytes,
            self.dead_held_bytes,
            self.pinned_bytes,
            self.reserved_bytes,
            self.tail_bytes,
        ];
        let sum = accounts.into_iter().fold(0u64, u64::saturating_add);
        i64::try_from(i128::from(self.arena_bytes) - i128::from(sum)).unwrap_or(i64::MIN)
    }
}

/// How much one maintenance step may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MaintenanceBudget {
    /// Buckets to look through for expired and cleared items.
    pub buckets: u32,
    /// Items to evict ahead of need.
    pub evictions: u32,
    /// Whether to look for dead participants.
    pub recover: bool,
}

impl Default for MaintenanceBudget {
    fn default() -> Self {
        Self { buckets: 4096, evictions: 256, recover: true }
    }
}

/// What one maintenance step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MaintenanceReport {
    /// Buckets looked through.
    pub buckets: u64,
    /// Expired items reclaimed.
    pub expired: u64,
    /// Of these, found by their deadline: the others were met by the sweep over the index.
    pub expired_when_due: u64,
    /// Whether more may have expired: the step ended at its bound.
    pub more_is_due: bool,
    /// Items of an earlier `clear` reclaimed.
    pub cleared: u64,
    /// Items evicted ahead of need.
    pub evicted: u64,
    /// How much of its reserve of free blocks the slab class had used up of which the most was gone, in percent. 100: stores
    /// evict by themselves, and steps should come sooner.
    pub reserve_drained: u64,
    /// Dead participants recovered.
    pub recovered_participants: u64,
    /// Blocks that came back from them.
    pub recovered_blocks: u64,
    /// Whether the sweep over the index came round to its start.
    pub sweep_finished: bool,
}

#[cfg(test)]
mod tests {
    use super::ClassInfo;

    #[test]
    fn a_hit_ratio_is_told_once_enough_hits_can_have_been_sampled() {
        let class = |get_hits, stored| ClassInfo { get_hits, stored, ..ClassInfo::default() };
        assert_eq!(class(0, 0).hit_ratio(), None);
        assert_eq!(class(0, 16_383).hit_ratio(), None, "hits that were not sampled are no misses");
        assert_eq!(class(512, 9).hit_ratio(), None, "one hit that was sampled is not 512");
        assert_eq!(class(8_192, 8_192).hit_ratio(), Some(0.5));
        assert_eq!(class(0, 16_384).hit_ratio(), Some(0.0));
        assert_eq!(class(u64::MAX, u64::MAX).hit_ratio(), Some(1.0), "no overflow");
    }
}
