//! Looking through the records of all lanes that may have any.

use crate::fault::{Fault, planted};
use crate::layout::{live, record};
use crate::ordering as ord;
use crate::region::Region;
use crate::sync::Ordering;
use crate::word::{LaneId, PinWord};

impl Region {
    /// Whether a lane holds the block at this location. False for an ORPHAN means: whoever stores a record of it from
    /// now on finds the ORPHAN.
    pub(crate) fn is_pinned(&self, location: u64) -> bool {
        !planted(Fault::OrphanFreedThoughHeld) && self.is_pinned_in(location, location + 1)
    }

    /// The same for any location in a range; before a page is emptied only a hint.
    pub(crate) fn is_pinned_in(&self, from: u64, to: u64) -> bool {
        ord::pin_scan_fence();
        self.pins_in(from, to).next().is_some()
    }

    /// The highest location in a range that a lane holds. Only a hint: no fence.
    pub(crate) fn last_pin_in(&self, from: u64, to: u64) -> Option<u64> {
        self.pins_in(from, to).max()
    }

    fn pins_in(&self, from: u64, to: u64) -> impl Iterator<Item = u64> + '_ {
        self.pin_lanes().flat_map(move |lane| {
            (0..record::PIN_SLOTS)
                .map(move |slot| self.load_pin(lane, slot))
                .filter(|pin| pin.is_held())
                .map(|pin| pin.location())
                .filter(move |location| (from..to).contains(location))
        })
    }

    /// Whether anybody will adopt an ORPHAN at this location: who holds it or is just letting go, or who has just made it
    /// an ORPHAN.
    pub(crate) fn is_awaited(&self, location: u64) -> bool {
        let noted = self.pin_lanes().any(|lane| {
            (0..record::PIN_SLOTS).any(|slot| self.load_pin(lane, slot).location() == location)
        });
        noted || self.is_named(location, location + 1, LaneId::MAX)
    }

    pub(crate) fn load_pin(&self, lane: LaneId, slot: u64) -> PinWord {
        PinWord::from_bits(self.lane_word(lane, record::PINS + slot).load(ord::pin_load()))
    }

    /// Lanes that may hold pins or a reservation, by the bitmap in the header.
    pub(crate) fn pin_lanes(&self) -> impl Iterator<Item = LaneId> + '_ {
        let lanes = u64::from(self.geometry.shape.lanes);
        (0..lanes.div_ceil(64)).flat_map(move |at| {
            let mut bits = match cfg!(loom) {
                true => u64::MAX,
                false => self.word(live::PIN_LANES + at).load(Ordering::Relaxed),
            };
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| u64::from(bits.trailing_zeros()))?;
                bits &= bits - 1;
                Some(at * 64 + bit)
            })
            // A damaged bitmap may name lanes beyond the end.
            .filter(move |&lane| lane < lanes)
            .map(|lane| lane as LaneId)
        })
    }

    /// Before a lane's first record or reservation: from here on scans and sums look at it.
    pub(crate) fn note_pin_lane(&self, lane: LaneId) {
        if cfg!(loom) {
            return;
        }
        let word = self.word(live::PIN_LANES + u64::from(lane) / 64);
        word.fetch_or(1 << (lane % 64), ord::pin_store());
    }

    /// After its last.
    pub(crate) fn forget_pin_lane(&self, lane: LaneId) {
        if cfg!(loom) {
            return;
        }
        let word = self.word(live::PIN_LANES + u64::from(lane) / 64);
        let bit = 1 << (lane % 64);
        if word.load(Ordering::Relaxed) & bit != 0 {
            word.fetch_and(!bit, ord::pin_release());
        }
    }

    /// Pins of one lane and the bytes of their blocks, a block counted for each of its pins.
    #[must_use]
    pub fn pins_of(&self, lane: LaneId) -> (u64, u64) {
        let held = (0..record::PIN_SLOTS).filter(|&slot| self.load_pin(lane, slot).is_held());
        let quota = self.load_quota(lane);
        (held.count() as u64, if quota.is_reserved() { 0 } else { quota.used() })
    }

    /// The same for all lanes.
    #[must_use]
    pub fn pins(&self) -> (u64, u64) {
        self.pin_lanes()
            .map(|lane| self.pins_of(lane))
            .fold((0, 0), |(pins, bytes), of| (pins + of.0, bytes + of.1))
    }
}
