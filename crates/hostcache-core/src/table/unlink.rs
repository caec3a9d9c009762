//! Taking an item out of its slot: replace, delete, expire, evict.

use super::probe::SLOTS;
use super::{Bucket, Found, Position, Probe};
use crate::fault::{Fault, planted};
use crate::ordering as ord;
use crate::participant::Counter;
use crate::region::{Host, Region};
use crate::session::Session;
use crate::slab::Owned;
use crate::sync::Ordering;
use crate::word::{BlockState, BlockWord, ControlWord, SlotWord};

/// Why an item ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// A newer value takes its place.
    Replaced,
    /// The caller asked.
    Deleted,
    /// Memory or slots are needed.
    Evicted,
    /// Its deadline passed.
    Expired,
    /// A clear ended it before.
    Cleared,
}

impl<H: Host> Session<'_, H> {
    /// Empties an item's slot and takes its block. `None`: the slot changed first, or the control word had to be settled;
    /// the caller looks again. A block that a recoverer took is gone, too: the item ended all the same.
    pub(crate) fn unlink(&mut self, found: &Found, removal: Removal) -> Option<Owned> {
        self.exchange(found, SlotWord::EMPTY, removal).flatten()
    }

    /// Changes an item's slot from its committed word to another. Outer `None`: not changed; inner `None`: changed, but
    /// the old block is not ours to reuse.
    #[inline]
    pub(crate) fn exchange(
        &mut self,
        found: &Found,
        next: SlotWord,
        removal: Removal,
    ) -> Option<Option<Owned>> {
        if !self.swap_word(found, next, removal) {
            return None;
        }
        if removal == Removal::Evicted {
            let primary = found.position.primary(&self.region.geometry, found.word);
            self.region.note_evicted(primary, found.word.tag());
            self.region.count_evicted(self.host, found.location());
        }
        let entry = self.lane.magazine.reserve();
        let owned = self.retire(found, entry);
        if let (None, Some(entry)) = (&owned, entry) {
            self.lane.magazine.vacate(entry);
        }
        self.clear_old();
        self.count_removal(found, removal);
        Some(owned)
    }

    /// The compare-exchange of a slot from its committed word to another. True: the word is out, and the lane's record
    /// still names it, until the block is retired and [`Session::clear_old`] follows.
    #[inline(always)]
    pub(crate) fn swap_word(&mut self, found: &Found, next: SlotWord, removal: Removal) -> bool {
        self.swap_word_in(self.region.bucket(found.position.bucket()), found, next, removal)
    }

    /// [`Session::swap_word`] in the line of the item's bucket.
    #[inline(always)]
    pub(crate) fn swap_word_in(
        &mut self,
        line: &Bucket,
        found: &Found,
        next: SlotWord,
        removal: Removal,
    ) -> bool {
        let region = self.region;
        let Found { position, word, .. } = *found;
        if word.is_tentative() {
            self.settle_tentative(position, word);
            return false;
        }
        // HAZARD: name, barrier, second look at slot and header. The slot alone is not enough: its short generation
        // may have come round before the name was there. From here on it cannot. Nor is the generation enough: the
        // header may have been loaded before the block was sealed in it, and could not be retired from there.
        self.name_victim(word, found.header);
        let slot = match cfg!(loom) {
            // An access by itself, so that the thread may die before it.
            true => region.slot(position),
            false => &line[usize::from(position.index())],
        };
        let header = BlockWord::from_bits(found.header_word(region).load(ord::header_load()));
        let same = header == found.header || planted(Fault::HeaderNotReread);
        let named = same && slot.load(ord::slot_recheck()) == word.bits();
        // RULE R; a replacement leaves an instance of the key there and needs none.
        let settled = named && (removal == Removal::Replaced || self.settle_slot(position, word));
        let won = settled
            && slot
                .compare_exchange(word.bits(), next.bits(), ord::slot_publish(), Ordering::Relaxed)
                .is_ok();
        if !won || planted(Fault::NameDroppedEarly) {
            self.clear_old();
        }
        won
    }

    /// Helps a visible tentative word to be finished.
    #[cold]
    fn settle_tentative(&mut self, position: Position, word: SlotWord) {
        let primary = position.primary(&self.region.geometry, word);
        let control = self.region.control(primary).load(ord::control_load());
        self.help(primary, ControlWord::from_bits(control));
    }

    #[inline(always)]
    pub(crate) fn count_removal(&mut self, found: &Found, removal: Removal) {
        match removal {
            // The clear that ended it has subtracted it already.
            Removal::Cleared => return,
            Removal::Evicted => self.tally(Counter::Evictions, 1),
            Removal::Expired => self.tally(Counter::Expired, 1),
            Removal::Replaced | Removal::Deleted => {}
        }
        self.tally(Counter::ItemsRemoved, 1);
        if !planted(Fault::RemovalNotCounted) {
            self.tally(Counter::BytesRemoved, found.head.sizes().bytes());
        }
    }
}

impl Region {
    /// Why an item is dead as seen from an epoch, if it is. Counts if [`Found::is_whole`] says so afterwards, or if the
    /// item's slot is exchanged.
    #[inline]
    pub(crate) fn end_at<H: Host>(
        &self,
        host: &H,
        found: &Found<'_>,
        epoch: u64,
    ) -> Option<Removal> {
        if self.is_cleared(found.head.stamp(), epoch) {
            return Some(Removal::Cleared);
        }
        (!found.is_alive(host)).then_some(Removal::Expired)
    }

    /// Whether a clear has ended an item, as seen from an epoch, by the item's stamp.
    #[inline(always)]
    pub(crate) fn is_cleared(&self, stamp: u64, epoch: u64) -> bool {
        !planted(Fault::EpochNotCompared)
            && self.geometry.stamp(stamp.wrapping_sub(epoch)) >= self.geometry.half_stamps()
    }

    /// The slot that names a location in a generation. Not one look at all slots, but an incarnation never moves.
    pub(crate) fn find_location(
        &self,
        probe: &Probe,
        location: u64,
        generation: u64,
    ) -> Option<(Position, SlotWord)> {
        (0..2 * SLOTS).map(|at| probe.position(at)).find_map(|position| {
            let word = SlotWord::from_bits(self.slot(position).load(ord::slot_load()));
            let named =
                !word.is_empty() && word.location() == location && word.generation() == generation;
            named.then_some((position, word))
        })
    }

    /// The committed item in a slot, whole.
    pub(crate) fn committed_at(&self, position: Position) -> Option<Found<'_>> {
        let word = SlotWord::from_bits(self.slot(position).load(ord::slot_load()));
        if word.is_empty() || word.is_tentative() {
            return None;
        }
        let location = word.location();
        if !self.geometry.has_room_for_head(location) {
            return None;
        }
        let header = self.load_header(location);
        if header.state() != BlockState::Published
            || self.geometry.short_generation_of(header) != word.generation()
        {
            return None;
        }
        // As in a lookup: the second look before anything of the item is read.
        if self.slot(position).load(ord::slot_load()) != word.bits() {
            return None;
        }
        let found = self.found_at(position, word, header)?;
        found.is_whole().then_some(found)
    }
}
