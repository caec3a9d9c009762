//! The bound on what pins and reservations hold together, kept without a walk.
//!
//! Each lane that holds something says in its quota word how much, and up to how much it may go without asking. Only who
//! goes beyond its quota looks at the others': it publishes the larger one first, then sums up. Of two that grow at once,
//! the one that published last sees the other, so quotas that were granted never exceed the bound together; both
//! may be refused. What others may hold and don't is taken from them before anybody is refused.

use crate::fault::{Fault, planted};
use crate::layout::{ItemSizes, record};
use crate::ordering as ord;
use crate::region::Region;
use crate::sync::{AtomicU64, Ordering};
use crate::word::{LaneId, QuotaWord};

/// Changes of one quota word that a change of it may meet: a bound for hostile regions.
const CHANGES: u32 = 1 << 16;

impl Region {
    /// Bytes that pins and reservations may hold together: a quarter of the capacity, or a single item that is larger.
    #[must_use]
    pub fn pin_limit(&self) -> u64 {
        self.geometry.shape.capacity / 4
    }

    /// What an item counts: its block's bytes.
    #[must_use]
    pub fn pin_charge(&self, sizes: &ItemSizes) -> u64 {
        let words = sizes.words();
        let block = match self.geometry.classes.class_of(words) {
            Some(class) => self.geometry.classes.chunk_words(class).unwrap_or(words),
            None => words.next_multiple_of(self.geometry.shape.page_words),
        };
        (block * 8).next_multiple_of(QuotaWord::LINE)
    }

    /// Bytes that pins and reservations hold.
    #[must_use]
    pub fn pin_bytes(&self) -> u64 {
        self.pin_lanes().map(|lane| self.load_quota(lane).used()).sum()
    }

    /// Counts bytes in that a lane is about to hold.
    ///
    /// # Errors
    ///
    /// Over the bound: the bytes that are held.
    pub fn charge(&self, lane: LaneId, bytes: u64) -> Result<(), u64> {
        if cfg!(loom) {
            return Ok(());
        }
        let grown = self.change_quota(lane, |word| {
            let used = word.used() + bytes;
            word.with(used, word.quota().max(used))
        });
        match grown {
            Some((from, to)) if from.quota() == to.quota() => return Ok(()),
            Some(_) if self.is_within_bound(bytes) => return Ok(()),
            _ => {}
        }
        for lane in self.pin_lanes() {
            self.change_quota(lane, |word| word.with(word.used(), word.used()));
        }
        if grown.is_some() && self.is_within_bound(bytes) {
            return Ok(());
        }
        if grown.is_some() {
            self.change_quota(lane, |word| {
                let used = word.used().saturating_sub(bytes);
                word.with(used, word.quota().saturating_sub(bytes).max(used))
            });
        }
        Err(self.pin_bytes())
    }

    /// Counts bytes out that it holds no more; it may hold as many again, but for what a single item held beyond the bound.
    pub fn refund(&self, lane: LaneId, bytes: u64) {
        if !cfg!(loom) {
            self.change_quota(lane, |word| {
                let used = word.used().saturating_sub(bytes);
                word.with(used, word.quota().min(self.pin_limit()).max(used))
            });
        }
    }

    /// Makes this lane one that holds a reservation of so many bytes.
    ///
    /// # Errors
    ///
    /// As [`Region::charge`].
    pub(crate) fn charge_reservation(&self, lane: LaneId, bytes: u64) -> Result<(), u64> {
        if cfg!(loom) {
            return Ok(());
        }
        self.note_pin_lane(lane);
        self.quota_word(lane).store(QuotaWord::reservation(0).bits(), Ordering::Relaxed);
        let granted = self.charge(lane, bytes);
        if granted.is_err() {
            self.drop_quota(lane);
            self.forget_pin_lane(lane);
        }
        granted
    }

    /// The lane holds nothing any more.
    pub(crate) fn drop_quota(&self, lane: LaneId) {
        if !cfg!(loom) {
            self.quota_word(lane).store(0, ord::record_store());
        }
    }

    /// Whether a lane's claimed block is a reservation.
    #[must_use]
    pub fn is_reserving(&self, lane: LaneId) -> bool {
        self.load_quota(lane).is_reserved()
    }

    /// What a lane holds and may hold.
    pub(crate) fn load_quota(&self, lane: LaneId) -> QuotaWord {
        if cfg!(loom) {
            return QuotaWord::from_bits(0);
        }
        QuotaWord::from_bits(self.quota_word(lane).load(Ordering::Relaxed))
    }

    fn quota_word(&self, lane: LaneId) -> &AtomicU64 {
        self.lane_word(lane, record::QUOTA)
    }

    /// Whether all quotas are within the bound, or what was counted in last is all that there is: one item may be larger.
    fn is_within_bound(&self, last: u64) -> bool {
        ord::quota_fence();
        let quotas = self.pin_lanes().map(|lane| self.load_quota(lane).quota());
        // At most 2^13 quotas of 2^38 bytes, whatever the words say.
        let sum = quotas.sum::<u64>();
        sum <= self.pin_limit() || sum == last || planted(Fault::QuotaIgnored)
    }

    /// The word before and after.
    fn change_quota(
        &self,
        lane: LaneId,
        change: impl Fn(QuotaWord) -> QuotaWord,
    ) -> Option<(QuotaWord, QuotaWord)> {
        let word = self.quota_word(lane);
        let mut bits = word.load(Ordering::Relaxed);
        for _ in 0..CHANGES {
            let from = QuotaWord::from_bits(bits);
            let to = change(from);
            if from == to {
                return Some((from, to));
            }
            match word.compare_exchange_weak(
                bits,
                to.bits(),
                ord::quota_change(),
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some((from, to)),
                Err(now) => bits = now,
            }
        }
        None
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::Fixture;
    use crate::layout::Identity;
    use crate::participant::Lane;

    #[test]
    fn quotas_are_granted_up_to_a_quarter_of_the_capacity() {
        let Fixture { region, .. } = &Fixture::new();
        let limit = region.pin_limit();
        assert_eq!(limit, 1 << 18);
        let pins: Vec<_> = [3, 31]
            .map(|id| Lane::attach(region, id, &Identity::default()).into_pins(region))
            .into();
        assert_eq!(region.pin_lanes().collect::<Vec<_>>(), [3, 31]);
        assert_eq!(region.charge(3, limit - 6400), Ok(()));
        assert_eq!(region.charge(31, 6464), Err(limit - 6400));
        assert_eq!(region.charge(31, 6400), Ok(()));
        assert_eq!(region.charge_reservation(7, 64), Err(limit));
        assert!(!region.is_reserving(7));
        // What others may hold and don't is taken from them.
        region.refund(3, 64);
        assert_eq!(region.load_quota(3).quota(), limit - 6400);
        assert_eq!(region.charge_reservation(7, 64), Ok(()));
        assert_eq!(region.load_quota(3).quota(), limit - 6464);
        assert!(region.is_reserving(7) && !region.is_reserving(3));
        assert_eq!(region.charge(3, 64), Err(limit));
        assert_eq!(region.pin_bytes(), limit);
        for lane in pins {
            lane.detach(region);
        }
        assert_eq!((region.pin_bytes(), region.pin_lanes().collect::<Vec<_>>()), (64, vec![7]));
    }

    #[test]
    fn one_item_may_be_larger_than_all_may_be_together() {
        let Fixture { region, .. } = &Fixture::new();
        let limit = region.pin_limit();
        let pins: Vec<_> = [3, 31]
            .map(|id| Lane::attach(region, id, &Identity::default()).into_pins(region))
            .into();
        assert_eq!(region.charge(3, 2 * limit), Ok(()));
        assert_eq!(region.pin_bytes(), 2 * limit, "what it holds is told as it is");
        for lane in [3, 31] {
            assert_eq!(region.charge(lane, 64), Err(2 * limit));
            assert_eq!(region.charge(lane, 2 * limit), Err(2 * limit));
        }
        region.refund(3, 2 * limit);
        // What it might hold again without asking is within the bound.
        assert_eq!(region.load_quota(3).quota(), limit);
        assert_eq!(region.charge(3, limit), Ok(()));
        assert_eq!(region.charge(3, 64), Err(limit));
        region.refund(3, limit - 64);
        assert_eq!(region.charge(31, 2 * limit), Err(64), "only if nothing else is held");
        for lane in pins {
            lane.detach(region);
        }
    }
}
