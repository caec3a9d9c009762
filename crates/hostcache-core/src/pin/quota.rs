//! The bound on what pins and reservations hold together, kept without a walk.
//!
//! Each pinning lane publishes a quota and stays below it. Only who grows its quota looks at the others': it publishes the
//! grown one first, then sums up. Of two that grow at once, the one that published last sees the other, so the
//! quotas that were granted never exceed the bound together; both may be refused.

use crate::layout::{ItemSizes, record};
use crate::ordering as ord;
use crate::region::Region;
use crate::sync::Ordering;
use crate::word::LaneId;

/// Marks the quota of a reservation.
const RESERVED: u64 = 1 << 63;

impl Region {
    /// Bytes that pins and reservations may hold together: a quarter of the capacity.
    #[must_use]
    pub fn pin_limit(&self) -> u64 {
        self.geometry.shape.capacity / 4
    }

    /// Quota that a lane may keep without using it: an eighth of the capacity for all together, at most.
    #[must_use]
    pub fn idle_quota(&self) -> u64 {
        let capacity = self.geometry.shape.capacity;
        (capacity / 8 / u64::from(self.geometry.shape.lanes)).min(capacity / 1024)
    }

    /// What an item counts: its block's bytes. A value of a quarter of the capacity counts exactly that, so that it can
    /// be held if nothing else is.
    #[must_use]
    pub fn pin_charge(&self, sizes: &ItemSizes) -> u64 {
        let words = sizes.words();
        let page = self.geometry.shape.page_words;
        let block = match self.geometry.classes.class_of(words) {
            Some(class) => self.geometry.classes.chunk_words(class).unwrap_or(words),
            None => words.next_multiple_of(page),
        };
        let bytes = block * 8;
        if sizes.value_len <= self.pin_limit() { bytes.min(self.pin_limit()) } else { bytes }
    }

    /// Bytes that all lanes may hold by now.
    #[must_use]
    pub fn quotas(&self) -> u64 {
        if cfg!(loom) {
            return 0;
        }
        let quota = |lane| self.lane_word(lane, record::QUOTA).load(Ordering::Relaxed) & !RESERVED;
        // The words may be anything in a hostile region.
        self.pin_lanes().map(quota).fold(0, u64::saturating_add)
    }

    /// Lets a pinning lane hold so many bytes more.
    ///
    /// # Errors
    ///
    /// Over the bound: the bytes that all others may hold.
    pub fn grow_quota(&self, lane: LaneId, by: u64) -> Result<(), u64> {
        if cfg!(loom) {
            return Ok(());
        }
        let word = self.lane_word(lane, record::QUOTA);
        word.fetch_add(by, ord::quota_grow());
        ord::quota_fence();
        let all = self.quotas();
        if all > self.pin_limit() {
            word.fetch_sub(by, Ordering::Relaxed);
            return Err(all.saturating_sub(by));
        }
        Ok(())
    }

    /// Lets it hold so many bytes less.
    pub fn shrink_quota(&self, lane: LaneId, by: u64) {
        if !cfg!(loom) {
            self.lane_word(lane, record::QUOTA).fetch_sub(by, ord::pin_release());
        }
    }

    /// Makes this lane one that holds a reservation of so many bytes.
    ///
    /// # Errors
    ///
    /// As [`Region::grow_quota`].
    pub(crate) fn reserve_quota(&self, lane: LaneId, bytes: u64) -> Result<(), u64> {
        if cfg!(loom) {
            return Ok(());
        }
        self.note_pin_lane(lane);
        self.lane_word(lane, record::QUOTA).store(RESERVED, Ordering::Relaxed);
        let granted = self.grow_quota(lane, bytes);
        if granted.is_err() {
            self.drop_quota(lane);
            self.forget_pin_lane(lane);
        }
        granted
    }

    /// The lane holds nothing any more.
    pub(crate) fn drop_quota(&self, lane: LaneId) {
        if !cfg!(loom) {
            self.lane_word(lane, record::QUOTA).store(0, ord::pin_release());
        }
    }

    /// Whether a lane's claimed block is a reservation.
    #[must_use]
    pub fn is_reserving(&self, lane: LaneId) -> bool {
        !cfg!(loom) && self.lane_word(lane, record::QUOTA).load(Ordering::Relaxed) & RESERVED != 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::ptr::NonNull;

    use super::*;
    use crate::Memory;
    use crate::layout::{Header, Identity, Shape};
    use crate::participant::Lane;

    #[test]
    fn quotas_are_granted_up_to_a_quarter_of_the_capacity() {
        let mut words = vec![0u64; 1 << 17];
        let base = NonNull::new(words.as_mut_ptr()).expect("a vector is not null");
        // SAFETY: the vector outlives the region and is not touched otherwise.
        let memory = unsafe { Memory::from_raw(base, words.len()) };
        let header = Header {
            shape: Shape::new(1 << 20, None, None, 1).expect("in range"),
            created_unix_secs: 0,
            boot_id: [0; 16],
            default_ttl_ms: 0,
            max_ttl_ms: 0,
        };
        let region = Region::format(memory, &header).expect("valid");
        let limit = region.pin_limit();
        assert_eq!(limit, 1 << 18);
        let pins: Vec<_> = [3, 31]
            .map(|id| Lane::attach(&region, id, &Identity::default()).into_pins(&region))
            .into();
        assert_eq!(region.pin_lanes().collect::<Vec<_>>(), [3, 31]);
        assert_eq!(region.grow_quota(3, limit - 100), Ok(()));
        assert_eq!(region.grow_quota(31, 101), Err(limit - 100));
        assert_eq!(region.grow_quota(31, 100), Ok(()));
        assert_eq!(region.reserve_quota(7, 1), Err(limit));
        assert!(!region.is_reserving(7));
        region.shrink_quota(3, 1);
        assert_eq!(region.reserve_quota(7, 1), Ok(()));
        assert!(region.is_reserving(7) && !region.is_reserving(3));
        assert_eq!(region.quotas(), limit);
        for lane in pins {
            lane.detach(&region);
        }
        assert_eq!((region.quotas(), region.pin_lanes().collect::<Vec<_>>()), (1, vec![7]));
    }
}
