//! Many keys at once: their lines are asked for before any of them is needed, so that the waits for memory overlap.

use crate::ordering as ord;
use crate::region::Region;
use crate::table::Probe;
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
        let mut probes = [Probe { tag: 0, primary: 0, alternate: 0 }; BATCH];
        let count = keys.len().min(BATCH);
        for (probe, key) in probes.iter_mut().zip(keys) {
            *probe = Probe::new(&self.geometry, key.as_ref());
            self.memory.prefetch(self.bucket_at(probe.primary), 1);
            self.memory.prefetch(self.bucket_at(probe.alternate), 1);
        }
        for probe in &probes[..count] {
            let (bucket, matches) = match self.tags_equal(probe.primary, probe.tag) {
                0 => (probe.alternate, self.tags_equal(probe.alternate, probe.tag)),
                primary => (probe.primary, primary),
            };
            self.memory.prefetch(self.geometry.marks_at + bucket, 1);
            // The first of them: two items with one tag in a key's buckets are rare.
            if matches != 0 {
                let index = u64::from(matches.trailing_zeros());
                let word = self.word(self.bucket_at(bucket) + index).load(ord::slot_load());
                let location = SlotWord::from_bits(word).location();
                if self.geometry.in_arena(location) {
                    self.memory.prefetch(location, ITEM_WORDS);
                }
            }
        }
    }
}
