//! The pin word: one block that a lane holds in place.

use super::{SlotWord, field};

/// ```text
/// 63       34 33                 0
/// | words 30  | location 34 (words) |      0 = no pin
/// ```
///
/// `words` is the size of the item, saturating. A location without a size is *released*: it holds nothing any more, but
/// whoever stored it still looks whether the block was waiting for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinWord(u64);

const LOCATION_BITS: u32 = 34;
const SIZE: u32 = LOCATION_BITS;
const SIZE_BITS: u32 = 30;

const _: () = assert!(SlotWord::LOCATIONS == 1 << LOCATION_BITS);

impl PinWord {
    /// No pin.
    pub const NONE: Self = Self(0);

    /// Holds the block at a location, with an item of so many words.
    #[inline]
    #[must_use]
    pub fn held(location: u64, words: u64) -> Self {
        debug_assert!(location != 0 && location < SlotWord::LOCATIONS);
        Self(words.clamp(1, (1 << SIZE_BITS) - 1) << SIZE | location)
    }

    /// The same location, held no more.
    #[inline]
    #[must_use]
    pub const fn released(self) -> Self {
        Self(self.location())
    }

    /// From a loaded word.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// To store.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether nothing is named.
    #[inline]
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether a block is held.
    #[inline]
    #[must_use]
    pub const fn is_held(self) -> bool {
        self.words() != 0
    }

    /// Word index of the block's header, unvalidated.
    #[inline]
    #[must_use]
    pub const fn location(self) -> u64 {
        field(self.0, 0, LOCATION_BITS)
    }

    /// Words of the item; 0 once released.
    #[inline]
    #[must_use]
    pub const fn words(self) -> u64 {
        field(self.0, SIZE, SIZE_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_holds_until_it_is_released() {
        for location in [1, SlotWord::LOCATIONS - 1] {
            for words in [0, 1, 5, 1 << 29, 1 << 40] {
                let pin = PinWord::held(location, words);
                assert!(pin.is_held() && !pin.is_none());
                assert_eq!(pin.location(), location);
                assert_eq!(pin.words(), words.clamp(1, (1 << 30) - 1));
                let released = pin.released();
                assert!(!released.is_held() && !released.is_none());
                assert_eq!(released.location(), location);
            }
        }
        assert!(PinWord::NONE.is_none() && !PinWord::NONE.is_held());
    }
}
