//! An item: what a published block holds behind its header word.
//!
//! ```text
//! word 0   header word (BlockWord)
//! word 1   | value length 32 | attributes 8 | encoding 8 | key length - 1: 16 |
//! word 2   CAS token
//! word 3   | epoch stamp 32 | flags 32 |
//! word 4   deadline in ms since boot, only if the attribute says so
//! then     key, padded to a word; value, padded to a word
//! ```

use crate::sync::{AtomicU64, Ordering};

/// Longest key in bytes.
pub const MAX_KEY_LEN: usize = 1 << 16;

const HAS_DEADLINE: u64 = 1;

#[inline(always)]
fn key_offset(has_deadline: bool) -> u64 {
    4 + u64::from(has_deadline)
}

/// Lengths, from which all positions follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemSizes {
    /// Bytes of the key, 1 to [`MAX_KEY_LEN`].
    pub key_len: usize,
    /// Bytes of the value.
    pub value_len: u64,
    /// Whether the item has a deadline word.
    pub has_deadline: bool,
}

impl ItemSizes {
    /// Sizes of an item.
    #[inline]
    #[must_use]
    pub fn new(key_len: usize, value_len: u64, has_deadline: bool) -> Self {
        Self { key_len, value_len, has_deadline }
    }

    /// Bytes of key and value.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.key_len as u64 + self.value_len
    }

    /// Words of the whole item.
    #[inline]
    #[must_use]
    pub fn words(&self) -> u64 {
        self.value_offset() + self.value_len.div_ceil(8)
    }

    /// Words from the header to the key.
    #[inline]
    #[must_use]
    pub fn key_offset(&self) -> u64 {
        key_offset(self.has_deadline)
    }

    /// Words from the header to the value.
    #[inline]
    #[must_use]
    pub fn value_offset(&self) -> u64 {
        self.key_offset() + (self.key_len as u64).div_ceil(8)
    }
}

/// The two words that every look at an item needs, as loaded: a private copy, validated by nobody yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadWords {
    /// Word 1.
    lengths: u64,
    /// Word 3.
    marks: u64,
}

const VALUE_LEN: u32 = 32;
const ATTRIBUTES: u32 = 24;
const ENCODING: u32 = 16;
const STAMP: u32 = 32;

impl HeadWords {
    #[inline(always)]
    pub(crate) fn load(words: &[AtomicU64; ItemHead::WORDS]) -> Self {
        Self { lengths: words[1].load(Ordering::Relaxed), marks: words[3].load(Ordering::Relaxed) }
    }

    #[inline(always)]
    pub(crate) fn key_len(self) -> usize {
        (self.lengths & 0xffff) as usize + 1
    }

    #[inline(always)]
    pub(crate) fn value_len(self) -> usize {
        (self.lengths >> VALUE_LEN) as usize
    }

    #[inline(always)]
    pub(crate) fn has_deadline(self) -> bool {
        self.lengths & (HAS_DEADLINE << ATTRIBUTES) != 0
    }

    /// Low bits of the epoch in which it was set.
    #[inline(always)]
    pub(crate) fn stamp(self) -> u64 {
        self.marks >> STAMP
    }

    /// Words from the header to the key.
    #[inline(always)]
    pub(crate) fn key_offset(self) -> u64 {
        key_offset(self.has_deadline())
    }

    #[inline(always)]
    pub(crate) fn sizes(self) -> ItemSizes {
        ItemSizes {
            key_len: self.key_len(),
            value_len: self.value_len() as u64,
            has_deadline: self.has_deadline(),
        }
    }
}

/// What stands before the key: one private copy of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemHead {
    /// Lengths.
    pub sizes: ItemSizes,
    /// Kind of the value's bytes.
    pub encoding: u8,
    /// The caller's own bits.
    pub flags: u32,
    /// Low bits of the epoch in which it was set.
    pub stamp: u64,
    /// Version.
    pub token: u64,
    /// Milliseconds since boot; `None`: for ever.
    pub deadline: Option<u64>,
}

impl ItemHead {
    /// Words that stand before the key at most; every block has as many.
    pub(crate) const WORDS: usize = 5;

    /// Loads the words at a block, each once; validated by nobody yet.
    #[inline]
    pub(crate) fn load(words: &[AtomicU64; Self::WORDS]) -> Self {
        Self::complete(HeadWords::load(words), words)
    }

    /// Loads what [`HeadWords`] leaves out.
    #[inline]
    pub(crate) fn complete(head: HeadWords, words: &[AtomicU64; Self::WORDS]) -> Self {
        let load = |at: usize| words[at].load(Ordering::Relaxed);
        Self {
            sizes: head.sizes(),
            encoding: (head.lengths >> ENCODING) as u8,
            flags: head.marks as u32,
            stamp: head.stamp(),
            token: load(2),
            deadline: head.has_deadline().then(|| load(4)),
        }
    }

    /// Stores the words into a block that the caller owns.
    #[inline(always)]
    pub(crate) fn store(&self, words: &[AtomicU64; Self::WORDS]) {
        let store = |at: usize, word: u64| words[at].store(word, Ordering::Relaxed);
        debug_assert_eq!(self.sizes.has_deadline, self.deadline.is_some());
        store(
            1,
            (self.sizes.value_len << VALUE_LEN)
                | (u64::from(self.sizes.has_deadline) * HAS_DEADLINE) << ATTRIBUTES
                | u64::from(self.encoding) << ENCODING
                | (self.sizes.key_len as u64 - 1),
        );
        store(2, self.token);
        store(3, (self.stamp << STAMP) | u64::from(self.flags));
        if let Some(deadline) = self.deadline {
            store(4, deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_follow_from_the_lengths() {
        let sizes = ItemSizes::new(16, 100, false);
        assert_eq!((sizes.key_offset(), sizes.value_offset(), sizes.words()), (4, 6, 19));
        let sizes = ItemSizes::new(1, 0, true);
        assert_eq!((sizes.key_offset(), sizes.value_offset(), sizes.words()), (5, 6, 6));
    }
}
