//! The bytes of a region, as words.
//!
//! Two rules for memory that a peer may write at any moment: no `&T`, `&mut T` or slice is ever formed over
//! it, and every address is always accessed as the same 64-bit atomic. Payload is copied by relaxed
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

    /// Number of words.
    #[must_use]
    pub fn words(&self) -> u64 {
        self.words.len() as u64
    }
}

impl Memory {
    /// Whether `len` bytes from word `index` on lie inside.
    #[inline]
    pub(crate) fn holds(&self, index: u64, len: u64) -> bool {
        let words = len.div_ceil(8);
        index <= self.words() && words <= self.words() - index
    }

    /// Copies bytes out of words, in unspecified order, torn if a writer is at work.
    #[inline]
    pub(crate) fn copy_out(&self, index: u64, out: &mut [u8]) {
        assert!(self.holds(index, out.len() as u64), "copy beyond the region");
        let mut at = index;
        let mut chunks = out.chunks_exact_mut(8);
        for chunk in &mut chunks {
            chunk.copy_from_slice(&self.word(at).load(Ordering::Relaxed).to_le_bytes());
            at += 1;
        }
        let rest = chunks.into_remainder();
        if !rest.is_empty() {
            let last = self.word(at).load(Ordering::Relaxed).to_le_bytes();
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }

    /// Copies bytes into words of a block that the caller owns; the last word is padded with zeros.
    #[inline]
    pub(crate) fn copy_in(&self, index: u64, bytes: &[u8]) {
        assert!(self.holds(index, bytes.len() as u64), "copy beyond the region");
        let mut at = index;
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(at).store(le_word(chunk), Ordering::Relaxed);
            at += 1;
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            self.word(at).store(le_word(rest), Ordering::Relaxed);
        }
    }

    /// Whether the words hold exactly these bytes (in whatever state they are).
    #[inline]
    pub(crate) fn equals(&self, index: u64, bytes: &[u8]) -> bool {
        assert!(self.holds(index, bytes.len() as u64), "comparison beyond the region");
        let mut at = index;
        let mut difference = 0;
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            difference |= self.word(at).load(Ordering::Relaxed) ^ le_word(chunk);
            at += 1;
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mask = u64::MAX >> (64 - 8 * rest.len());
            difference |= (self.word(at).load(Ordering::Relaxed) & mask) ^ le_word(rest);
        }
        difference == 0
    }
}

/// Up to eight bytes as a little-endian word.
#[inline(always)]
fn le_word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
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
    fn bounds_do_not_overflow() {
        let mut words = [0; 4];
        let memory = memory(&mut words);
        assert!(memory.holds(0, 32));
        assert!(memory.holds(4, 0));
        assert!(!memory.holds(0, 33));
        assert!(!memory.holds(u64::MAX, 8));
        assert!(!memory.holds(1, u64::MAX));
    }
}
