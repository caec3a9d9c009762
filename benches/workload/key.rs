//! Keys of 16 bytes, computed from an item's index.
//!
//! A table of keys would compete with the subject for the caches, so a key is made anew for each operation
//! (two instructions' worth of arithmetic). The first half is scattered over all 64 bits, the second is
//! the index itself: no two items share a key, and a key tells which item it names.

/// Set in the index of a key that no item has.
const ABSENT: u64 = 1 << 63;
/// Odd, so that multiplying by it is a bijection.
const SCATTER: u64 = 0xd6e8_feb8_6659_fd93;

/// A key of 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 16]);

impl Key {
    /// Length of every key in bytes.
    pub const LEN: usize = 16;

    /// The key of item `index`.
    #[inline]
    #[must_use]
    pub fn present(index: u32) -> Self {
        Self::new(u64::from(index))
    }

    /// A key that no item has, another one for each index.
    #[inline]
    #[must_use]
    pub fn absent(index: u32) -> Self {
        Self::new(u64::from(index) | ABSENT)
    }

    #[inline]
    fn new(index: u64) -> Self {
        let words = [index.wrapping_mul(SCATTER).to_le_bytes(), index.to_le_bytes()];
        let mut bytes = [0; Self::LEN];
        bytes.as_chunks_mut().0.copy_from_slice(&words);
        Self(bytes)
    }

    /// The key as two words.
    #[inline]
    #[must_use]
    pub fn words(&self) -> [u64; 2] {
        let (words, _) = self.0.as_chunks();
        [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])]
    }

    /// The item of this key, `None` for an absent one.
    #[inline]
    #[must_use]
    pub fn index(&self) -> Option<u32> {
        u32::try_from(self.words()[1]).ok()
    }
}

impl AsRef<[u8]> for Key {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_index_and_absent_keys_have_none() {
        for index in [0, 1, 1000, u32::MAX] {
            assert_eq!(Key::present(index).index(), Some(index));
            assert_eq!(Key::absent(index).index(), None);
            assert_ne!(Key::present(index), Key::absent(index));
        }
    }
}
