//! The sweep: a bounded walk over the index that reclaims expired and cleared items.

use crate::layout::live;
use crate::region::Host;
use crate::session::Session;
use crate::sync::Ordering;
use crate::table::Removal;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Buckets looked through.
    pub buckets: u64,
    /// Expired items reclaimed.
    pub expired: u64,
    /// Items of an earlier clear reclaimed.
    pub cleared: u64,
    /// Whether the walk passed the last bucket.
    pub came_round: bool,
}

impl Swept {
    pub(super) fn count(&mut self, removal: Removal) {
        match removal {
            Removal::Cleared => self.cleared += 1,
            _ => self.expired += 1,
        }
    }
}

impl<H: Host> Session<'_, H> {
    /// Looks through the next buckets. Processes that sweep at once share the walk.
    pub fn sweep(&mut self, buckets: u64) -> Swept {
        let region = self.region;
        let all = region.geometry.shape.buckets;
        let buckets = buckets.min(all);
        let hand = region.word(live::SWEEP);
        let start = hand.fetch_add(buckets, Ordering::Relaxed) % all;
        let mut swept = Swept { buckets, came_round: start + buckets >= all, ..Swept::default() };
        for step in 0..buckets {
            region.prefetch_items((start + step + AHEAD) % all);
            self.reclaim_in((start + step) % all, &mut swept);
        }
        swept
    }
}

/// Buckets whose items are asked for ahead of the look at them.
const AHEAD: u64 = 4;
