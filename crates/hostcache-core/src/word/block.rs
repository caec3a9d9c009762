//! The header word of a block: the truth about who owns it.

use super::{LaneId, field};

/// Where a block is in its life; edges in `docs/protocol.md` §1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockState {
    /// Nobody's.
    Free,
    /// Private to its owner, in no slot.
    Claimed,
    /// Sealed: in a slot, or about to be, or just unlinked.
    Published,
    /// Unlinked while pinned.
    Orphan,
}

/// ```text
/// 63     62  61   60        48 47                          0
/// | state 2 | pin | owner 13 |        generation 48         |
/// ```
///
/// Zero is FREE in generation 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockWord(u64);

const GENERATION_BITS: u32 = 48;
const OWNER: u32 = 48;
const PIN: u32 = 61;
const STATE: u32 = 62;

impl BlockWord {
    /// Assembles a word; the generation is taken modulo 2^48.
    #[inline]
    #[must_use]
    pub const fn new(state: BlockState, owner: LaneId, generation: u64) -> Self {
        let generation = generation & ((1 << GENERATION_BITS) - 1);
        Self(((state as u64) << STATE) | ((owner as u64) << OWNER) | generation)
    }

    /// FREE.
    #[inline]
    #[must_use]
    pub const fn free(generation: u64) -> Self {
        Self::new(BlockState::Free, 0, generation)
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

    /// State.
    #[inline]
    #[must_use]
    pub const fn state(self) -> BlockState {
        match self.0 >> STATE {
            0 => BlockState::Free,
            1 => BlockState::Claimed,
            2 => BlockState::Published,
            _ => BlockState::Orphan,
        }
    }

    /// The lane that claimed or sealed it.
    #[inline]
    #[must_use]
    pub const fn owner(self) -> LaneId {
        field(self.0, OWNER, 13) as LaneId
    }

    /// How often the block has left the table.
    #[inline]
    #[must_use]
    pub const fn generation(self) -> u64 {
        field(self.0, 0, GENERATION_BITS)
    }

    /// Whether a pin may name it.
    #[inline]
    #[must_use]
    pub const fn is_pinned(self) -> bool {
        field(self.0, PIN, 1) == 1
    }

    /// The same word with or without the pin bit.
    #[must_use]
    pub const fn with_pin(self, pinned: bool) -> Self {
        Self((self.0 & !(1 << PIN)) | ((pinned as u64) << PIN))
    }

    /// The same incarnation, unlinked while pinned.
    #[inline]
    #[must_use]
    pub const fn orphaned(self) -> Self {
        Self(self.0 | ((BlockState::Orphan as u64) << STATE)).with_pin(true)
    }

    /// Whether both are the same word but for the pin bit, which anybody may set.
    #[inline]
    #[must_use]
    pub const fn same_but_pin(self, other: Self) -> bool {
        self.with_pin(false).0 == other.with_pin(false).0
    }

    /// Whether the block is CLAIMED by this lane.
    #[inline]
    #[must_use]
    pub fn is_claimed_by(self, lane: LaneId) -> bool {
        self.state() == BlockState::Claimed && self.owner() == lane
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_touch_each_other() {
        use BlockState::{Claimed, Free, Orphan, Published};
        for state in [Free, Claimed, Published, Orphan] {
            for owner in [0, 1, 0x1fff] {
                for generation in [0, 1, (1 << 48) - 1] {
                    let word = BlockWord::new(state, owner, generation);
                    for pinned in [false, true] {
                        let word = word.with_pin(pinned);
                        assert_eq!(word.state(), state);
                        assert_eq!(word.owner(), owner);
                        assert_eq!(word.generation(), generation);
                        assert_eq!(word.is_pinned(), pinned);
                    }
                }
            }
        }
    }

    #[test]
    fn an_orphan_is_the_same_incarnation() {
        let word = BlockWord::new(BlockState::Published, 7, 12);
        for word in [word, word.with_pin(true)] {
            let orphan = word.orphaned();
            assert_eq!((orphan.state(), orphan.owner()), (BlockState::Orphan, 7));
            assert_eq!(orphan.generation(), 12);
            assert!(orphan.is_pinned() && word.same_but_pin(word.with_pin(true)));
            assert!(!word.same_but_pin(orphan));
        }
    }

    #[test]
    fn the_generation_wraps_inside_its_field() {
        let word = BlockWord::new(BlockState::Claimed, 3, 1 << 48);
        assert_eq!(word.generation(), 0);
        assert_eq!(word.owner(), 3);
    }

    #[test]
    fn zero_is_free() {
        assert_eq!(BlockWord::from_bits(0), BlockWord::free(0));
    }
}
