//! A lane that holds pins: apart from its threads' lanes, because a pin outlives operations and threads.

use super::PinSlot;
use crate::layout::record;
use crate::ordering as ord;
use crate::participant::{Counter, Lane};
use crate::region::Region;
use crate::sync::Ordering;
use crate::word::LaneId;

/// An attached lane of which only the pin records, the quota and the counters are used. All threads of a process may
/// use it at once: who uses which record is theirs to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinLane {
    id: LaneId,
    incarnation: u64,
}

impl PinLane {
    /// Pins that one lane offers.
    pub const SLOTS: u32 = record::PIN_SLOTS as u32;

    /// Puts together what [`PinLane::id`] and [`PinLane::incarnation`] gave.
    #[must_use]
    pub fn from_parts(id: LaneId, incarnation: u64) -> Self {
        Self { id, incarnation }
    }

    /// Number of the lane.
    #[must_use]
    pub fn id(&self) -> LaneId {
        self.id
    }

    /// Its incarnation when it was attached.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// One of its records.
    #[must_use]
    pub fn slot(&self, slot: u32) -> PinSlot {
        PinSlot { lane: self.id, slot: slot as u8 }
    }

    /// Whether it is still this process's, see [`Ticket::is_current`](crate::Ticket::is_current).
    #[inline]
    #[must_use]
    pub fn is_current(&self, region: &Region) -> bool {
        let word = region.lane_word(self.id, record::INCARNATION);
        word.load(Ordering::Relaxed) == self.incarnation
    }

    /// Counts one event of any thread.
    pub fn tally(&self, region: &Region, counter: Counter) {
        if cfg!(loom) {
            return;
        }
        let word = region.lane_word(self.id, record::COUNTERS + counter as u64);
        word.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the lane back; none of its records holds anything. The caller drops the byte lock afterwards.
    pub fn detach(self, region: &Region) {
        if !self.is_current(region) {
            return;
        }
        region.drop_quota(self.id);
        region.forget_pin_lane(self.id);
        region
            .lane_word(self.id, record::INCARNATION)
            .store(self.incarnation.wrapping_add(1), ord::record_store());
    }
}

impl Lane {
    /// Makes a freshly attached lane one for pins.
    #[must_use]
    pub fn into_pins(self, region: &Region) -> PinLane {
        region.note_pin_lane(self.id);
        PinLane { id: self.id, incarnation: self.incarnation() }
    }
}
