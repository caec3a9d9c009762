//! Bringing lines near before they are needed. A hint: it reads nothing, can't fault, and where a processor or a
//! compiler has none, nothing is lost but time.

use crate::layout::SLOTS;
use crate::memory::Memory;
use crate::region::Region;
use crate::sync::Ordering;
use crate::word::SlotWord;

/// Words of a line.
const LINE: u64 = 8;

impl Memory {
    /// Asks for the lines that hold `words` words from an index on; those beyond the end are left out.
    #[inline]
    pub(crate) fn prefetch(&self, index: u64, words: u64) {
        let end = index.saturating_add(words).min(self.words());
        let mut at = index & !(LINE - 1);
        while at < end {
            prefetch_line(self, at);
            at += LINE;
        }
    }
}

impl Region {
    /// Asks for the first lines of a bucket's items.
    pub(crate) fn prefetch_items(&self, bucket: u64) {
        if cfg!(loom) {
            return;
        }
        for slot in &self.bucket(bucket)[..SLOTS] {
            let word = SlotWord::from_bits(slot.load(Ordering::Relaxed));
            if !word.is_empty() {
                self.memory.prefetch(word.location(), LINE);
            }
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
#[inline(always)]
fn prefetch_line(memory: &Memory, index: u64) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    let address: *const i8 = core::ptr::from_ref(memory.word(index)).cast();
    // SAFETY: SSE is part of x86-64; a prefetch accesses no memory as far as the program can tell.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
}

#[cfg(not(all(target_arch = "x86_64", not(loom), not(miri))))]
#[inline(always)]
fn prefetch_line(_: &Memory, _: u64) {}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::ptr::NonNull;

    use crate::Memory;

    #[test]
    fn any_range_may_be_asked_for() {
        let mut words = [7u64; 512];
        let base = NonNull::new(words.as_mut_ptr()).expect("an array is not null");
        // SAFETY: the array outlives the view and is not touched otherwise.
        let memory = unsafe { Memory::from_raw(base, words.len()) };
        for (index, len) in [(0, 512), (3, 1), (500, 100), (512, 1), (1 << 60, 8), (u64::MAX, 9)] {
            memory.prefetch(index, len);
        }
        assert!(words.iter().all(|&word| word == 7));
    }
}
