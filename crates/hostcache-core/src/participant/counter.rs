//! Counters: each lane adds in lines of its own, whoever asks sums them up.

use super::{Lane, Record, Ticket};
use crate::layout::record;
use crate::region::Region;
use crate::sync::Ordering;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Counter { $($(#[$doc])* $name,)* }

        impl Counter {
            /// All of them.
            pub const ALL: &[Counter] = &[$(Counter::$name),*];
        }
    };
}

counters! {
    /// Gets that found an item.
    GetHits,
    /// Gets that did not.
    GetMisses,
    /// Of those, for an expired item.
    GetExpired,
    /// Of those, for an item that was replaced during every copy.
    GetContended,
    /// Stores asked for.
    CmdSet,
    /// Deletes that ended an item.
    DeleteHits,
    /// Deletes that found none.
    DeleteMisses,
    /// Increments that changed a counter.
    IncrHits,
    /// Increments that found none.
    IncrMisses,
    /// Decrements that changed a counter.
    DecrHits,
    /// Decrements that found none.
    DecrMisses,
    /// Token stores that took effect.
    CasHits,
    /// Token stores that found no item.
    CasMisses,
    /// Token stores that found another token.
    CasBadval,
    /// Touches that found an item.
    TouchHits,
    /// Touches that did not.
    TouchMisses,
    /// Clears.
    CmdFlush,
    /// Items linked.
    ItemsAdded,
    /// Items unlinked or replaced, except those that a clear had ended.
    ItemsRemoved,
    /// Bytes of key and value linked.
    BytesAdded,
    /// Bytes of key and value unlinked, except of items that a clear had ended.
    BytesRemoved,
    /// Items that ended for want of memory or slots.
    Evictions,
    /// Items reclaimed after their deadline.
    Expired,
    /// Blocks that came back from the dead.
    RecoveredBlocks,
    /// The dead.
    RecoveredParticipants,
    /// Stores refused for want of room.
    NoRoom,
    /// Appends and prepends that found an item.
    AppendHits,
    /// Appends and prepends that did not.
    AppendMisses,
    /// Blocks for which nothing was free, so that their allocation evicted.
    InlineEvictions,
}

const _: () = assert!(cfg!(loom) || Counter::ALL.len() <= record::COUNTER_SLOTS as usize);

/// Sums over all lanes, living and dead, read while others count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters(Vec<u64>);

impl Counters {
    /// One sum.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }
}

/// Adds in a lane's record; the sum. The lane is this thread's alone, so this is no atomic read-modify-write.
#[inline(always)]
pub(crate) fn add(record: &Record, counter: Counter, by: u64) -> u64 {
    if cfg!(loom) {
        return 0;
    }
    let word = &record[record::COUNTERS as usize + counter as usize];
    let next = word.load(Ordering::Relaxed).wrapping_add(by);
    word.store(next, Ordering::Relaxed);
    next
}

impl Lane {
    /// Counts one event of a reader.
    #[inline(always)]
    pub fn tally(&self, region: &Region, counter: Counter) {
        self.ticket().tally(region, counter);
    }
}

impl Ticket {
    /// Counts one event of a reader in the lane's record; the count. Should the lane have been taken away, its next owner
    /// counts it.
    #[inline(always)]
    pub fn tally(self, region: &Region, counter: Counter) -> u64 {
        add(self.record(region), counter, 1)
    }
}

impl Region {
    /// Sums up.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut sums = vec![0u64; Counter::ALL.len()];
        for lane in 0..self.geometry.shape.lanes as u16 {
            for (at, sum) in sums.iter_mut().enumerate() {
                let word = self.lane_word(lane, record::COUNTERS + at as u64);
                *sum = sum.wrapping_add(word.load(Ordering::Relaxed));
            }
        }
        Counters(sums)
    }
}
