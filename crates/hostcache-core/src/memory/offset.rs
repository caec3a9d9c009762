//! Bytes at any offset, in words.

use super::Memory;
use crate::sync::Ordering;

impl Memory {
    /// Copies bytes out of the words from `index` on, `offset` bytes behind their start.
    pub fn read_bytes(&self, index: u64, offset: u64, out: &mut [u8]) {
        let (index, skip) = (index + offset / 8, (offset % 8) as usize);
        if skip == 0 || out.is_empty() {
            return self.copy_out(index, out);
        }
        let (first, rest) = out.split_at_mut((8 - skip).min(out.len()));
        let word = self.word(index).load(Ordering::Relaxed).to_le_bytes();
        first.copy_from_slice(&word[skip..skip + first.len()]);
        self.copy_out(index + 1, rest);
    }

    /// Copies bytes into the words from `index` on, `offset` bytes behind their start; the bytes around them stay. The
    /// words are the caller's alone.
    pub(crate) fn write_bytes(&self, index: u64, offset: u64, bytes: &[u8]) {
        let (mut index, skip) = (index + offset / 8, (offset % 8) as usize);
        let (first, rest) = bytes.split_at(if skip == 0 { 0 } else { (8 - skip).min(bytes.len()) });
        if !first.is_empty() {
            self.patch(index, skip, first);
            index += 1;
        }
        let (whole, tail) = rest.split_at(rest.len() / 8 * 8);
        self.copy_in(index, whole);
        if !tail.is_empty() {
            self.patch(index + whole.len() as u64 / 8, 0, tail);
        }
    }

    /// Zeros in the same way.
    pub(crate) fn zero_bytes(&self, index: u64, from: u64, to: u64) {
        let aligned = from.next_multiple_of(8).min(to);
        self.write_bytes(index, from, &[0; 8][..(aligned - from) as usize]);
        for at in aligned / 8..to / 8 {
            self.word(index + at).store(0, Ordering::Relaxed);
        }
        let last = (to / 8 * 8).max(aligned);
        self.write_bytes(index, last, &[0; 8][..(to - last) as usize]);
    }

    /// Copies words to words of the caller's; the ranges may overlap.
    pub(crate) fn copy_words(&self, from: u64, to: u64, words: u64) {
        let copy = |at: u64| {
            let word = self.word(from + at).load(Ordering::Relaxed);
            self.word(to + at).store(word, Ordering::Relaxed);
        };
        if to <= from { (0..words).for_each(copy) } else { (0..words).rev().for_each(copy) }
    }

    fn patch(&self, index: u64, skip: usize, bytes: &[u8]) {
        let mut word = self.word(index).load(Ordering::Relaxed).to_le_bytes();
        word[skip..skip + bytes.len()].copy_from_slice(bytes);
        self.word(index).store(u64::from_le_bytes(word), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::ptr::NonNull;

    use super::*;

    fn memory(words: &mut [u64]) -> Memory {
        let base = NonNull::new(words.as_mut_ptr()).expect("a slice is not null");
        // SAFETY: the slice outlives the view in these tests and is not touched otherwise.
        unsafe { Memory::from_raw(base, words.len()) }
    }

    fn all(memory: &Memory) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        memory.read_bytes(0, 0, &mut bytes);
        bytes
    }

    #[test]
    fn bytes_are_read_written_and_zeroed_where_they_are_and_nowhere_else() {
        let source: Vec<u8> = (1..=64).collect();
        for from in 0..=64usize {
            for to in from..=64 {
                let mut words = [u64::MAX; 512];
                let memory = memory(&mut words);
                memory.write_bytes(0, from as u64, &source[from..to]);
                let mut expected = vec![0xff; 64];
                expected[from..to].copy_from_slice(&source[from..to]);
                assert_eq!(all(&memory), expected);
                let mut out = vec![0; to - from];
                memory.read_bytes(0, from as u64, &mut out);
                assert_eq!(out, &source[from..to]);
                memory.zero_bytes(0, from as u64, to as u64);
                expected[from..to].fill(0);
                assert_eq!(all(&memory), expected, "zeroed from {from} to {to}");
            }
        }
    }

    #[test]
    fn words_are_copied_over_themselves() {
        for (from, to) in [(1, 2), (2, 1), (0, 3), (3, 0), (2, 2)] {
            let mut words: Vec<u64> = (0..512).collect();
            memory(&mut words).copy_words(from, to, 4);
            let moved = &words[to as usize..][..4];
            assert_eq!(moved, (from..from + 4).collect::<Vec<_>>());
        }
    }
}
