//! Due times: for every two buckets the earliest deadline in them, so that what expires is found without a look at what does not.
//!
//! ```text
//! | buckets 4n+2 and 4n+3: 32 | buckets 4n and 4n+1: 32 |     in 64 milliseconds since boot, rounded up; 0: none
//! ```
//!
//! A hint. It is noted behind the link that makes an item everybody's, and taken before the walk that looks at the items: so of
//! a note and a walk that meet, the walk sees the item or the note stays. Who dies in between loses it, and the sweep, which looks at all
//! items in turn, notes it anew.

#[cfg(not(loom))]
use crate::layout::DUE_BUCKETS;
use crate::region::Region;
#[cfg(not(loom))]
use crate::sync::{AtomicU64, Ordering};

/// Due times in a word.
pub(crate) const DUE_TIMES: u64 = 2;
/// Milliseconds of a unit.
#[cfg(not(loom))]
const UNIT_MS: u64 = 64;
/// Changes of one word that a note may meet: a bound for hostile regions.
#[cfg(not(loom))]
const CHANGES: u32 = 64;

#[cfg(not(loom))]
impl Region {
    /// Words of due times.
    pub(crate) fn due_words(&self) -> u64 {
        self.geometry.shape.buckets.div_ceil(DUE_TIMES * DUE_BUCKETS)
    }

    /// Notes the deadline of an item in a bucket. Where an earlier one is known, nothing is stored. A call: most items have none, and
    /// need nothing kept ready for it.
    #[inline(never)]
    pub(crate) fn note_deadline(&self, bucket: u64, deadline: u64) {
        let (word, shift) = self.due_time(bucket / DUE_BUCKETS);
        let time = unit_of(deadline.saturating_add(UNIT_MS - 1)).max(1);
        let mut known = word.load(Ordering::Relaxed);
        for _ in 0..CHANGES {
            let earliest = u64::from((known >> shift) as u32);
            if earliest != 0 && earliest <= time {
                return;
            }
            let next = known ^ ((earliest ^ time) << shift);
            match word.compare_exchange_weak(known, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => known = now,
            }
        }
    }

    /// Which due times of a word have come: the first and the second. The clock is asked only where there are any.
    #[inline]
    pub(crate) fn dues(
        &self,
        word: u64,
        now_ms: impl FnOnce() -> u64,
    ) -> [bool; DUE_TIMES as usize] {
        let bits = self.word(self.geometry.due_at + word).load(Ordering::Relaxed);
        if bits == 0 {
            return [false; DUE_TIMES as usize];
        }
        let now = unit_of(now_ms());
        [bits as u32, (bits >> 32) as u32].map(|time| time != 0 && u64::from(time) <= now)
    }

    /// Takes a group's due time away: what follows is noted anew.
    pub(crate) fn take_due(&self, group: u64) {
        let (word, shift) = self.due_time(group);
        word.fetch_and(!(u64::from(u32::MAX) << shift), Ordering::Relaxed);
    }

    fn due_time(&self, group: u64) -> (&AtomicU64, u32) {
        let word = self.word(self.geometry.due_at + group / DUE_TIMES);
        (word, 32 * (group % DUE_TIMES) as u32)
    }
}

#[cfg(not(loom))]
fn unit_of(ms: u64) -> u64 {
    (ms / UNIT_MS).min(u32::MAX.into())
}

/// Models have no due times: they would only multiply their states.
#[cfg(loom)]
impl Region {
    pub(crate) fn due_words(&self) -> u64 {
        1
    }

    pub(crate) fn note_deadline(&self, _: u64, _: u64) {}

    pub(crate) fn dues(&self, _: u64, _: impl FnOnce() -> u64) -> [bool; DUE_TIMES as usize] {
        [false; DUE_TIMES as usize]
    }

    pub(crate) fn take_due(&self, _: u64) {}
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::Fixture;

    #[test]
    fn the_earliest_deadline_of_two_buckets_is_kept_and_comes_once() {
        let Fixture { region, .. } = &Fixture::new();
        assert_eq!(region.dues(0, || u64::MAX), [false, false]);
        for deadline in [70_000, 50_000, 60_000] {
            region.note_deadline(3, deadline);
        }
        region.note_deadline(0, 1_000_000);
        assert_eq!(region.dues(0, || 49_999), [false, false]);
        assert_eq!(region.dues(0, || 50_100), [false, true], "not much later than the earliest");
        region.take_due(1);
        assert_eq!(region.dues(0, || 999_999), [false, false]);
        assert_eq!(region.dues(0, || 1_000_100), [true, false]);
    }

    #[test]
    fn deadlines_at_either_end_of_time_are_noted() {
        let Fixture { region, .. } = &Fixture::new();
        region.note_deadline(0, 0);
        region.note_deadline(2, u64::MAX);
        assert_eq!(region.dues(0, || 64), [true, false]);
        assert_eq!(region.dues(0, || u64::MAX), [true, true]);
    }
}
