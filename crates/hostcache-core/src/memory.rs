//! The bytes of a region, as words.
//!
//! Two rules for memory that a peer may write at any moment: no reference is ever formed over
//! it but to atomics, and every address is always accessed as an atomic of the same width: 64 bits, for use marks 8. Payload is copied by relaxed
//! loads and stores of words, or by machine code (`copy.rs`); who needs a consistent copy validates it (see `docs/protocol.md` §3).

#[cfg(not(loom))]
use core::ptr::NonNull;

mod bytes;
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
mod copy;
mod offset;

pub(crate) use bytes::Bytes;

#[cfg(not(loom))]
use crate::sync::AtomicU8;
use crate::sync::AtomicU64;

/// A region's words. Copies name the same memory.
#[cfg(not(loom))]
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    base: NonNull<u64>,
    words: usize,
}

// SAFETY: the memory is only accessed through atomics, which may be shared and sent.
#[cfg(not(loom))]
unsafe impl Send for Memory {}
// SAFETY: as above.
#[cfg(not(loom))]
unsafe impl Sync for Memory {}

#[cfg(not(loom))]
impl Memory {
    /// A view of `words` words from `base` on.
    ///
    /// # Safety
    ///
    /// - `base` is aligned to 8 bytes and `words * 8` bytes from it are mapped readable for as long as any
    ///   copy of this view is used, and writable if any writing operation is used.
    /// - Nobody in this process forms a reference to those bytes.
    ///
    /// # Panics
    ///
    /// On fewer words than a page of memory has: no region is so small.
    #[must_use]
    pub unsafe fn from_raw(base: NonNull<u64>, words: usize) -> Self {
        assert!(words >= Self::LEAST_WORDS, "{words} words are no region");
        Self { base, words }
    }

    const LEAST_WORDS: usize = 512;

    /// The word at an index.
    ///
    /// # Panics
    ///
    /// On an index beyond the end: indices from the region itself are validated before they get here.
    #[inline(always)]
    pub(crate) fn word(&self, index: u64) -> &AtomicU64 {
        if index as usize >= self.words {
            beyond();
        }
        // SAFETY: the index is in bounds, so the address is aligned and mapped (contract of
        // `from_raw`); every access in this process is atomic and of the same width.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(index as usize)) }
    }

    /// The bytes of a word that is accessed by single bytes only.
    #[inline(always)]
    pub(crate) fn bytes_of(word: &AtomicU64) -> &[AtomicU8; 8] {
        // SAFETY: as many bytes, shared alike and of a lesser alignment; they are accessed at this width only.
        unsafe { &*core::ptr::from_ref(word).cast() }
    }

    /// A fixed number of words, checked once.
    ///
    /// # Panics
    ///
    /// On words beyond the end.
    #[inline(always)]
    pub(crate) fn array<const N: usize>(&self, index: u64) -> &[AtomicU64; N] {
        const { assert!(N <= Self::LEAST_WORDS) };
        let index = index as usize;
        if index > self.words - N {
            beyond();
        }
        // SAFETY: as in `span`; the difference does not wrap, for a view has more words than any array.
        unsafe { &*self.base.as_ptr().add(index).cast() }
    }

    /// So many words from an index on, checked once.
    ///
    /// # Panics
    ///
    /// On words beyond the end.
    #[inline(always)]
    pub(crate) fn span(&self, index: u64, words: usize) -> &[AtomicU64] {
        let index = index as usize;
        if index > self.words || words > self.words - index {
            beyond();
        }
        // SAFETY: all words are in bounds, so they are aligned and mapped (contract of `from_raw`); a
        // slice of atomics claims no more than each of them does, see `word`.
        unsafe { core::slice::from_raw_parts(self.base.as_ptr().add(index).cast(), words) }
    }

    /// As [`Memory::span`].
    ///
    /// # Safety
    ///
    /// The words are within the memory.
    #[inline(always)]
    unsafe fn span_unchecked(&self, index: u64, words: usize) -> &[AtomicU64] {
        debug_assert!(index as usize <= self.words && words <= self.words - index as usize);
        // SAFETY: as in `span`, by this function's contract.
        unsafe { core::slice::from_raw_parts(self.base.as_ptr().add(index as usize).cast(), words) }
    }

    /// As [`Memory::array`].
    ///
    /// # Safety
    ///
    /// The words are within the memory.
    #[inline(always)]
    pub(crate) unsafe fn array_unchecked<const N: usize>(&self, index: u64) -> &[AtomicU64; N] {
        debug_assert!(index as usize <= self.words && N <= self.words - index as usize);
        // SAFETY: as in `array`, by this function's contract.
        unsafe { &*self.base.as_ptr().add(index as usize).cast() }
    }

    /// Number of words.
    #[must_use]
    pub fn words(&self) -> u64 {
        self.words as u64
    }
}

/// Out of line, and without arguments: callers pay one comparison.
#[cfg(not(loom))]
#[cold]
#[inline(never)]
fn beyond() -> ! {
    panic!("an access beyond the region: what is read from it was not validated")
}

/// A region's words, as loom objects.
#[cfg(loom)]
#[derive(Debug, Clone)]
pub struct Memory {
    words: std::sync::Arc<Vec<AtomicU64>>,
    /// Accesses that this view may still make before its thread dies.
    fuse: std::cell::Cell<Option<u32>>,
}

/// What a thread's death unwinds with.
#[cfg(loom)]
#[derive(Debug)]
pub struct Died;

#[cfg(loom)]
impl Memory {
    /// Zeroed words.
    #[must_use]
    pub fn zeroed(words: usize) -> Self {
        let words = std::sync::Arc::new((0..words).map(|_| AtomicU64::new(0)).collect());
        Self { words, fuse: std::cell::Cell::new(None) }
    }

    /// Lets this view make so many accesses more: before the next one its thread dies, as if killed there.
    pub fn light_fuse(&self, accesses: u32) {
        self.fuse.set(Some(accesses));
    }

    pub(crate) fn word(&self, index: u64) -> &AtomicU64 {
        match self.fuse.get() {
            Some(0) => std::panic::panic_any(Died),
            Some(left) => self.fuse.set(Some(left - 1)),
            None => {}
        }
        &self.words[index as usize]
    }

    pub(crate) fn array<const N: usize>(&self, index: u64) -> &[AtomicU64; N] {
        self.span(index, N).try_into().expect("a span has the length asked for")
    }

    pub(crate) fn span(&self, index: u64, words: usize) -> &[AtomicU64] {
        if words > 0 {
            self.word(index);
        }
        &self.words[index as usize..][..words]
    }

    /// Checked all the same.
    unsafe fn span_unchecked(&self, index: u64, words: usize) -> &[AtomicU64] {
        &self.words[index as usize..][..words]
    }

    /// Checked all the same.
    pub(crate) unsafe fn array_unchecked<const N: usize>(&self, index: u64) -> &[AtomicU64; N] {
        self.array(index)
    }

    /// Number of words.
    #[must_use]
    pub fn words(&self) -> u64 {
        self.words.len() as u64
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn memory(words: &mut [u64]) -> Memory {
        let base = NonNull::new(words.as_mut_ptr()).expect("a slice is not null");
        // SAFETY: the slice outlives the view in these tests and is not touched otherwise.
        unsafe { Memory::from_raw(base, words.len()) }
    }

    #[test]
    #[should_panic(expected = "beyond the region")]
    fn words_beyond_the_end_are_not_reached() {
        memory(&mut [0; 512]).span(u64::MAX, 2);
    }

    #[test]
    #[should_panic(expected = "beyond the region")]
    fn an_array_ends_within_the_region() {
        memory(&mut [0; 512]).array::<8>(505);
    }
}
