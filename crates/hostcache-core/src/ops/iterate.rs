//! Walking over all items while others work (`docs/protocol.md` §8).

use crate::fuel::{Exhausted, Fuel};
use crate::layout::{ItemHead, SLOTS};
use crate::ordering as ord;
use crate::region::{Host, Region};
use crate::table::Position;
use crate::word::SlotWord;

/// An item that a walk met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// Its key.
    pub key: Vec<u8>,
    /// What stood before the key.
    pub head: ItemHead,
    /// The value's bytes; empty unless asked for.
    pub value: Vec<u8>,
}

/// What one look at a slot ends with.
enum Look {
    Item(Walked),
    Nothing,
    Changed,
}

impl Region {
    /// Slots of the index, for [`Region::item_at`].
    #[must_use]
    pub fn slots(&self) -> u64 {
        self.geometry.shape.buckets * SLOTS as u64
    }

    /// The live item in a slot if its key begins with `prefix`, as it was at one instant of the call.
    ///
    /// A key that is present all the time stays in one slot: who asks for every slot once meets it exactly once.
    /// Lock-free: looks again only because a writer changed the slot or replaced its item. Writes nothing.
    ///
    /// # Errors
    ///
    /// The step bound was met.
    pub fn item_at<H: Host>(
        &self,
        host: &H,
        slot: u64,
        prefix: &[u8],
        with_value: bool,
    ) -> Result<Option<Walked>, Exhausted> {
        if slot >= self.slots() {
            return Ok(None);
        }
        let position = Position { bucket: slot / SLOTS as u64, index: (slot % SLOTS as u64) as u8 };
        let mut fuel = Fuel::operation();
        loop {
            fuel.burn()?;
            match self.look_at(host, position, prefix, with_value) {
                Look::Item(item) => return Ok(Some(item)),
                Look::Nothing => return Ok(None),
                Look::Changed => {}
            }
        }
    }

    /// In the order of a lookup (`docs/protocol.md` §3): the slot, the header, the slot again, the item, the header
    /// again. "Nothing" counts only if the slot, or the item in it, was the same before and after.
    fn look_at<H: Host>(
        &self,
        host: &H,
        position: Position,
        prefix: &[u8],
        with_value: bool,
    ) -> Look {
        let slot = self.slot(position);
        let word = SlotWord::from_bits(slot.load(ord::slot_load()));
        let unless_changed = |same: bool| if same { Look::Nothing } else { Look::Changed };
        let same_word = || slot.load(ord::slot_load()) == word.bits();
        if word.is_empty() {
            return Look::Nothing;
        }
        if word.is_tentative() && !self.is_pending(position, word) {
            return unless_changed(same_word());
        }
        let location = word.location();
        if !self.geometry.in_arena(location) || location + 5 > self.geometry.arena_end {
            return unless_changed(same_word());
        }
        let header = self.load_header(location);
        if !same_word() {
            return Look::Changed;
        }
        if self.geometry.short_generation(header.generation()) != word.generation() {
            return unless_changed(self.still(location, header));
        }
        let epoch = self.epoch();
        let head = ItemHead::load(&self.memory, location);
        if location + head.sizes.words() > self.geometry.arena_end {
            return unless_changed(self.still(location, header));
        }
        let dead = self.is_cleared(&head, epoch)
            || head.deadline.is_some_and(|deadline| deadline <= host.now_ms());
        if dead || head.sizes.key_len < prefix.len() {
            return unless_changed(self.still(location, header));
        }
        let mut key = vec![0; head.sizes.key_len];
        self.memory.copy_out(location + head.sizes.key_offset(), &mut key);
        if !key.starts_with(prefix) {
            return unless_changed(self.still(location, header));
        }
        let mut value = Vec::new();
        if with_value {
            value.resize(head.sizes.value_len as usize, 0);
            self.memory.copy_out(location + head.sizes.value_offset(), &mut value);
        }
        if self.still(location, header) {
            Look::Item(Walked { key, head, value })
        } else {
            Look::Changed
        }
    }
}
