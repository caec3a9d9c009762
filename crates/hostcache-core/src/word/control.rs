//! The control word: orders the insertions of one primary bucket.

use super::field;

/// ```text
/// 63                     16 15         12 11       0
/// |       version 48       |  pending 4  |  tag 12  |
/// ```
///
/// `pending` is 0 for none, else 1 + the position (0 to 6 in the primary bucket, 7 to 13 in the alternate of `tag`)
/// of a slot whose tentative word is committed and not yet finished; 15 is kept for "bucket moved".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlWord(u64);

const PENDING: u32 = 12;
const VERSION: u32 = 16;

impl ControlWord {
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

    /// Commits of insertions so far.
    #[must_use]
    pub const fn version(self) -> u64 {
        self.0 >> VERSION
    }

    /// Position of the committed, unfinished slot.
    #[inline]
    #[must_use]
    pub const fn pending(self) -> Option<u8> {
        match field(self.0, PENDING, 4) {
            code @ 1..=14 => Some(code as u8 - 1),
            _ => None,
        }
    }

    /// Tag of the pending word.
    #[inline]
    #[must_use]
    pub const fn tag(self) -> u16 {
        field(self.0, 0, 12) as u16
    }

    /// The next version, with a slot pending.
    #[inline]
    #[must_use]
    pub const fn commit(self, position: u8, tag: u16) -> Self {
        debug_assert!(position < 14);
        let version = self.version().wrapping_add(1) << VERSION;
        Self(version | ((position as u64 + 1) << PENDING) | tag as u64)
    }

    /// The same version, nothing pending.
    #[inline]
    #[must_use]
    pub const fn finished(self) -> Self {
        Self(self.version() << VERSION)
    }

    /// The next version, nothing pending: makes every insertion under way scan again.
    #[must_use]
    pub const fn bumped(self) -> Self {
        Self(self.version().wrapping_add(1) << VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_read_back_and_finished() {
        let control = ControlWord::from_bits(0);
        assert_eq!(control.pending(), None);
        for position in 0..14 {
            let committed = control.commit(position, 0xabc);
            assert_eq!(committed.pending(), Some(position));
            assert_eq!(committed.tag(), 0xabc);
            assert_eq!(committed.version(), 1);
            assert_eq!(committed.finished().pending(), None);
            assert_eq!(committed.finished().version(), 1);
        }
    }

    #[test]
    fn the_version_wraps_without_touching_its_neighbours() {
        let last = ControlWord::from_bits(u64::MAX << VERSION);
        assert_eq!(last.commit(13, 0xfff).version(), 0);
        assert_eq!(last.bumped().bits(), 0);
    }
}
