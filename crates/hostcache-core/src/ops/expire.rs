//! Expiry by due time: only groups of buckets in which something has expired are walked (`table/due.rs`).

use super::sweep::Swept;
use crate::layout::{DUE_BUCKETS, SLOTS, live};
use crate::region::Host;
use crate::session::Session;
use crate::sync::Ordering;
use crate::table::{DUE_TIMES, Position};

/// All due times are looked at once in so many milliseconds.
const ROUND_MS: u64 = 500;
/// Words of due times that a step looks at, whatever has passed.
const FEWEST: u64 = 64;
/// The most of a step: 16 MiB.
const MOST: u64 = 1 << 21;
/// Groups that a step walks: some hundred thousand items at most.
const WALKS: u64 = 1 << 14;

/// What a step reclaimed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Items.
    pub items: u64,
    /// Whether there may be more: the step ended at its bound.
    pub more: bool,
}

impl<H: Host> Session<'_, H> {
    /// Reclaims what has expired. Called at least ten times a second, it finds each item within three quarters of one. Processes that do so at
    /// once share the work.
    pub fn expire_due(&mut self) -> Expired {
        let region = self.region;
        if cfg!(loom) {
            return Expired::default();
        }
        let now = self.host.now_ms();
        let last = region.word(live::DUE_AT).swap(now, Ordering::Relaxed);
        let all = region.due_words();
        let passed = now.saturating_sub(last).min(ROUND_MS);
        let share = (u128::from(all) * u128::from(passed)).div_ceil(u128::from(ROUND_MS)) as u64;
        self.expire_some(share.max(FEWEST).min(all).min(MOST), WALKS)
    }

    /// Looks at the next so many words of due times, and walks so many groups of buckets at most.
    pub(crate) fn expire_some(&mut self, words: u64, walks: u64) -> Expired {
        let region = self.region;
        if cfg!(loom) {
            // The models have no due times, nor the words of the header for the walk over them.
            return Expired::default();
        }
        let all = region.due_words();
        let (host, mut read) = (self.host, None);
        let mut now = || *read.get_or_insert_with(|| host.now_ms());
        let hand = region.word(live::DUE_HAND);
        let start = hand.fetch_add(words, Ordering::Relaxed) % all;
        let mut swept = Swept::default();
        let mut walked = 0;
        for step in 0..words {
            let word = (start + step) % all;
            for (group, is_due) in (word * DUE_TIMES..).zip(region.dues(word, &mut now)) {
                if !is_due {
                    continue;
                }
                if walked == walks {
                    // The next step begins with what is left of this.
                    hand.store(word, Ordering::Relaxed);
                    return Expired { items: swept.expired, more: true };
                }
                region.take_due(group);
                self.walk_group(group, &mut swept);
                walked += 1;
            }
        }
        Expired { items: swept.expired, more: false }
    }

    fn walk_group(&mut self, group: u64, swept: &mut Swept) {
        let first = group * DUE_BUCKETS;
        let end = (first + DUE_BUCKETS).min(self.region.geometry.shape.buckets);
        for bucket in first..end {
            self.region.prefetch_items(bucket);
        }
        for bucket in first..end {
            self.reclaim_in(bucket, swept);
        }
    }

    /// Reclaims what has ended in a bucket, and notes when the next item will.
    pub(super) fn reclaim_in(&mut self, bucket: u64, swept: &mut Swept) {
        let region = self.region;
        let mut next: Option<u64> = None;
        for index in 0..SLOTS as u8 {
            let Some(found) = region.committed_at(Position::new(bucket, index)) else { continue };
            match self.end_of(&found) {
                Some(removal) => {
                    if let Some(owned) = self.unlink(&found, removal) {
                        self.free_block(owned, true);
                        swept.count(removal);
                    }
                }
                None => {
                    let deadline = found.item_head().deadline;
                    next = [next, deadline].into_iter().flatten().min();
                }
            }
        }
        if let Some(deadline) = next {
            region.note_deadline(bucket, deadline);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::cell::Cell;

    use crate::fixture::{Clock, Fixture, plain};
    use crate::layout::Identity;
    use crate::{Lane, Region, Session};

    fn set(region: &Region, lane: &mut Lane, host: &Clock, number: u64, deadline: Option<u64>) {
        let request = plain(&[7; 100], deadline);
        let mut session = Session::new(region, lane, host);
        session.set(&number.to_le_bytes(), &request).expect("there is room");
    }

    /// Over new keys and present ones, whose deadlines come nearer or go away.
    #[test]
    fn whatever_has_expired_is_found_without_the_sweep_and_nothing_else() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        let host = Clock(Cell::new(5_000));
        let deadline = |number| match number % 4 {
            0 => None,
            _ => Some(10_000 + number * 37 % 90_000),
        };
        for number in 0..2_000 {
            set(region, &mut lane, &host, number, Some(1_000_000 - number));
        }
        for number in 0..3_000 {
            set(region, &mut lane, &host, number, deadline(number));
        }
        let mut found = 0;
        for now in (5_000..101_000).step_by(500) {
            host.0.set(now);
            let step = Session::new(region, &mut lane, &host).expire_due();
            assert!(!step.more);
            found += step.items;
            let ended_by =
                |time| (0..3_000).filter_map(deadline).filter(|&end| end <= time).count();
            assert!(found <= ended_by(now) as u64, "{found} at {now}: nothing that lives");
            // In units of 64 ms, and in a round of 500.
            assert!(found >= ended_by(now - 600) as u64, "{found} at {now}: all that is over");
        }
        assert_eq!(region.check(&host, |_| false).items, 750);
    }

    #[test]
    fn a_deadline_that_was_not_noted_is_noted_by_the_sweep() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        let host = Clock(Cell::new(0));
        set(region, &mut lane, &host, 1, Some(2_000));
        // As a process leaves it that dies behind the link.
        (0..region.due_words() * 2).for_each(|group| region.take_due(group));
        host.0.set(1_000);
        let mut session = Session::new(region, &mut lane, &host);
        session.sweep(u64::MAX);
        host.0.set(3_000);
        assert_eq!(session.expire_due().items, 1);
    }
}
