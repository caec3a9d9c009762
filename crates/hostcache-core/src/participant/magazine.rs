//! A lane's magazine: a few claimed blocks, so that most allocations touch nothing shared.
//!
//! Every block that a lane holds is named by an entry of its record *before* the lane claims it, and until it is linked
//! or free again. Stale names are harmless: recovery believes headers.

use crate::layout::record;

/// Number of an entry in the record.
pub(crate) type Entry = u8;

/// A block ready for use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) location: u64,
    pub(crate) generation: u64,
    pub(crate) class: u8,
}

#[derive(Debug, Clone, Copy)]
enum Use {
    Vacant,
    /// Names a block that an operation is working on.
    Busy,
    Held(Held),
}

const ENTRIES: usize = record::MAGAZINE_SLOTS as usize;
/// Entries kept for the blocks of the operation under way: a new one and an old one, and one to spare.
const RESERVE: usize = if cfg!(loom) { 1 } else { 3 };

/// The private side of the entries.
#[derive(Debug)]
pub(crate) struct Magazine {
    entries: [Use; ENTRIES],
    /// One bit for each vacant entry.
    vacant: u32,
    held: usize,
    bytes: u64,
    /// The entry most likely to be asked for: the one filled last.
    recent: usize,
}

impl Magazine {
    pub(crate) fn new() -> Self {
        Self {
            entries: [Use::Vacant; ENTRIES],
            vacant: u32::MAX >> (32 - ENTRIES),
            held: 0,
            bytes: 0,
            recent: 0,
        }
    }

    /// Takes a block of a class; its entry stays busy and keeps naming it.
    #[inline]
    pub(crate) fn take(&mut self, class: usize, chunk_bytes: u64) -> Option<(Entry, Held)> {
        let mut at = self.recent;
        let held = match self.entries[at] {
            Use::Held(held) if held.class as usize == class => held,
            _ => {
                if self.held == 0 {
                    return None;
                }
                let found =
                    self.entries.iter().enumerate().find_map(|(at, entry)| match entry {
                        Use::Held(held) if held.class as usize == class => Some((at, *held)),
                        _ => None,
                    })?;
                at = found.0;
                found.1
            }
        };
        self.entries[at] = Use::Busy;
        self.held -= 1;
        self.bytes -= chunk_bytes;
        Some((at as Entry, held))
    }

    /// Blocks held.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Whether one more block of this size may be held.
    #[inline]
    pub(crate) fn has_room(&self, chunk_bytes: u64, limit: u64) -> bool {
        self.held + RESERVE < ENTRIES && self.bytes + chunk_bytes <= limit
    }

    /// A busy entry becomes a held block.
    #[inline]
    pub(crate) fn put(&mut self, entry: Entry, held: Held, chunk_bytes: u64) {
        debug_assert!(matches!(self.entries[entry as usize], Use::Busy));
        self.entries[entry as usize] = Use::Held(held);
        self.recent = entry as usize;
        self.held += 1;
        self.bytes += chunk_bytes;
    }

    /// Reserves a vacant entry. One is always left: operations hold at most as many as are reserved.
    #[inline]
    pub(crate) fn reserve(&mut self) -> Option<Entry> {
        if self.vacant == 0 {
            return None;
        }
        let at = self.vacant.trailing_zeros();
        self.vacant &= self.vacant - 1;
        self.entries[at as usize] = Use::Busy;
        Some(at as Entry)
    }

    /// A busy entry is done with.
    #[inline]
    pub(crate) fn vacate(&mut self, entry: Entry) {
        debug_assert!(matches!(self.entries[entry as usize], Use::Busy));
        self.entries[entry as usize] = Use::Vacant;
        self.vacant |= 1 << entry;
    }

    /// Takes any block, for giving all back.
    pub(crate) fn take_any(&mut self) -> Option<(Entry, Held)> {
        let (at, held) = self.entries.iter().enumerate().find_map(|(at, entry)| match entry {
            Use::Held(held) => Some((at, *held)),
            _ => None,
        })?;
        self.entries[at] = Use::Busy;
        self.held -= 1;
        if self.held == 0 {
            self.bytes = 0;
        }
        Some((at as Entry, held))
    }
}
