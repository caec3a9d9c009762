//! Holding a key's item in place, and letting go.

use crate::fault::{Fault, planted};
use crate::fuel::{Exhausted, Fuel};
use crate::layout::{HeadWords, ItemHead, record};
use crate::ops::{Got, Value};
use crate::ordering as ord;
use crate::region::{Host, Region};
use crate::sync::{AtomicU64, Ordering};
use crate::table::{Found, Lookup, Probe, Removal};
use crate::word::{BlockState, LaneId, PinWord};

/// One record of a lane; used by one pin at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinSlot {
    pub(crate) lane: LaneId,
    pub(crate) slot: u8,
}

impl PinSlot {
    /// The lane that the record is in.
    #[must_use]
    pub fn lane(&self) -> LaneId {
        self.lane
    }
}

/// An item held in place. Its bytes don't change until [`Region::unpin`].
#[derive(Debug)]
#[must_use = "a pin is released by Region::unpin"]
pub struct Pinned {
    slot: PinSlot,
    pin: PinWord,
    location: u64,
    head: ItemHead,
    /// From which `head` was made.
    words: HeadWords,
    value_at: u64,
}

impl Pinned {
    /// The record.
    #[must_use]
    pub fn slot(&self) -> PinSlot {
        self.slot
    }

    /// What stands before the key.
    #[must_use]
    pub fn head(&self) -> &ItemHead {
        &self.head
    }

    /// The item, to copy from; `None` in another region than its own.
    #[must_use]
    pub fn value<'a>(&self, region: &'a Region) -> Option<Value<'a>> {
        let value = region.item_bytes(self.value_at, self.head.sizes.value_len as usize)?;
        Some(Value::new(region.head_words(self.location)?, self.words, value))
    }

    /// Index of the value's first word; it lies with all of its words in the arena.
    #[inline]
    #[must_use]
    pub fn value_at(&self) -> u64 {
        self.value_at
    }
}

/// Why nothing is held though the key may have an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinFailure<E> {
    /// The step bound was met.
    Exhausted,
    /// The caller refused the bytes.
    Refused(E),
}

impl<E> From<Exhausted> for PinFailure<E> {
    fn from(_: Exhausted) -> Self {
        Self::Exhausted
    }
}

impl Region {
    fn pin_word(&self, slot: PinSlot) -> &AtomicU64 {
        self.lane_word(slot.lane, record::PINS + u64::from(slot.slot))
    }

    /// Holds a key's item in place. The record must be the caller's and hold nothing; it does again unless this ends with
    /// a hit. `charge` is told the bytes that the item counts before it is held; the last call counts, whatever the end.
    ///
    /// Linearizable as a read, and lock-free: an attempt is repeated only because a writer replaced the item under it.
    ///
    /// # Errors
    ///
    /// The step bound was met, or `charge` refused.
    pub fn pin<H: Host, E>(
        &self,
        host: &H,
        key: &[u8],
        slot: PinSlot,
        mut charge: impl FnMut(u64) -> Result<(), E>,
    ) -> Result<Got<Pinned>, PinFailure<E>> {
        let epoch = self.epoch();
        let probe = Probe::new(&self.geometry, key);
        let mut fuel = Fuel::operation();
        loop {
            fuel.burn()?;
            let Lookup::Found(found) = self.find(&probe, key, &mut fuel)? else {
                return Ok(Got::Miss);
            };
            let head = found.item_head();
            let end = self.end_at(host, &found, epoch);
            if !found.is_whole() {
                continue;
            }
            match end {
                Some(Removal::Expired) => return Ok(Got::Expired),
                Some(_) => return Ok(Got::Miss),
                None => {}
            }
            charge(self.pin_charge(&head.sizes)).map_err(PinFailure::Refused)?;
            let pin = PinWord::held(found.location(), head.sizes.words());
            if planted(Fault::PinWithoutBarrier) {
                self.pin_word(slot).store(pin.bits(), Ordering::Relaxed);
            } else {
                self.pin_word(slot).swap(pin.bits(), ord::pin_store());
                ord::pin_fence();
            }
            if self.confirm(&found) {
                self.raise_mark(found.position);
                let location = found.location();
                let value_at = location + found.head.sizes().value_offset();
                return Ok(Got::Hit(Pinned {
                    slot,
                    pin,
                    location,
                    head,
                    words: found.head,
                    value_at,
                }));
            }
            self.release(slot, pin);
        }
    }

    /// Whether the block is still what was found, and has the pin bit: then who unlinks it sees the record.
    fn confirm(&self, found: &Found<'_>) -> bool {
        let location = found.location();
        let mut header = self.load_header(location);
        // The bit may be set under this, once.
        for _ in 0..2 {
            if header.state() != BlockState::Published
                || header.generation() != found.header.generation()
            {
                return false;
            }
            if header.is_pinned() || self.change_header(location, header, header.with_pin(true)) {
                return true;
            }
            header = self.load_header(location);
        }
        false
    }

    /// Lets go of an item. The bytes may change from now on. Costs a look at the header, and a scan of all records if the
    /// item was unlinked meanwhile.
    pub fn unpin(&self, pinned: &Pinned) {
        self.release(pinned.slot, pinned.pin);
    }

    /// The steps by which every record ends, whether it came to hold its block or not. Marked first and cleared last, so
    /// that who dies here leaves a record that says where to look.
    pub(crate) fn release(&self, slot: PinSlot, pin: PinWord) {
        let word = self.pin_word(slot);
        let released = pin.released().bits();
        // Another word: the lane was lost and recovered under a living process, and the record is somebody else's.
        if word
            .compare_exchange(pin.bits(), released, ord::pin_release(), Ordering::Relaxed)
            .is_err()
        {
            return;
        }
        self.settle_released(pin.location(), slot.lane);
        let _ = word.compare_exchange(released, 0, ord::pin_release(), Ordering::Relaxed);
    }

    fn settle_released(&self, location: u64, lane: LaneId) {
        ord::pin_fence();
        // The header of another incarnation, or no header at all any more: then it is looked at with its page.
        if self.load_header(location).state() == BlockState::Orphan {
            self.adopt_at(location, lane);
        }
    }

    /// Ends the pins of a dead lane, one by one; how many blocks came back. May be killed and repeated at any point.
    pub(crate) fn release_all(&self, lane: LaneId) -> u64 {
        let mut blocks = 0;
        for slot in 0..record::PIN_SLOTS {
            let pin = self.load_pin(lane, slot);
            if pin.is_none() {
                continue;
            }
            let word = self.lane_word(lane, record::PINS + slot);
            word.swap(pin.released().bits(), ord::pin_release());
            ord::pin_fence();
            let adopts = !planted(Fault::PinNotAdopted);
            blocks += u64::from(adopts && self.adopt_at(pin.location(), lane));
            word.store(0, ord::record_store());
        }
        self.drop_quota(lane);
        self.forget_pin_lane(lane);
        blocks
    }
}
