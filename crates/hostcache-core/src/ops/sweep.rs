//! The sweep: a bounded walk over the index that reclaims expired and cleared items.

use crate::layout::{SLOTS, live};
use crate::region::Host;
use crate::session::Session;
use crate::sync::Ordering;
use crate::table::{Position, Removal};

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
            let bucket = (start + step) % all;
            for index in 0..SLOTS as u8 {
                let Some(found) = region.committed_at(Position::new(bucket, index)) else {
                    continue;
                };
                let Some(removal) = self.end_of(&found) else { continue };
                if let Some(owned) = self.unlink(&found, removal) {
                    self.free_block(owned, true);
                    match removal {
                        Removal::Cleared => swept.cleared += 1,
                        _ => swept.expired += 1,
                    }
                }
            }
        }
        swept
    }
}
