//! The bytes of a region, as words.
//!
//! Two rules for memory that a peer may write at any moment: no reference is ever formed over
//! it but to atomics, and every address is always accessed as the same 64-bit atomic. Payload is copied by relaxed
//! loads and stores of words; who needs a consistent copy validates it (see `docs/protocol.md` §3).

#[cfg(not(loom))]
use core::ptr::NonNull;

use crate::sync::{AtomicU64, Ordering};

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
    #[must_use]
    pub unsafe fn from_raw(base: NonNull<u64>, words: usize) -> Self {
        Self { base, words }
    }

    /// The word at an index.
    ///
    /// # Panics
    ///
    /// On an index beyond the end: indices from the region itself are validated before they get here.
    #[inline(always)]
    pub(crate) fn word(&self, index: u64) -> &AtomicU64 {
        assert!((index as usize) < self.words, "index beyond the region");
        // SAFETY: the index is in bounds, so the address is aligned and mapped (contract of
        // `from_raw`); every access in this process is atomic and of the same width.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(index as usize)) }
    }

    /// So many words from an index on, checked once.
    ///
    /// # Panics
    ///
    /// On words beyond the end.
    #[inline(always)]
    pub(crate) fn span(&self, index: u64, words: usize) -> &[AtomicU64] {
        let index = index as usize;
        assert!(index <= self.words && words <= self.words - index, "words beyond the region");
        // SAFETY: all words are in bounds, so they are aligned and mapped (contract of `from_raw`); a
        // slice of atomics claims no more than each of them does, see `word`.
        unsafe { core::slice::from_raw_parts(self.base.as_ptr().add(index).cast(), words) }
    }

    /// Number of words.
    #[must_use]
    pub fn words(&self) -> u64 {
        self.words as u64
    }
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

    pub(crate) fn span(&self, index: u64, words: usize) -> &[AtomicU64] {
        self.word(index);
        &self.words[index as usize..][..words]
    }

    /// Number of words.
    #[must_use]
    pub fn words(&self) -> u64 {
        self.words.len() as u64
    }
}

impl Memory {
    /// A fixed number of words, checked once.
    #[inline(always)]
    pub(crate) fn array<const N: usize>(&self, index: u64) -> &[AtomicU64; N] {
        match self.span(index, N).try_into() {
            Ok(array) => array,
            Err(_) => unreachable!("a span has the length asked for"),
        }
    }

    /// Copies bytes out of words, in unspecified order, torn if a writer is at work.
    #[inline(always)]
    pub(crate) fn copy_out(&self, index: u64, out: &mut [u8]) {
        let (whole, rest) = self.span(index, out.len().div_ceil(8)).split_at(out.len() / 8);
        let (chunks, tail) = out.as_chunks_mut::<8>();
        for (chunk, word) in chunks.iter_mut().zip(whole) {
            *chunk = word.load(Ordering::Relaxed).to_le_bytes();
        }
        if let [last] = rest {
            let last = last.load(Ordering::Relaxed).to_le_bytes();
            for (to, from) in tail.iter_mut().zip(last) {
                *to = from;
            }
        }
    }

    /// Copies bytes into words of a block that the caller owns; the last word is padded with zeros.
    #[inline(always)]
    pub(crate) fn copy_in(&self, index: u64, bytes: &[u8]) {
        let (whole, rest) = self.span(index, bytes.len().div_ceil(8)).split_at(bytes.len() / 8);
        let (chunks, tail) = bytes.as_chunks::<8>();
        for (chunk, word) in chunks.iter().zip(whole) {
            word.store(u64::from_le_bytes(*chunk), Ordering::Relaxed);
        }
        if let [last] = rest {
            last.store(le_word(tail), Ordering::Relaxed);
        }
    }

    /// Whether the words hold exactly these bytes (in whatever state they are).
    #[inline(always)]
    pub(crate) fn equals(&self, index: u64, bytes: &[u8]) -> bool {
        let (whole, rest) = self.span(index, bytes.len().div_ceil(8)).split_at(bytes.len() / 8);
        let (chunks, tail) = bytes.as_chunks::<8>();
        let mut difference = 0;
        for (chunk, word) in chunks.iter().zip(whole) {
            difference |= word.load(Ordering::Relaxed) ^ u64::from_le_bytes(*chunk);
        }
        if let [last] = rest {
            let mask = u64::MAX >> (64 - 8 * tail.len());
            difference |= (last.load(Ordering::Relaxed) & mask) ^ le_word(tail);
        }
        difference == 0
    }
}

/// Up to eight bytes as a little-endian word.
#[inline(always)]
fn le_word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
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
    fn bytes_of_any_length_come_back() {
        let mut words = [u64::MAX; 8];
        let memory = memory(&mut words);
        let source: Vec<u8> = (1..=40).collect();
        for len in 0..=40 {
            memory.copy_in(2, &source[..len]);
            let mut out = vec![0; len];
            memory.copy_out(2, &mut out);
            assert_eq!(out, &source[..len]);
            assert!(memory.equals(2, &source[..len]));
            if len > 0 {
                let mut other = source[..len].to_vec();
                other[len - 1] ^= 1;
                assert!(!memory.equals(2, &other), "the last of {len} bytes counts");
            }
        }
    }

    #[test]
    #[should_panic(expected = "beyond the region")]
    fn words_beyond_the_end_are_not_reached() {
        let mut words = [0; 4];
        memory(&mut words).span(u64::MAX, 2);
    }
}
