//! The slot word: one item, named.

use super::field;

/// ```text
/// 63      52 51          36  35    34     33                 0
/// | tag 12 | generation 16 | alt | tent | location 34 (words) |
/// ```
///
/// `alt`: the slot is in the key's alternate bucket. `tent`: placed, not committed or not finished. The location
/// is an index of 8-byte words, never 0 (the region's header is there): an occupied slot is never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotWord(u64);

const LOCATION_BITS: u32 = 34;
const TENTATIVE: u32 = 34;
const ALTERNATE: u32 = 35;
const GENERATION: u32 = 36;
const GENERATION_BITS: u32 = 16;
const TAG: u32 = 52;

impl SlotWord {
    /// Nothing here.
    pub const EMPTY: Self = Self(0);
    /// Lowest bit of the tag, which is the highest field.
    #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
    pub(crate) const TAG_SHIFT: i32 = TAG as i32;
    /// Bits of the tag.
    pub const TAG_BITS: u32 = 12;
    /// Bits of the short generation at most; a region may use fewer.
    pub const GENERATION_BITS: u32 = GENERATION_BITS;
    /// One more than the largest location.
    pub const LOCATIONS: u64 = 1 << LOCATION_BITS;

    /// A tentative word.
    #[inline]
    #[must_use]
    pub fn tentative(tag: u16, generation: u64, alternate: bool, location: u64) -> Self {
        debug_assert!(location != 0 && location < Self::LOCATIONS);
        debug_assert!(generation >> GENERATION_BITS == 0);
        Self(
            (u64::from(tag) << TAG)
                | (generation << GENERATION)
                | (u64::from(alternate) << ALTERNATE)
                | (1 << TENTATIVE)
                | location,
        )
    }

    /// A committed word for the same key in the same slot, naming another block.
    #[inline]
    #[must_use]
    pub const fn replaced_by(self, generation: u64, location: u64) -> Self {
        const KEY: u64 = (((1 << SlotWord::TAG_BITS) - 1) << TAG) | (1 << ALTERNATE);
        Self((self.0 & KEY) | (generation << GENERATION) | location)
    }

    /// The same word, committed.
    #[inline]
    #[must_use]
    pub const fn committed(self) -> Self {
        Self(self.0 & !(1 << TENTATIVE))
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

    /// Whether nothing is here.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Partial hash.
    #[inline]
    #[must_use]
    pub const fn tag(self) -> u16 {
        (self.0 >> TAG) as u16
    }

    /// Low bits of the block's generation.
    #[inline]
    #[must_use]
    pub const fn generation(self) -> u64 {
        field(self.0, GENERATION, GENERATION_BITS)
    }

    /// Whether the slot is in the key's alternate bucket.
    #[inline]
    #[must_use]
    pub const fn is_alternate(self) -> bool {
        field(self.0, ALTERNATE, 1) == 1
    }

    /// Whether the word is not finished.
    #[inline]
    #[must_use]
    pub const fn is_tentative(self) -> bool {
        field(self.0, TENTATIVE, 1) == 1
    }

    /// Word index of the block's header, unvalidated.
    #[inline]
    #[must_use]
    pub const fn location(self) -> u64 {
        field(self.0, 0, LOCATION_BITS)
    }

    /// Whether both name the same incarnation, finished or not.
    #[inline]
    #[must_use]
    pub const fn same_incarnation(self, other: Self) -> bool {
        self.committed().0 == other.committed().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_touch_each_other() {
        for tag in [0, 1, 0xfff] {
            for generation in [0, 1, 0xffff] {
                for alternate in [false, true] {
                    for location in [1, SlotWord::LOCATIONS - 1] {
                        let word = SlotWord::tentative(tag, generation, alternate, location);
                        assert!(!word.is_empty() && word.is_tentative());
                        for word in [word, word.committed()] {
                            assert_eq!(word.tag(), tag);
                            assert_eq!(word.generation(), generation);
                            assert_eq!(word.is_alternate(), alternate);
                            assert_eq!(word.location(), location);
                        }
                        assert!(!word.committed().is_tentative());
                        let next = SlotWord::tentative(tag, 7, alternate, 9).committed();
                        assert_eq!(word.replaced_by(7, 9), next);
                        assert!(word.same_incarnation(word.committed()));
                    }
                }
            }
        }
    }
}
