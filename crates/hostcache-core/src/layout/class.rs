//! Chunk sizes of the slab classes.

use crate::fault::{Fault, planted};

/// Chunk sizes in words, ascending. Small ones are a twelfth apart, those above 4 KiB an eighth, from an eighth of a page on they
/// divide the page evenly, up to half a page; what is larger takes whole pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassTable {
    words: Vec<u32>,
    /// Class of every size up to `direct.len() - 1` words.
    direct: Vec<u8>,
}

/// The smallest chunk: a line.
const SMALLEST_WORDS: u64 = 8;
/// Chunks smaller than this are many: finer steps cost few pages and spare much waste.
const FINE_WORDS: u64 = 512;
/// Sizes found by table instead of by search.
const DIRECT_WORDS: u64 = 256;

impl ClassTable {
    /// The classes for pages of this size.
    #[must_use]
    pub fn new(page_words: u64) -> Self {
        let mut words = Vec::new();
        let mut size = SMALLEST_WORDS;
        while size < page_words / 9 {
            words.push(size as u32);
            let step = if size < FINE_WORDS { size / 12 } else { size / 8 };
            size += step.max(1);
        }
        for parts in (2..=8).rev() {
            let size = page_words / parts;
            if size >= SMALLEST_WORDS && words.last().is_none_or(|&last| u64::from(last) < size) {
                words.push(size as u32);
            }
        }
        let largest = words.last().map_or(0, |&w| u64::from(w)).min(DIRECT_WORDS);
        let direct = (0..=largest)
            .map(|size| words.partition_point(|&w| u64::from(w) < size) as u8)
            .collect();
        Self { words, direct }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Never so: half a page is always a class.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Words of one chunk, if the class exists.
    #[inline]
    #[must_use]
    pub fn chunk_words(&self, class: usize) -> Option<u64> {
        self.words.get(class).map(|&w| u64::from(w))
    }

    /// The class with the smallest chunk that holds `words`; `None`: takes whole pages.
    #[inline(always)]
    #[must_use]
    pub fn class_of(&self, words: u64) -> Option<usize> {
        let words = words - u64::from(planted(Fault::ClassTooSmall));
        if let Some(&class) = self.direct.get(words as usize) {
            return Some(class as usize);
        }
        self.search(words)
    }

    #[cold]
    fn search(&self, words: u64) -> Option<usize> {
        let class = self.words.partition_point(|&w| u64::from(w) < words);
        (class < self.words.len()).then_some(class)
    }

    /// Chunk sizes in bytes.
    #[must_use]
    pub fn chunk_sizes(&self) -> Vec<u32> {
        self.words.iter().map(|w| w * 8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_ascend_up_to_half_a_page_and_fit_the_page_word() {
        for page in [16, 1 << 10, 1 << 13, 1 << 15, 1 << 17, 1 << 21] {
            let classes = ClassTable::new(page);
            assert!(!classes.is_empty() && classes.len() <= 127, "{} for {page}", classes.len());
            assert!(classes.words.is_sorted_by(|a, b| a < b));
            assert_eq!(classes.words.last(), Some(&((page / 2) as u32)));
        }
    }

    #[test]
    fn every_size_gets_the_smallest_chunk_that_holds_it() {
        for page in [16, 1 << 10, 1 << 15] {
            let classes = ClassTable::new(page);
            for words in 1..=page {
                let expected = classes.words.iter().position(|&w| u64::from(w) >= words);
                assert_eq!(classes.class_of(words), expected, "{words} words in pages of {page}");
            }
        }
    }
}
