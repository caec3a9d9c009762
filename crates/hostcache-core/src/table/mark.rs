//! Use marks: one byte a slot, in the line of its bucket, which a lookup has at hand.
//!
//! A reader raises a mark only if it is not at its highest. Marks are loaded and stored, never exchanged: of two who
//! change one at once one loses, and nothing depends on marks but the choice of victims.

use super::Position;
#[cfg(not(loom))]
use super::probe::SLOTS;
use crate::region::Region;
#[cfg(not(loom))]
use crate::sync::{AtomicU8, Ordering};

/// The highest mark.
const HIGHEST: u8 = 3;

impl Region {
    /// Recency of a slot's item, 0 to 3.
    #[inline]
    pub(crate) fn mark(&self, position: Position) -> u64 {
        self.load_mark(position).into()
    }

    /// Notes a use.
    #[inline(always)]
    pub(crate) fn raise_mark(&self, position: Position) {
        let mark = self.load_mark(position);
        if mark < HIGHEST {
            self.store_mark(position, mark + 1);
        }
    }

    /// Takes one use away.
    pub(crate) fn lower_mark(&self, position: Position) {
        let mark = self.load_mark(position);
        if mark > 0 {
            self.store_mark(position, mark - 1);
        }
    }

    /// A new item starts unused.
    pub(crate) fn reset_mark(&self, position: Position) {
        if self.load_mark(position) > 0 {
            self.store_mark(position, 0);
        }
    }

    #[cfg(not(loom))]
    #[inline(always)]
    fn load_mark(&self, position: Position) -> u8 {
        self.mark_byte(position).load(Ordering::Relaxed)
    }

    #[cfg(not(loom))]
    #[inline(always)]
    fn store_mark(&self, position: Position, mark: u8) {
        self.mark_byte(position).store(mark, Ordering::Relaxed);
    }

    /// Bytes of the word behind the bucket's slots, which is accessed in no other way.
    #[cfg(not(loom))]
    #[inline(always)]
    fn mark_byte(&self, position: Position) -> &AtomicU8 {
        let word = self.bucket_at(position.bucket()) + SLOTS as u64;
        self.memory.byte(word * 8 + u64::from(position.index()))
    }

    /// Models have no marks: they would only multiply their states.
    #[cfg(loom)]
    fn load_mark(&self, _: Position) -> u8 {
        0
    }

    #[cfg(loom)]
    fn store_mark(&self, _: Position, _: u8) {}
}
