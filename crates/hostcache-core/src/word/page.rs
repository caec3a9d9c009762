//! The page word: what a page of the arena is cut into, and who is changing that.

use super::{LaneId, field};

/// What a page is; edges in `docs/protocol.md` §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageState {
    /// Nobody's.
    Free,
    /// Exclusively its owner's: no header in it counts.
    Owned,
    /// Cut into chunks of one slab class.
    Slab,
    /// Being emptied by its owner, still of its class.
    Drain,
    /// First page of a large item; the entry's second word has the number of pages.
    RunHead,
    /// Further page of a large item; the entry's second word has the distance to the head.
    RunTail,
}

/// ```text
/// 63     61 60    54 53        41 40                 0
/// | state 3 | class 7 | owner 13 |     version 41     |
/// ```
///
/// Every change takes a new version, so an unchanged word means an unchanged page. Zero is FREE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageWord(u64);

const VERSION_BITS: u32 = 41;
const OWNER: u32 = 41;
const CLASS: u32 = 54;
const STATE: u32 = 61;

impl PageWord {
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

    /// State; unknown codes (a damaged region) count as owned by nobody one can wait for.
    #[inline]
    #[must_use]
    pub const fn state(self) -> PageState {
        match self.0 >> STATE {
            0 => PageState::Free,
            2 => PageState::Slab,
            3 => PageState::Drain,
            4 => PageState::RunHead,
            5 => PageState::RunTail,
            _ => PageState::Owned,
        }
    }

    /// Slab class, unvalidated.
    #[inline]
    #[must_use]
    pub const fn class(self) -> usize {
        field(self.0, CLASS, 7) as usize
    }

    /// The lane that made the last change.
    #[inline]
    #[must_use]
    pub const fn owner(self) -> LaneId {
        field(self.0, OWNER, 13) as LaneId
    }

    /// The word after a change.
    #[inline]
    #[must_use]
    pub const fn changed(self, state: PageState, class: usize, owner: LaneId) -> Self {
        let version = (self.0 + 1) & ((1 << VERSION_BITS) - 1);
        let code = match state {
            PageState::Free => 0,
            PageState::Owned => 1,
            PageState::Slab => 2,
            PageState::Drain => 3,
            PageState::RunHead => 4,
            PageState::RunTail => 5,
        };
        Self((code << STATE) | ((class as u64) << CLASS) | ((owner as u64) << OWNER) | version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_a_new_word() {
        use PageState::{Drain, Free, Owned, RunHead, RunTail, Slab};
        let mut word = PageWord::from_bits(0);
        assert_eq!(word.state(), Free);
        for state in [Owned, Slab, Drain, Slab, RunHead, RunTail, Free] {
            let next = word.changed(state, 127, 0x1fff);
            assert_ne!(next, word);
            assert_eq!(next.state(), state);
            assert_eq!(next.class(), 127);
            assert_eq!(next.owner(), 0x1fff);
            word = next;
        }
    }

    #[test]
    fn the_version_wraps_inside_its_field() {
        let last = PageWord::from_bits((1 << VERSION_BITS) - 1);
        let next = last.changed(PageState::Slab, 5, 7);
        assert_eq!((next.state(), next.class(), next.owner()), (PageState::Slab, 5, 7));
        assert_eq!(next.bits() & ((1 << VERSION_BITS) - 1), 0);
    }
}
