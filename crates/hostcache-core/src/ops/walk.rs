//! Walking over all items while others work: each slot is read at some moment of the walk.

use crate::layout::{ItemHead, SLOTS};
use crate::region::{Host, Region};
use crate::table::Position;

impl Region {
    /// Buckets of the index, for [`Region::items_in`].
    #[must_use]
    pub fn buckets(&self) -> u64 {
        self.geometry.shape.buckets
    }

    /// Calls `visit` with key and head of every live item in a bucket. An item that is replaced meanwhile is seen in
    /// one of its versions, or missed if its key was deleted and set anew.
    pub fn items_in<H: Host>(
        &self,
        host: &H,
        bucket: u64,
        mut visit: impl FnMut(&[u8], &ItemHead),
    ) {
        if bucket >= self.buckets() {
            return;
        }
        let epoch = self.epoch();
        let mut key = Vec::new();
        for index in 0..SLOTS as u8 {
            // An item that is replaced under the copy is looked at again a few times.
            for _ in 0..16 {
                let Some(found) = self.committed_at(Position::new(bucket, index)) else { break };
                let head = found.item_head();
                let dead = self.is_cleared(head.stamp, epoch)
                    || head.deadline.is_some_and(|deadline| deadline <= host.now_ms());
                let at = found.location() + head.sizes.key_offset();
                self.memory.copy_to_vec(at, head.sizes.key_len, &mut key);
                if found.is_whole() {
                    if !dead {
                        visit(&key, &head);
                    }
                    break;
                }
            }
        }
    }
}
