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
        let position = Position::new(slot / SLOTS as u64, (slot % SLOTS as u64) as u8);
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
        if !self.geometry.has_room_for_head(location) {
            return unless_changed(same_word());
        }
        let header = self.load_header(location);
        if !same_word() {
            return Look::Changed;
        }
        if self.geometry.short_generation_of(header) != word.generation() {
            return unless_changed(self.still(location, header));
        }
        let epoch = self.epoch();
        let Some(found) = self.found_at(position, word, header) else {
            return unless_changed(self.still(location, header));
        };
        let mut key = Vec::new();
        let wanted = self.end_at(host, &found, epoch).is_none()
            && found.head.key_len() >= prefix.len()
            && self.copy_key(location, &mut key)
            && key.starts_with(prefix);
        if !wanted {
            return unless_changed(found.is_whole());
        }
        let head = found.item_head();
        let mut value = Vec::new();
        if with_value {
            found.value.copy_to_vec(&mut value);
        }
        if found.is_whole() { Look::Item(Walked { key, head, value }) } else { Look::Changed }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, Still, plain};
    use crate::layout::Identity;
    use crate::sync::Ordering;
    use crate::table::Probe;
    use crate::word::ControlWord;
    use crate::{Lane, Session, Value};

    fn with_region(test: impl FnOnce(&Region, &mut Lane)) {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        test(region, &mut lane);
    }

    fn set(region: &Region, lane: &mut Lane, key: &[u8]) {
        let request = plain(b"value", None);
        Session::new(region, lane, &Still).set(key, &request).expect("there is room");
    }

    fn walk(region: &Region) -> Vec<Vec<u8>> {
        (0..region.slots())
            .filter_map(|slot| region.item_at(&Still, slot, b"", true).expect("nobody writes"))
            .map(|walked| walked.key)
            .collect()
    }

    /// The slot of a key, back in the state that an inserter leaves that is stopped right behind its commit,
    /// or right before it.
    fn unfinish(region: &Region, key: &[u8], committed: bool) {
        let probe = Probe::new(&region.geometry, key);
        let at = (0..2 * SLOTS).find(|&at| {
            let word = region.slot(probe.position(at)).load(Ordering::Relaxed);
            SlotWord::from_bits(word).tag() == probe.tag
        });
        let at = at.expect("the key is there");
        let slot = region.slot(probe.position(at));
        let word = SlotWord::from_bits(slot.load(Ordering::Relaxed));
        let tentative = SlotWord::tentative(
            word.tag(),
            word.generation(),
            word.is_alternate(),
            word.location(),
        );
        slot.store(tentative.bits(), Ordering::Relaxed);
        if committed {
            let control = region.control(probe.primary);
            let word = ControlWord::from_bits(control.load(Ordering::Relaxed));
            control.store(word.commit(at as u8, probe.tag).bits(), Ordering::Relaxed);
        }
    }

    #[test]
    fn an_insertion_that_its_owner_has_not_finished_is_met_if_it_is_committed() {
        for committed in [false, true] {
            with_region(|region, lane| {
                set(region, lane, b"key");
                assert_eq!(walk(region), [b"key"]);
                unfinish(region, b"key", committed);
                assert_eq!(walk(region).len(), usize::from(committed));
                let read = region
                    .get(&Still, b"key", false, &mut |_: &Value<'_>| ())
                    .expect("nobody writes");
                assert_eq!(read == crate::Got::Hit(()), committed, "a walk sees what a read sees");
            });
        }
    }

    #[test]
    fn words_that_are_no_item_end_a_look_and_are_not_met() {
        with_region(|region, lane| {
            set(region, lane, b"key");
            let arena = region.geometry.arena_at;
            for location in [1, arena, arena + 1, region.geometry.arena_end - 1] {
                let word = SlotWord::tentative(7, 3, false, location).committed();
                let position = Position::new(1, 2);
                let before = region.slot(position).swap(word.bits(), Ordering::Relaxed);
                assert_eq!(walk(region).iter().filter(|key| key.as_slice() != b"key").count(), 0);
                region.slot(position).store(before, Ordering::Relaxed);
            }
            assert_eq!(region.item_at(&Still, region.slots(), b"", true), Ok(None));
            assert_eq!(region.item_at(&Still, u64::MAX, b"", true), Ok(None));
        });
    }
}
