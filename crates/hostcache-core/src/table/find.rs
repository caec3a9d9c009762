//! Looking a key up: at most two lines, no store, no atomic read-modify-write.

use super::{Position, Probe};
use crate::fuel::{Exhausted, Fuel};
use crate::layout::{HeadWords, ItemHead};
use crate::ordering as ord;
use crate::region::Region;
use crate::word::{BlockWord, ControlWord, SlotWord};

/// A key's item, as it was when the slot was looked at for the second time, if [`Region::still`] says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) position: Position,
    pub(crate) word: SlotWord,
    pub(crate) header: BlockWord,
    /// Loaded, but not validated: see [`Region::still`].
    pub(crate) head: HeadWords,
    /// First word of the value.
    pub(crate) value_at: u64,
}

impl Found {
    #[inline(always)]
    pub(crate) fn location(&self) -> u64 {
        self.word.location()
    }
}

impl Region {
    /// Everything that stands before a found item's key. Counts only if [`Region::still`] says so *afterwards*.
    #[inline(always)]
    pub(crate) fn head_of(&self, found: &Found) -> ItemHead {
        ItemHead::complete(found.head, self.memory.array(found.location()))
    }

    /// What a published block holds, if a whole item could be there. Counts if [`Region::still`] says so afterwards.
    #[inline]
    pub(crate) fn item_at(
        &self,
        position: Position,
        word: SlotWord,
        header: BlockWord,
    ) -> Option<Found> {
        let location = word.location();
        let head = self.head_at(location)?;
        let value_at = location + head.sizes().value_offset();
        Some(Found { position, word, header, head, value_at })
    }

    /// The head words at a location, if a whole item could be there. Count if [`Region::still`] says so afterwards.
    #[inline]
    pub(crate) fn head_at(&self, location: u64) -> Option<HeadWords> {
        if !self.geometry.has_room_for_head(location) {
            return None;
        }
        let head = HeadWords::load(self.memory.array(location));
        (location + head.sizes().words() <= self.geometry.arena_end).then_some(head)
    }

    /// A found item's deadline, milliseconds since boot. Counts as [`Region::head_of`] does.
    #[inline(always)]
    pub(crate) fn deadline_of(&self, found: &Found) -> Option<u64> {
        found.head.has_deadline().then(|| self.head_of(found).deadline).flatten()
    }
}

/// What a lookup ends with.
#[derive(Debug)]
pub(crate) enum Lookup {
    Found(Found),
    Absent,
}

/// What a look at one slot ends with.
enum Inspection {
    Match(Found),
    Other,
    Changed,
}

impl Region {
    /// Finds a key if the first slot with its tag is the one: as nearly always. `None`: look with [`Region::find`].
    ///
    /// Without a loop, so that the compiler prepares nothing for a second round.
    #[inline(always)]
    pub(crate) fn glance(&self, probe: &Probe, key: &[u8]) -> Option<Lookup> {
        let mut matches = self.tags_equal(probe);
        let Some(position) = matches.next(probe) else { return Some(Lookup::Absent) };
        let word = SlotWord::from_bits(self.slot(position).load(ord::slot_load()));
        if word.tag() != probe.tag {
            return None;
        }
        match self.inspect(position, word, key) {
            Inspection::Match(found) => Some(Lookup::Found(found)),
            Inspection::Other | Inspection::Changed => None,
        }
    }

    /// Finds a key. A tentative word that is not pending is nobody's yet.
    #[inline(never)]
    pub(crate) fn find(
        &self,
        probe: &Probe,
        key: &[u8],
        fuel: &mut Fuel,
    ) -> Result<Lookup, Exhausted> {
        'scan: loop {
            fuel.burn()?;
            let mut matches = self.tags_equal(probe);
            while let Some(position) = matches.next(probe) {
                // Behind the look at the tag, so a tag that has come may be missed, but none that was there all along.
                let word = SlotWord::from_bits(self.slot(position).load(ord::slot_load()));
                if word.tag() != probe.tag {
                    continue 'scan;
                }
                match self.inspect(position, word, key) {
                    Inspection::Match(found) => return Ok(Lookup::Found(found)),
                    Inspection::Other => {}
                    Inspection::Changed => continue 'scan,
                }
            }
            return Ok(Lookup::Absent);
        }
    }

    /// Whether the slot's word is this key's item.
    #[inline(always)]
    fn inspect(&self, position: Position, word: SlotWord, key: &[u8]) -> Inspection {
        if word.is_tentative() && !self.is_pending(position, word) {
            return self.unchanged(position, word);
        }
        let location = word.location();
        if !self.geometry.has_room_for_head(location) {
            return self.unchanged(position, word);
        }
        let words = self.memory.array(location);
        let header = BlockWord::from_bits(words[0].load(ord::header_load()));
        // The second look lies behind the header and before everything that is read of the item: if the header's
        // generation is still the same at the end, the slot named exactly this incarnation here.
        if self.slot(position).load(ord::slot_load()) != word.bits() {
            return Inspection::Changed;
        }
        if self.geometry.short_generation_of(header) != word.generation() {
            // Between two equal headers this is damage; else the block went round, and with it perhaps the key.
            return self.other_if_still(location, header);
        }
        let head = HeadWords::load(words);
        let key_at = location + head.key_offset();
        let value_at = key_at + (key.len() as u64).div_ceil(8);
        let room = self.geometry.arena_end.saturating_sub(value_at) * 8;
        if head.key_len() == key.len()
            && head.value_len() as u64 <= room
            && self.memory.equals(key_at, key)
        {
            return Inspection::Match(Found { position, word, header, head, value_at });
        }
        self.other_if_still(location, header)
    }

    /// Not this key's, if what was looked at was whole.
    #[cold]
    fn other_if_still(&self, location: u64, header: BlockWord) -> Inspection {
        if self.still(location, header) { Inspection::Other } else { Inspection::Changed }
    }

    /// What does not count is passed over if the slot still says so; else everything must be read anew.
    #[cold]
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
