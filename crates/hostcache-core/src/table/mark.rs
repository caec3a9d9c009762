//! Use marks: one byte a slot, in one word a bucket, beside the index.
//!
//! A reader raises a mark only if it is not at its highest, and a lost race loses one use: nothing depends on marks
//! but the choice of victims.

use super::Position;
use crate::region::Region;
use crate::sync::Ordering;

/// The highest mark.
const HIGHEST: u64 = 3;

impl Region {
    fn mark_shift(position: Position) -> u32 {
        u32::from(position.index()) * 8
    }

    /// Recency of a slot's item, 0 to 3.
    #[inline]
    pub(crate) fn mark(&self, position: Position) -> u64 {
        let word = self.word(self.geometry.marks_at + position.bucket()).load(Ordering::Relaxed);
        (word >> Self::mark_shift(position)) & 0xff
    }

    /// Notes a use.
    #[inline]
    pub(crate) fn raise_mark(&self, position: Position) {
        if cfg!(loom) {
            return;
        }
        let marks = self.word(self.geometry.marks_at + position.bucket());
        let word = marks.load(Ordering::Relaxed);
        let shift = Self::mark_shift(position);
        if (word >> shift) & 0xff < HIGHEST {
            let raised = word + (1 << shift);
            let _ = marks.compare_exchange(word, raised, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Takes one use away.
    pub(crate) fn lower_mark(&self, position: Position) {
        let marks = self.word(self.geometry.marks_at + position.bucket());
        let word = marks.load(Ordering::Relaxed);
        let shift = Self::mark_shift(position);
        if (word >> shift) & 0xff > 0 {
            let lowered = word - (1 << shift);
            let _ = marks.compare_exchange(word, lowered, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// A new item starts unused.
    pub(crate) fn reset_mark(&self, position: Position) {
        if cfg!(loom) {
            return;
        }
        let marks = self.word(self.geometry.marks_at + position.bucket());
        let word = marks.load(Ordering::Relaxed);
        let reset = word & !(0xff << Self::mark_shift(position));
        if reset != word {
            let _ = marks.compare_exchange(word, reset, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}
