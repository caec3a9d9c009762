//! Storing without a copy: a block is reserved, filled in place, and published under its key.

use super::set::{Set, SetOutcome, SetRequest};
use super::store::{Draft, Private, Sealed};
use crate::fault::{Fault, planted};
use crate::layout::ItemSizes;
use crate::ordering as ord;
use crate::participant::Counter;
use crate::region::{Host, Region};
use crate::session::{Failure, Session};
use crate::slab::Owned;
use crate::word::LaneId;

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

    /// The block that a store begins with.
    pub(super) fn into_private(self) -> Private {
        let Self { owned, sizes } = self;
        Private::new(owned, Some(InPlace { sizes, room: sizes.words() }))
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

/// Where a block holds a value that was filled in place.
pub(super) struct InPlace {
    /// As the value lies now.
    sizes: ItemSizes,
    /// Words that were reserved.
    room: u64,
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
                Err(ReserveFailure::Store(self.refuse(failure)))
            }
        }
    }

    /// Gives a reserved block back.
    pub fn cancel(&mut self, reserved: Reserved) {
        if !planted(Fault::ReservationKept) {
            self.free_block(reserved.owned, true);
        }
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
        let mut set = Set::new(request);
        let stored = self.apply_with(key, &mut set, Some(reserved.into_private()));
        self.end_reservation();
        Ok(self.conclude(request, &set, stored?))
    }

    pub(super) fn end_reservation(&mut self) {
        self.region.drop_quota(self.lane.id);
        self.region.forget_pin_lane(self.lane.id);
    }

    /// [`Session::fill`] of a block that holds its value already.
    #[cold]
    pub(super) fn complete(
        &mut self,
        owned: &mut Owned,
        in_place: &mut InPlace,
        key: &[u8],
        draft: &Draft<'_>,
        stamp: u64,
    ) -> Result<Sealed, Failure> {
        let region = self.region;
        // Where the deadline is the replaced item's, its word was reserved and may not be needed after all.
        let sizes = ItemSizes::new(key.len(), in_place.sizes.value_len, draft.deadline.is_some());
        if sizes.words() > in_place.room {
            return Err(Failure::NoRoom);
        }
        if !self.may_link(owned) {
            self.change_block(owned, in_place.room)?;
        }
        ord::writer_fence();
        if sizes != in_place.sizes {
            let [from, to] =
                [in_place.sizes, sizes].map(|sizes| owned.location + sizes.value_offset());
            region.memory.copy_words(from, to, sizes.value_len.div_ceil(8));
            in_place.sizes = sizes;
        }
        region.memory.copy_in(owned.location + sizes.key_offset(), key);
        Ok(self.seal(owned, sizes, draft, stamp))
    }

    /// The block's short generation began anew while somebody still names it: the value moves to another block.
    #[cold]
    fn change_block(&mut self, owned: &mut Owned, room: u64) -> Result<(), Failure> {
        let fresh = self.allocate(room)?;
        ord::writer_fence();
        self.region.memory.copy_words(owned.location + 1, fresh.location + 1, room - 1);
        let old = std::mem::replace(owned, fresh);
        self.free_block(old, false);
        Ok(())
    }
}
