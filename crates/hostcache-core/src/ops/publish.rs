//! Storing without a copy: a block is reserved, filled in place, and published under its key.

use super::set::{Set, SetOutcome, SetRequest};
use super::store::{Change, Verdict};
use crate::fuel::Fuel;
use crate::layout::{ItemHead, ItemSizes};
use crate::ordering as ord;
use crate::participant::Counter;
use crate::region::{Host, Region};
use crate::session::{Failure, Session};
use crate::slab::Owned;
use crate::sync::Ordering;
use crate::table::{Found, Lookup, Placed, Probe, Removal};
use crate::word::{BlockState, BlockWord, LaneId};

/// A block to fill. CLAIMED by the lane that reserved it, which does nothing else meanwhile.
#[derive(Debug)]
#[must_use = "a reservation is published or cancelled"]
pub struct Reserved {
    owned: Owned,
    sizes: ItemSizes,
}

impl Reserved {
    /// Bytes of the value.
    #[must_use]
    pub fn value_len(&self) -> u64 {
        self.sizes.value_len
    }

    /// Index of the value's first word.
    #[must_use]
    pub fn value_at(&self) -> u64 {
        self.owned.location + self.sizes.value_offset()
    }
}

/// Why nothing was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReserveFailure {
    /// As of a store.
    Store(Failure),
    /// Over the bound of pins and reservations: the bytes that all others may hold.
    OverBound(u64),
}

/// The block on its way into the table.
struct Work {
    owned: Owned,
    sizes: ItemSizes,
    /// Words that were reserved.
    room: u64,
    /// Sealed with this head.
    sealed: Option<ItemHead>,
    placed: Option<Placed>,
}

impl Region {
    /// Fills part of a reserved value. What lies beyond its end is not written.
    pub fn fill_reserved(&self, reserved: &Reserved, offset: u64, bytes: &[u8]) {
        let offset = offset.min(reserved.value_len());
        let fits = (reserved.value_len() - offset).min(bytes.len() as u64) as usize;
        self.memory.write_bytes(reserved.value_at(), offset, &bytes[..fits]);
    }

    /// Zeros part of a reserved value, to its end at most.
    pub fn zero_reserved(&self, reserved: &Reserved, from: u64, to: u64) {
        let to = to.min(reserved.value_len());
        if from < to {
            self.memory.zero_bytes(reserved.value_at(), from, to);
        }
    }

    /// Bytes that a lane has reserved.
    #[must_use]
    pub fn reserved_bytes_of(&self, lane: LaneId) -> u64 {
        let quota = self.load_quota(lane);
        if quota.is_reserved() { quota.used() } else { 0 }
    }

    /// The same for all lanes.
    #[must_use]
    pub fn reserved_bytes(&self) -> u64 {
        self.pin_lanes().map(|lane| self.reserved_bytes_of(lane)).sum()
    }
}

impl<H: Host> Session<'_, H> {
    /// Reserves a block for a value. The lane is the reservation's alone until it ends. With `has_deadline` the item
    /// may be published with a deadline or without, else only without.
    ///
    /// # Errors
    ///
    /// No room, a damaged region, or over the bound.
    pub fn reserve(
        &mut self,
        key_len: usize,
        value_len: u64,
        has_deadline: bool,
    ) -> Result<Reserved, ReserveFailure> {
        // A lane that waits for the next reservation would keep blocks, and with them pages, from all others.
        self.lane.magazine.hold_none();
        let sizes = ItemSizes::new(key_len, value_len, has_deadline);
        let (region, lane) = (self.region, self.lane.id);
        region
            .charge_reservation(lane, region.pin_charge(&sizes))
            .map_err(ReserveFailure::OverBound)?;
        match self.allocate(sizes.words()) {
            // A block of a region that contradicts itself may end sooner.
            Ok(owned) if owned.location + sizes.words() > region.geometry.arena_end => {
                self.free_block(owned, false);
                self.end_reservation();
                Err(ReserveFailure::Store(Failure::Damaged))
            }
            Ok(owned) => {
                ord::writer_fence();
                Ok(Reserved { owned, sizes })
            }
            Err(failure) => {
                self.end_reservation();
                if failure == Failure::NoRoom {
                    self.tally(Counter::NoRoom, 1);
                }
                Err(ReserveFailure::Store(failure))
            }
        }
    }

    /// Gives a reserved block back.
    pub fn cancel(&mut self, reserved: Reserved) {
        self.free_block(reserved.owned, true);
        self.end_reservation();
    }

    /// Stores a reserved value under a condition, as [`Session::set`] would; `request.value` is not looked at. The
    /// reservation ends whatever the outcome. All of its bytes must have been written.
    ///
    /// # Errors
    ///
    /// No slot, a damaged region, or a key or a deadline for which no room was reserved.
    pub fn publish(
        &mut self,
        reserved: Reserved,
        key: &[u8],
        request: &SetRequest<'_>,
    ) -> Result<SetOutcome, Failure> {
        self.tally(Counter::CmdSet, 1);
        let Reserved { owned, sizes } = reserved;
        let mut work = Some(Work { owned, sizes, room: sizes.words(), sealed: None, placed: None });
        let mut set = Set::new(request);
        let stored = self.publish_work(&mut work, key, &mut set);
        if let Some(mut work) = work {
            self.unplace_work(&mut work);
            self.free_block(work.owned, true);
        }
        self.end_reservation();
        self.conclude(request, &set, stored)
    }

    fn end_reservation(&mut self) {
        self.region.drop_quota(self.lane.id);
        self.region.forget_pin_lane(self.lane.id);
    }

    /// The loop of every store, on a block that is there already.
    fn publish_work(
        &mut self,
        work: &mut Option<Work>,
        key: &[u8],
        set: &mut Set<'_>,
    ) -> Result<Option<u64>, Failure> {
        let region = self.region;
        let probe = Probe::new(&region.geometry, key);
        let mut fuel = Fuel::operation();
        loop {
            fuel.burn()?;
            let Some(own) = work.as_mut() else { return Err(Failure::NoRoom) };
            let epoch = region.epoch();
            let Some(control) = self.settled_control(probe.primary) else { continue };
            let lookup = region.find(&probe, key, &mut fuel)?;
            let verdict = match &lookup {
                Lookup::Absent => Some(set.decide(None)?),
                // EPOCH: a newer item is never replaced under an older stamp.
                Lookup::Found(found) if self.is_newer(found, epoch) => None,
                Lookup::Found(found) => {
                    let end = self.end_at(found, epoch);
                    self.consider(set, found, end)?
                }
            };
            match verdict {
                None => continue,
                Some(Verdict::Keep) => return Ok(None),
                Some(Verdict::Put { .. }) => {}
            }
            let stamp = region.geometry.stamp(epoch);
            let fresh = own
                .sealed
                .is_some_and(|head| head.stamp == stamp && head.deadline == set.draft().deadline);
            if matches!(lookup, Lookup::Found(_)) || !fresh {
                self.unplace_work(own);
                if !self.may_link(&own.owned) {
                    self.change_block(own)?;
                }
            }
            let head = self.seal_work(own, key, set, stamp)?;
            let linked = match &lookup {
                // EPOCH: looked at after the slot was loaded.
                Lookup::Found(found) => region.epoch() == epoch && self.replace_with(found, own),
                Lookup::Absent => {
                    if own.placed.is_none() {
                        own.placed = self.place(&probe, &own.owned)?;
                    }
                    // EPOCH: looked at after the control word was loaded.
                    own.placed.is_some_and(|placed| {
                        region.epoch() == epoch && self.commit(&probe, control, &placed)
                    })
                }
            };
            if linked {
                if let Some(own) = work.take() {
                    self.vacate_entry(own.owned.entry);
                }
                self.tally(Counter::ItemsAdded, 1);
                self.tally(Counter::BytesAdded, head.sizes.bytes());
                return Ok(Some(head.token));
            }
        }
    }

    /// Writes what stands before the value, and seals the block.
    fn seal_work(
        &mut self,
        work: &mut Work,
        key: &[u8],
        set: &Set<'_>,
        stamp: u64,
    ) -> Result<ItemHead, Failure> {
        let region = self.region;
        let draft = set.draft();
        // Where the deadline is the replaced item's, its word was reserved and may not be needed after all.
        let deadline = draft.deadline;
        let sizes = ItemSizes::new(key.len(), work.sizes.value_len, deadline.is_some());
        if let Some(head) = work.sealed
            && head.stamp == stamp
            && head.deadline == deadline
        {
            return Ok(head);
        }
        if sizes.words() > work.room {
            return Err(Failure::NoRoom);
        }
        let Owned { location, generation, .. } = work.owned;
        self.reopen_work(work);
        ord::writer_fence();
        if sizes != work.sizes {
            let [from, to] = [work.sizes, sizes].map(|sizes| location + sizes.value_offset());
            region.memory.copy_words(from, to, sizes.value_len.div_ceil(8));
            work.sizes = sizes;
        }
        let head = ItemHead {
            sizes,
            encoding: draft.encoding,
            flags: draft.flags,
            stamp,
            token: self.lane.token(region),
            deadline,
        };
        head.store(&region.memory, location);
        region.memory.copy_in(location + sizes.key_offset(), key);
        let published = BlockWord::new(BlockState::Published, self.lane.id, generation);
        region.header(location).store(published.bits(), ord::header_seal());
        work.sealed = Some(head);
        Ok(head)
    }

    /// Back to CLAIMED if sealed, in the next generation (SEALED-ONCE): the block is in no slot, and nobody else may touch
    /// it.
    fn reopen_work(&mut self, work: &mut Work) {
        if work.sealed.take().is_some() {
            work.owned.generation = BlockWord::free(work.owned.generation + 1).generation();
            let claimed = BlockWord::new(BlockState::Claimed, self.lane.id, work.owned.generation);
            self.region.header(work.owned.location).store(claimed.bits(), Ordering::Relaxed);
        }
    }

    /// Takes a placed word back; the block takes a new generation and is CLAIMED.
    fn unplace_work(&mut self, work: &mut Work) {
        if let Some(placed) = work.placed.take() {
            self.withdraw(placed);
        }
        self.reopen_work(work);
    }

    /// The block's short generation began anew while somebody still names it: the value moves to another block.
    #[cold]
    fn change_block(&mut self, work: &mut Work) -> Result<(), Failure> {
        let words = work.room;
        let fresh = self.allocate(words)?;
        ord::writer_fence();
        self.region.memory.copy_words(work.owned.location + 1, fresh.location + 1, words - 1);
        let old = std::mem::replace(&mut work.owned, fresh);
        self.free_block(old, false);
        Ok(())
    }

    /// One compare-exchange from the found item to the sealed block.
    fn replace_with(&mut self, found: &Found<'_>, work: &Work) -> bool {
        let generation = self.region.geometry.short_generation(work.owned.generation);
        let word = found.word.replaced_by(generation, work.owned.location);
        let removal = self.end_of(found).unwrap_or(Removal::Replaced);
        let Some(old) = self.exchange(found, word, removal) else { return false };
        if let Some(old) = old {
            self.put_back(old);
        }
        true
    }
}
