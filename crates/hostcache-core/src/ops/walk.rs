//! Walking over all items while others work: each slot is read at some moment of the walk.

use crate::layout::{ItemHead, SLOTS};
use crate::ordering as ord;
use crate::region::{Host, Region};
use crate::table::Position;
use crate::word::SlotWord;

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
                let position = Position::new(bucket, index);
                let Some(found) = self.committed_at(position) else {
                    if self.holds_nothing(position) { break } else { continue }
                };
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

    /// Whether a slot holds no committed item at this moment, and not merely one that was being replaced under a look.
    fn holds_nothing(&self, position: Position) -> bool {
        let word = SlotWord::from_bits(self.slot(position).load(ord::slot_load()));
        word.is_empty() || word.is_tentative()
    }
}
