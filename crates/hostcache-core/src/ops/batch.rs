//! Many keys at once: their lines are asked for before any of them is needed, so that the waits for memory overlap.

use crate::ordering as ord;
use crate::region::Region;
use crate::table::{Position, Probe, tags_equal};
use crate::word::SlotWord;

/// Keys whose lines are under way at once: enough to keep a core's outstanding loads busy, few enough for the first
/// to be still near when they are read (measured: 8 to 64 differ little, `benches/batch.rs`).
pub const BATCH: usize = 16;

/// Words of an item that are asked for: header, key and a short value.
const ITEM_WORDS: u64 = 24;

impl Region {
    /// Asks for what reading or changing these keys will touch: the buckets of all, then the items that their
    /// tags point to. A hint, and worth it for 2 to [`BATCH`] keys; further ones are left out.
    pub fn prefetch<K: AsRef<[u8]>>(&self, keys: &[K]) {
        let mut probes = [None; BATCH];
        for (probe, key) in probes.iter_mut().zip(keys) {
            let new = Probe::new(&self.geometry, key.as_ref());
            self.memory.prefetch(self.bucket_at(new.primary), 1);
            self.memory.prefetch(self.bucket_at(new.alternate()), 1);
            *probe = Some(new);
        }
        for probe in probes.iter().flatten() {
            // The first of them: two items with one tag in a key's buckets are rare.
            let first = |bucket| Some((bucket, tags_equal(self.bucket(bucket), probe.tag).next()?));
            let Some((bucket, index)) = first(probe.primary).or_else(|| first(probe.alternate()))
            else {
                continue;
            };
            let word = self.slot(Position::new(bucket, index)).load(ord::slot_load());
            let location = SlotWord::from_bits(word).location();
            if self.geometry.has_room_for_head(location) {
                self.memory.prefetch(location, ITEM_WORDS);
            }
        }
    }
}
