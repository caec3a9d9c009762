//! A lane's magazine: a few claimed blocks, so that most allocations touch nothing shared.
//!
//! Every block that a lane holds is named by an entry of its record *before* the lane claims it, and until it is linked
//! or free again. Stale names are harmless: recovery believes headers.

use crate::fault::{Fault, planted};
use crate::layout::record;

/// Number of an entry in the record.
pub(crate) type Entry = u32;

/// A block ready for use, and the entry that names it. Without padding, which would be copied byte by byte.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Held {
    pub(crate) location: u64,
    pub(crate) generation: u64,
    pub(crate) class: u32,
    pub(crate) entry: Entry,
}

const ENTRIES: usize = record::MAGAZINE_SLOTS as usize;
/// Entries kept for the blocks of the operation under way: a new one and an old one, and one to spare.
const RESERVE: usize = if cfg!(loom) { 1 } else { 3 };

/// The private side of the entries. An entry is vacant, or busy (an operation works on the block that it names), or names
/// a held block.
#[derive(Debug)]
pub(crate) struct Magazine {
    /// The first `count` are blocks, the one given last at the end.
    held: [Held; ENTRIES],
    // Narrow, and so not beside `bytes`: both in one wide access would have to wait for the stores before.
    count: u8,
    /// Blocks that may be held.
    most: u8,
    /// Bytes of the held blocks.
    bytes: u64,
    /// One bit for each vacant entry.
    vacant: u32,
}

impl Magazine {
    pub(crate) fn new() -> Self {
        Self {
            held: [Held::default(); ENTRIES],
            count: 0,
            most: (ENTRIES - RESERVE) as u8,
            bytes: 0,
            vacant: u32::MAX >> (32 - ENTRIES),
        }
    }

    /// Lends a block of a class, the one given last if it is of that: its bytes count as held until another is given for it
    /// ([`Magazine::give_for_lent`]) or none will be ([`Magazine::keep_lent`]). Its entry stays busy and keeps naming it.
    #[inline(always)]
    pub(crate) fn lend(&mut self, class: usize) -> Option<Held> {
        let last = |it: &Self| it.held.get(usize::from(it.count).wrapping_sub(1)).copied();
        let mut held = last(self)?;
        if held.class as usize != class {
            self.bring_up(class)?;
            held = last(self)?;
        }
        self.count -= 1;
        Some(held)
    }

    /// Makes a block of a class the last. `None`: there is none.
    #[cold]
    #[inline(never)]
    fn bring_up(&mut self, class: usize) -> Option<()> {
        let held = &mut self.held[..usize::from(self.count)];
        let at = held.iter().rposition(|held| held.class as usize == class)?;
        held.swap(at, held.len() - 1);
        Some(())
    }

    /// A block of the same class instead of the one that was lent, with its entry; nothing was given meanwhile.
    #[inline(always)]
    pub(crate) fn give_for_lent(&mut self, held: Held) {
        debug_assert!(self.vacant & (1 << held.entry) == 0);
        self.held[usize::from(self.count)] = held;
        self.count += 1;
    }

    /// No block will be given for the one that was lent.
    pub(crate) fn keep_lent(&mut self, chunk_bytes: u64) {
        self.bytes = self.bytes.saturating_sub(chunk_bytes);
    }

    /// Takes any block of a class, one given late before one given early.
    pub(crate) fn take(&mut self, class: usize, chunk_bytes: u64) -> Option<Held> {
        let held = self.lend(class)?;
        self.keep_lent(chunk_bytes);
        Some(held)
    }

    /// Blocks held.
    pub(crate) fn held(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether one more block of this size may be held.
    #[inline(always)]
    pub(crate) fn has_room(&self, chunk_bytes: u64, limit: u64) -> bool {
        let limit = if planted(Fault::MagazineUnbounded) { u64::MAX } else { limit };
        self.count < self.most && self.bytes + chunk_bytes <= limit
    }

    /// Holds no blocks from now on: what its lane gives back is everybody's at once.
    pub(crate) fn hold_none(&mut self) {
        self.most = 0;
    }

    /// The block that a busy entry names is held.
    #[inline(always)]
    pub(crate) fn put(&mut self, held: Held, chunk_bytes: u64) {
        debug_assert!(self.vacant & (1 << held.entry) == 0);
        self.held[usize::from(self.count)] = held;
        self.count += 1;
        self.bytes += chunk_bytes;
    }

    /// Makes a vacant entry busy. One is always left: operations hold at most as many as are reserved.
    #[inline(always)]
    pub(crate) fn reserve(&mut self) -> Option<Entry> {
        if self.vacant == 0 {
            return None;
        }
        let entry = self.vacant.trailing_zeros();
        self.vacant &= self.vacant - 1;
        Some(entry)
    }

    /// A busy entry is done with.
    #[inline(always)]
    pub(crate) fn vacate(&mut self, entry: Entry) {
        debug_assert!(self.vacant & (1 << entry) == 0);
        self.vacant |= 1 << entry;
    }

    /// Takes any block, for giving all back.
    pub(crate) fn take_any(&mut self) -> Option<Held> {
        self.count = self.count.checked_sub(1)?;
        if self.count == 0 {
            self.bytes = 0;
        }
        Some(self.held[usize::from(self.count)])
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::{Fixture, Still, plain};
    use crate::layout::Identity;
    use crate::{Lane, Session};

    #[test]
    fn a_lane_keeps_no_more_bytes_than_its_share() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        for len in [10, 100, 300] {
            let mut session = Session::new(region, &mut lane, &Still);
            let value = vec![7; len];
            let request = plain(&value, None);
            for key in 0..40u8 {
                session.set(&[key], &request).expect("there is room");
            }
            for key in 0..40u8 {
                session.delete(&[key]).expect("a sound region");
            }
            let (held, share) = (region.held_bytes_of(0), region.geometry.magazine_bytes());
            assert!(held <= share, "{held} bytes held, of {share}");
        }
    }
}
