//! Looking a key up: at most two lines, no store, no atomic read-modify-write.

use super::probe::SLOTS;
use super::{Position, Probe};
use crate::fuel::{Exhausted, Fuel};
use crate::layout::ItemHead;
use crate::ordering as ord;
use crate::region::Region;
use crate::word::{BlockWord, ControlWord, SlotWord};

/// A key's slots at one look, and which of them may hold it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan {
    pub(crate) words: [SlotWord; 2 * SLOTS],
    matches: u32,
}

/// A key's item, as it was when the slot was looked at for the second time, if [`Region::still`] says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) position: Position,
    pub(crate) word: SlotWord,
    pub(crate) header: BlockWord,
    /// Loaded, but not validated: see [`Region::still`].
    pub(crate) head: ItemHead,
}

impl Found {
    #[inline(always)]
    pub(crate) fn location(&self) -> u64 {
        self.word.location()
    }

    /// First word of the value.
    #[inline(always)]
    pub(crate) fn value_at(&self) -> u64 {
        self.location() + self.head.sizes.value_offset()
    }
}

/// What a lookup ends with.
#[derive(Debug)]
pub(crate) enum Lookup {
    Found(Found),
    Absent(Scan),
}

/// What a look at one slot ends with.
enum Inspection {
    Match(Found),
    Other,
    Changed,
}

impl Region {
    /// Compares all tags first, without a branch.
    #[inline]
    fn scan(&self, probe: &Probe) -> Scan {
        let mut scan = Scan { words: [SlotWord::EMPTY; 2 * SLOTS], matches: 0 };
        let primary = self.bucket_at(probe.primary);
        let alternate = self.bucket_at(probe.alternate);
        for at in 0..SLOTS {
            let first = self.word(primary + at as u64).load(ord::slot_load());
            let second = self.word(alternate + at as u64).load(ord::slot_load());
            scan.words[at] = SlotWord::from_bits(first);
            scan.words[at + SLOTS] = SlotWord::from_bits(second);
        }
        for (at, word) in scan.words.iter().enumerate() {
            let matches = (word.tag() == probe.tag) & !word.is_empty();
            scan.matches |= u32::from(matches) << at;
        }
        scan
    }

    /// Finds a key. A tentative word that is not pending is nobody's yet.
    #[inline]
    pub(crate) fn find(
        &self,
        probe: &Probe,
        key: &[u8],
        fuel: &mut Fuel,
    ) -> Result<Lookup, Exhausted> {
        'scan: loop {
            fuel.burn()?;
            let scan = self.scan(probe);
            let mut matches = scan.matches;
            while matches != 0 {
                let at = matches.trailing_zeros() as usize;
                matches &= matches - 1;
                match self.inspect(probe.position(at), scan.words[at], key) {
                    Inspection::Match(found) => return Ok(Lookup::Found(found)),
                    Inspection::Other => {}
                    Inspection::Changed => continue 'scan,
                }
            }
            return Ok(Lookup::Absent(scan));
        }
    }

    /// Whether the slot's word is this key's item.
    #[inline]
    fn inspect(&self, position: Position, word: SlotWord, key: &[u8]) -> Inspection {
        if word.is_tentative() && !self.is_pending(position, word) {
            return self.unchanged(position, word);
        }
        let location = word.location();
        if self.geometry.page_of(location).is_none() {
            return self.unchanged(position, word);
        }
        let header = self.load_header(location);
        let named = self.geometry.short_generation(header.generation()) == word.generation();
        // The second look lies behind the header and before everything that is read of the item: if the header's
        // generation is still the same at the end, the slot named exactly this incarnation here.
        if !named || self.slot(position).load(ord::slot_load()) != word.bits() {
            return self.unchanged(position, word);
        }
        if location + 5 > self.geometry.arena_end {
            return Inspection::Other;
        }
        let head = ItemHead::load(&self.memory, location);
        let ours = head.sizes.key_len == key.len()
            && location + head.sizes.words() <= self.geometry.arena_end
            && self.memory.equals(location + head.sizes.key_offset(), key);
        if ours {
            return Inspection::Match(Found { position, word, header, head });
        }
        // Another key, if what was compared was whole.
        if self.still(location, header) { Inspection::Other } else { Inspection::Changed }
    }

    /// What does not count is passed over if the slot still says so; else everything must be read anew.
    #[inline]
    fn unchanged(&self, position: Position, word: SlotWord) -> Inspection {
        if self.slot(position).load(ord::slot_load()) == word.bits() {
            Inspection::Other
        } else {
            Inspection::Changed
        }
    }

    /// Whether a tentative word counts.
    #[cold]
    fn is_pending(&self, position: Position, word: SlotWord) -> bool {
        let primary = position.primary(&self.geometry, word);
        let control = ControlWord::from_bits(self.control(primary).load(ord::control_load()));
        control.pending().is_some_and(|pending| {
            Position::pending(&self.geometry, primary, pending, control.tag()) == position
        })
    }

    /// Whether everything loaded from a block since its header was loaded is of that incarnation. The state may
    /// have moved on; the generation may not.
    #[inline(always)]
    pub(crate) fn still(&self, location: u64, header: BlockWord) -> bool {
        ord::reader_fence();
        let now = BlockWord::from_bits(self.header(location).load(ord::header_recheck()));
        now.generation() == header.generation()
    }
}
