//! Looking a key up: at most two lines, no store, no atomic read-modify-write.

use super::probe::SLOTS;
use super::{Position, Probe};
use crate::fuel::{Exhausted, Fuel};
use crate::layout::ItemHead;
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
    Absent,
}

/// What a look at one slot ends with.
enum Inspection {
    Match(Found),
    Other,
    Changed,
}

impl Region {
    /// Finds a key. A tentative word that is not pending is nobody's yet.
    #[inline(always)]
    pub(crate) fn find(
        &self,
        probe: &Probe,
        key: &[u8],
        fuel: &mut Fuel,
    ) -> Result<Lookup, Exhausted> {
        'scan: loop {
            fuel.burn()?;
            let mut matches = self.tags_equal(probe.primary, probe.tag)
                | self.tags_equal(probe.alternate, probe.tag) << SLOTS;
            while matches != 0 {
                let at = matches.trailing_zeros() as usize;
                matches &= matches - 1;
                // Behind the look at the tag, so a tag that has come may be missed, but none that was there all along.
                let position = probe.position(at);
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
        if !self.geometry.in_arena(location) {
            return self.unchanged(position, word);
        }
        let header = self.load_header(location);
        // The second look lies behind the header and before everything that is read of the item: if the header's
        // generation is still the same at the end, the slot named exactly this incarnation here.
        if self.slot(position).load(ord::slot_load()) != word.bits() {
            return Inspection::Changed;
        }
        if self.geometry.short_generation(header.generation()) != word.generation() {
            // Between two equal headers this is damage; else the block went round, and with it perhaps the key.
            return self.other_if_still(location, header);
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
        self.other_if_still(location, header)
    }

    /// Not this key's, if what was looked at was whole.
    #[inline]
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
    pub(crate) fn is_pending(&self, position: Position, word: SlotWord) -> bool {
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
