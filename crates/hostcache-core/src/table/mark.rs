//! Use marks: one byte a slot, in the line of its bucket, which a lookup has at hand.
//!
//! An item starts as a newcomer; the uses that it is seen to have had make it a settled one, which is judged apart from
//! newcomers. One number says both, so that a reader need not tell them apart:
//!
//! ```text
//! 0       a newcomer, unused
//! 1 to 3  a newcomer, used
//! 4       settled, unused
//! 5 to 7  settled, used since the hand last came by
//! ```
//!
//! The two bytes of the word that are no slot's remember what was evicted: a bit pattern of the tag of each of the last two whose primary
//! bucket this is. Who comes back meanwhile starts as settled (the ghost queue of S3-FIFO; Yang et al., SOSP 2023).
//!
//! A reader raises a mark only if it is not at its highest. Marks are loaded and stored, never exchanged: of two who
//! change one at once one loses, and nothing depends on marks but the choice of victims.

#[cfg(not(loom))]
use super::probe::SLOTS;
use super::{Bucket, Position};
#[cfg(not(loom))]
use crate::memory::Memory;
use crate::region::Region;
#[cfg(not(loom))]
use crate::sync::{AtomicU8, AtomicU64, Ordering};

/// The highest mark.
const HIGHEST: u8 = 7;
/// The lowest of a settled item.
pub(crate) const SETTLED: u64 = 4;

impl Region {
    /// The mark of a slot's item.
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

    /// [`Region::raise_mark`] of the slot at an index of a bucket.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(crate) fn raise_mark_in(&self, bucket: &Bucket, index: u8) {
        let byte = &Memory::bytes_of(&bucket[SLOTS])[usize::from(index) % 8];
        let mark = byte.load(Ordering::Relaxed);
        if mark < HIGHEST {
            byte.store(mark + 1, Ordering::Relaxed);
        }
    }

    #[cfg(loom)]
    pub(crate) fn raise_mark_in(&self, _: &Bucket, _: u8) {}

    /// Takes one use away.
    pub(crate) fn lower_mark(&self, position: Position) {
        let mark = self.load_mark(position);
        if mark > 0 {
            self.store_mark(position, mark - 1);
        }
    }

    /// Whether a mark tells of a use.
    pub(crate) fn tells_use(mark: u64) -> bool {
        mark != 0 && mark != SETTLED
    }

    /// Gives an item a mark: a new one, or one that has shown what it is worth.
    pub(crate) fn set_mark(&self, position: Position, mark: u64) {
        if self.mark(position) != mark {
            self.store_mark(position, mark as u8);
        }
    }

    /// Remembers that an item of this primary bucket was evicted.
    #[cfg(not(loom))]
    pub(crate) fn note_evicted(&self, primary: u64, tag: u16) {
        let [last, before] = self.ghosts(primary);
        before.store(last.load(Ordering::Relaxed), Ordering::Relaxed);
        last.store(ghost(tag), Ordering::Relaxed);
    }

    /// Whether a key that comes was among the last that were evicted; forgets it.
    #[cfg(not(loom))]
    pub(crate) fn was_evicted(&self, primary: u64, tag: u16) -> bool {
        let noted =
            self.ghosts(primary).into_iter().find(|g| g.load(Ordering::Relaxed) == ghost(tag));
        noted.map(|noted| noted.store(0, Ordering::Relaxed)).is_some()
    }

    #[cfg(not(loom))]
    fn ghosts(&self, bucket: u64) -> [&AtomicU8; 2] {
        const { assert!(SLOTS + 2 <= 8) };
        let bytes = Memory::bytes_of(self.marks_of(bucket));
        [&bytes[SLOTS], &bytes[SLOTS + 1]]
    }

    /// The word behind a bucket's slots.
    #[cfg(not(loom))]
    #[inline(always)]
    fn marks_of(&self, bucket: u64) -> &AtomicU64 {
        &self.bucket(bucket)[SLOTS]
    }

    #[cfg(loom)]
    pub(crate) fn note_evicted(&self, _: u64, _: u16) {}

    #[cfg(loom)]
    pub(crate) fn was_evicted(&self, _: u64, _: u16) -> bool {
        false
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
        &Memory::bytes_of(self.marks_of(position.bucket()))[usize::from(position.index())]
    }

    /// Models have no marks: they would only multiply their states.
    #[cfg(loom)]
    fn load_mark(&self, _: Position) -> u8 {
        SETTLED as u8
    }

    #[cfg(loom)]
    fn store_mark(&self, _: Position, _: u8) {}
}

/// What is remembered of a tag; 0 is nothing.
#[cfg(not(loom))]
fn ghost(tag: u16) -> u8 {
    (tag as u8).max(1)
}
