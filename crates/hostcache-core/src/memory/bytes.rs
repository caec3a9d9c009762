//! Payload, in and out: between bytes of this process and words that others may be writing.
//!
//! On x86-64 it is moved by machine code (`copy.rs`), 16 bytes at a time. Elsewhere, under loom and under Miri by relaxed
//! loads and stores of words.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::Memory;
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
use super::copy::{bytes_equal, copy_bytes, last_eight};
use crate::sync::{AtomicU64, Ordering};

/// Bytes of a region from the start of a word on: bounds that were checked once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes<'a> {
    /// The first of the words that hold them: not an index, so that nobody has to keep the memory at hand.
    first: NonNull<AtomicU64>,
    /// All words from the first that hold some of so many bytes are the memory's.
    len: usize,
    memory: PhantomData<&'a Memory>,
}

// SAFETY: stands for a shared reference to atomics.
#[cfg(not(loom))]
unsafe impl Send for Bytes<'_> {}
// SAFETY: as above.
#[cfg(not(loom))]
unsafe impl Sync for Bytes<'_> {}

/// The shortest copy that machine code makes: below it, single words do.
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
const SHORTEST: usize = 16;
/// The longest comparison and the longest copy into the region by single words. What a caller brings was often written
/// just now, word by word: a load of 16 bytes would have to wait until both words have left the store buffer.
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
const LONGEST_BY_WORDS: usize = 32;

impl Memory {
    /// So many bytes from a word on.
    ///
    /// # Panics
    ///
    /// On bytes beyond the end.
    #[inline(always)]
    pub(crate) fn bytes(&self, at: u64, len: usize) -> Bytes<'_> {
        let words = self.span(at, words_of(len));
        Bytes { first: NonNull::from(words).cast(), len, memory: PhantomData }
    }

    /// The same, checked by the caller.
    ///
    /// # Safety
    ///
    /// The bytes are within the memory.
    #[inline(always)]
    pub(crate) unsafe fn bytes_unchecked(&self, at: u64, len: usize) -> Bytes<'_> {
        // SAFETY: the caller's.
        let words = unsafe { self.span_unchecked(at, words_of(len)) };
        Bytes { first: NonNull::from(words).cast(), len, memory: PhantomData }
    }

    /// Copies bytes out of words, in unspecified order, torn if a writer is at work.
    pub(crate) fn copy_out(&self, at: u64, out: &mut [u8]) {
        self.bytes(at, out.len()).copy_to(out);
    }

    /// Copies bytes into words of a block that the caller owns; what remains of the last word is unspecified.
    #[inline(always)]
    pub(crate) fn copy_in(&self, at: u64, bytes: &[u8]) {
        self.bytes(at, bytes.len()).store(bytes);
    }
}

impl<'a> Bytes<'a> {
    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// The first bytes, and what lies behind the last word that has some of them.
    ///
    /// # Panics
    ///
    /// If there are not so many words.
    #[inline(always)]
    pub(crate) fn split(self, len: usize) -> (Self, Self) {
        let words = words_of(len);
        assert!(words * 8 <= self.len, "{words} words are not there");
        // SAFETY: a word of the same memory, or the end of its words.
        let behind = unsafe { self.first.add(words) };
        (Self { len, ..self }, Self { first: behind, len: self.len - words * 8, ..self })
    }

    /// Copies the first bytes out, in unspecified order, torn if a writer is at work.
    ///
    /// # Panics
    ///
    /// If `out` is longer.
    #[inline(always)]
    pub(crate) fn copy_to(self, out: &mut [u8]) {
        // SAFETY: initialised bytes are valid as possibly uninitialised ones, and the copy only ever initialises.
        self.copy_to_uninit(unsafe { &mut *(&raw mut *out as *mut [MaybeUninit<u8>]) });
    }

    /// The same into memory that may hold anything: all of it is initialised.
    ///
    /// # Panics
    ///
    /// If `out` is longer.
    #[inline(always)]
    pub(crate) fn copy_to_uninit(self, out: &mut [MaybeUninit<u8>]) {
        assert!(out.len() <= self.len, "a copy beyond the bytes");
        Self { len: out.len(), ..self }.copy_all_to(out);
    }

    /// Replaces the contents of a vector.
    #[inline(always)]
    pub(crate) fn copy_to_vec(self, out: &mut Vec<u8>) {
        out.clear();
        if out.capacity() < self.len {
            out.reserve(self.len);
        }
        // SAFETY: the capacity holds so many bytes, and the copy initialises all of them.
        unsafe {
            self.copy_all_to(core::slice::from_raw_parts_mut(out.as_mut_ptr().cast(), self.len));
            out.set_len(self.len);
        }
    }

    /// Initialises all of `out`, which is as long.
    #[inline(always)]
    fn copy_all_to(self, out: &mut [MaybeUninit<u8>]) {
        debug_assert_eq!(out.len(), self.len);
        #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
        if self.len >= SHORTEST {
            // SAFETY: both ends hold `len` bytes, at least 16; `out` is exclusively borrowed, so they don't overlap.
            unsafe { copy_bytes(self.address(), out.as_mut_ptr().cast(), self.len) };
            return;
        }
        let (chunks, tail) = out.as_chunks_mut::<8>();
        let (whole, rest) = self.words().split_at(chunks.len());
        for (chunk, word) in chunks.iter_mut().zip(whole) {
            *chunk = word.load(Ordering::Relaxed).to_le_bytes().map(MaybeUninit::new);
        }
        if let [last] = rest {
            let last = last.load(Ordering::Relaxed).to_le_bytes();
            for (to, from) in tail.iter_mut().zip(last) {
                to.write(from);
            }
        }
    }

    /// Copies as many bytes in, to a block that the caller owns; what remains of the last word is unspecified.
    ///
    /// # Panics
    ///
    /// On another number of bytes.
    #[inline(always)]
    pub(crate) fn store(self, bytes: &[u8]) {
        assert!(bytes.len() == self.len, "a copy of another length");
        #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
        if self.len > LONGEST_BY_WORDS {
            // SAFETY: both ends hold `len` bytes, at least 16. Nobody in this process has a reference to bytes of the
            // region, so they don't overlap.
            unsafe { copy_bytes(bytes.as_ptr(), self.address(), self.len) };
            return;
        }
        let Some((last, whole)) = self.words().split_last() else { return };
        for (word, chunk) in whole.iter().zip(bytes.as_chunks::<8>().0) {
            word.store(u64::from_le_bytes(*chunk), Ordering::Relaxed);
        }
        last.store(last_word(bytes), Ordering::Relaxed);
    }

    /// Whether the bytes are these (in whatever state they are). Without a call: lookups have many values at hand, which all would
    /// have to be put away before it.
    #[inline(always)]
    pub(crate) fn equal(self, bytes: &[u8]) -> bool {
        if self.len != bytes.len() {
            return false;
        }
        #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
        if let (8..=16, Some(first), Some(last)) =
            (bytes.len(), bytes.first_chunk(), bytes.last_chunk())
        {
            // SAFETY: there are `len` bytes, at least 8.
            let tail = unsafe { last_eight(self.address(), self.len) };
            let head = self.words()[0].load(Ordering::Relaxed);
            return (head ^ u64::from_le_bytes(*first)) | (tail ^ u64::from_le_bytes(*last)) == 0;
        }
        #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
        if bytes.len() > LONGEST_BY_WORDS {
            // SAFETY: both ends hold `len` bytes, at least 16.
            return unsafe { bytes_equal(self.address(), bytes.as_ptr(), self.len) };
        }
        let Some((last, whole)) = self.words().split_last() else { return true };
        let mask = u64::MAX >> unused_bits(bytes.len());
        let difference = (last.load(Ordering::Relaxed) & mask) ^ last_word(bytes);
        let pairs = whole.iter().zip(bytes.as_chunks::<8>().0);
        let differs = |difference, (word, chunk): (&AtomicU64, &[u8; 8])| {
            difference | (word.load(Ordering::Relaxed) ^ u64::from_le_bytes(*chunk))
        };
        pairs.fold(difference, differs) == 0
    }

    /// All words that hold some of the bytes.
    #[inline(always)]
    fn words(self) -> &'a [AtomicU64] {
        // SAFETY: they are the memory's, which is there as long as it is borrowed; a slice of atomics claims no more than each of
        // them does.
        unsafe { core::slice::from_raw_parts(self.first.as_ptr(), words_of(self.len)) }
    }

    #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
    #[inline(always)]
    fn address(self) -> *mut u8 {
        self.first.as_ptr().cast()
    }
}

/// Words that hold so many bytes. No length is near the largest number.
#[inline(always)]
const fn words_of(len: usize) -> usize {
    (len + 7) >> 3
}

/// Bits of the last of the words that so many bytes take which are none of theirs.
#[inline(always)]
const fn unused_bits(len: usize) -> u32 {
    (len.wrapping_neg() % 8 * 8) as u32
}

/// The last, perhaps unfinished, of the little-endian words that some bytes take.
#[inline(always)]
fn last_word(bytes: &[u8]) -> u64 {
    match bytes.last_chunk::<8>() {
        // One load, whatever the length: what stands before the word is shifted out.
        Some(chunk) => u64::from_le_bytes(*chunk) >> unused_bits(bytes.len()),
        None => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::ptr::NonNull;

    use crate::Memory;

    #[test]
    fn bytes_of_any_length_come_back_and_their_neighbours_stay() {
        const MARGIN: usize = 2;
        let lengths = (0..=300usize).chain([1000, 1023, 1024, 1025, 2000, 4096, 70_001]);
        for len in lengths {
            let mut words = vec![u64::MAX; len.div_ceil(8) + MARGIN + 512];
            let count = words.len();
            let base = NonNull::new(words.as_mut_ptr()).expect("a vector is not null");
            // SAFETY: the vector outlives the view and is not touched otherwise while it is used.
            let memory = unsafe { Memory::from_raw(base, count) };
            let source: Vec<u8> = (0..len).map(|at| (at * 7 + at / 256 + 1) as u8).collect();
            memory.copy_in(MARGIN as u64, &source);
            let mut out = vec![0xee; len + 2];
            memory.copy_out(MARGIN as u64, &mut out[1..=len]);
            assert_eq!(&out[1..=len], source, "{len} bytes");
            assert_eq!((out[0], out[len + 1]), (0xee, 0xee), "beside {len} bytes");
            for at in 0..len.min(200) {
                let mut other = source.clone();
                other[at] ^= 0x40;
                assert!(
                    !memory.bytes(MARGIN as u64, len).equal(&other),
                    "byte {at} of {len} counts"
                );
            }
            let mut vec = vec![1; 40];
            memory.bytes(MARGIN as u64, len).copy_to_vec(&mut vec);
            assert_eq!(vec, source);
            assert!(memory.bytes(MARGIN as u64, len).equal(&source));
            if len > 0 {
                let mut other = source.clone();
                other[len - 1] ^= 1;
                assert!(
                    !memory.bytes(MARGIN as u64, len).equal(&other),
                    "the last of {len} bytes counts"
                );
                assert!(
                    !memory.bytes(MARGIN as u64, len).equal(&source[1..]),
                    "{len} bytes less one"
                );
            }
            assert!(words[..MARGIN].iter().all(|&word| word == u64::MAX), "before {len} bytes");
            assert!(
                words[MARGIN + len.div_ceil(8)..].iter().all(|&w| w == u64::MAX),
                "after {len} bytes"
            );
        }
    }
}
