//! The reserve: free blocks of the classes that allocate, so that a store need not evict.

use super::allocate::class_state;
use super::{Chunks, Hint};
use crate::region::{Host, Region};
use crate::session::Session;
use crate::sync::Ordering;

/// A class's reserve is a part of its chunks, and all reserves together are that part of the arena.
const PART: u64 = 100;
/// The fewest blocks in a reserve, where the whole allows it: two batches for magazines.
const LEAST: u64 = 16;

/// Those fewest take so small a part of what the other reserves leave.
const LEAST_OF: u64 = 8;

/// What a step ahead of need did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Items evicted.
    pub evicted: u64,
    /// How much of its reserve the class had used up of which the most was gone, in percent.
    pub drained: u64,
}

impl Region {
    /// Free chunks of a class by their hints, counted up to `enough`.
    fn count_free(&self, class: usize, enough: u64) -> u64 {
        let (mut free, mut from) = (0, 0);
        while free < enough
            && let Some(page) = self.next_hint(Hint::Partial(class), from)
            && page >= from
        {
            free += self.count_chunk_hints(Chunks::Free, page);
            from = page + 1;
            if from == self.geometry.pages {
                break;
            }
        }
        free.min(enough)
    }
}

impl<H: Host> Session<'_, H> {
    /// Evicts ahead of need: fills the reserves of classes that have allocated since the last look, as far as free pages
    /// are not as much.
    pub fn evict_ahead(&mut self, budget: u32) -> Ahead {
        let region = self.region;
        let mut done = Ahead::default();
        // Who finds its reserve used up cuts a free page.
        let whole = region.geometry.arena_bytes() / PART;
        let mut room = whole.saturating_sub(region.free_page_bytes());
        let count = region.geometry.classes.len();
        // Not always the same first: the allowance may not suffice for all.
        let first = region.taken_by_all() as usize % count;
        for class in (first..count).chain(0..first) {
            let taken = region.class_word(class, class_state::TAKEN).load(Ordering::Relaxed);
            let seen = region.class_word(class, class_state::TAKEN_SEEN);
            let active = taken.wrapping_sub(seen.swap(taken, Ordering::Relaxed));
            let Some((chunks, words)) = region.chunks(class) else { continue };
            let held = region.count_hints(Hint::Members(class)) * chunks;
            let least = LEAST.min(room / LEAST_OF / (words * 8));
            let reserve = (held / PART).max(least).min(room / (words * 8));
            if room == 0 || active == 0 || reserve == 0 {
                continue;
            }
            room -= reserve * words * 8;
            let gone = reserve - region.count_free(class, reserve);
            done.drained = done.drained.max(100 * gone / reserve);
            for _ in 0..gone.min(u64::from(budget).saturating_sub(done.evicted)) {
                if self.is_due(class) && self.gain_page(class) {
                    break;
                }
                let Some(owned) = self.evict_for(class) else { break };
                self.free_block(owned, true);
                done.evicted += 1;
            }
        }
        done
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::{Fixture, Still, plain};
    use crate::layout::Identity;
    use crate::{Counter, Lane, Region, Session};

    fn set(region: &Region, lane: &mut Lane, number: u64, len: usize) {
        let value = vec![7; len];
        let request = plain(&value, None);
        let stored = Session::new(region, lane, &Still).set(&number.to_le_bytes(), &request);
        stored.expect("there is room");
    }

    /// Stores that evicted by themselves, of 5,000 in a full region, with a step ahead of need each `every`.
    fn inline_of_5_000(every: u64) -> u64 {
        let Fixture { region, .. } = &Fixture::new();
        let (mut lane, mut keeper) = (
            Lane::attach(region, 0, &Identity::default()),
            Lane::attach(region, 1, &Identity::default()),
        );
        for number in 0..12_000 {
            set(region, &mut lane, number, if number % 4 == 0 { 400 } else { 100 });
        }
        let before = region.counters().get(Counter::InlineEvictions);
        for number in 12_000..17_000 {
            if number % every == 0 {
                let ahead = Session::new(region, &mut keeper, &Still).evict_ahead(1000);
                let free: u64 =
                    (region.class_accounts().iter().zip(region.geometry.classes.chunk_sizes()))
                        .map(|(account, size)| account.free * u64::from(size))
                        .sum();
                // A page that has just been gained may be free besides.
                let page = region.geometry.shape.page_words * 8;
                assert!(
                    free <= region.geometry.arena_bytes() / 100 + 2 * page,
                    "{free} bytes free, {ahead:?}"
                );
            }
            set(region, &mut lane, number, if number % 4 == 0 { 400 } else { 100 });
        }
        region.counters().get(Counter::InlineEvictions) - before
    }

    #[test]
    fn with_a_reserve_stores_find_a_free_block() {
        let alone = inline_of_5_000(u64::MAX);
        assert!(alone > 1_250, "{alone} of 5,000 without steps");
        let kept = inline_of_5_000(8);
        assert!(kept < 50, "{kept} of 5,000");
    }

    #[test]
    fn what_nobody_allocates_needs_no_reserve() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        let ahead = |lane: &mut Lane| Session::new(region, lane, &Still).evict_ahead(1000);
        assert_eq!(ahead(&mut lane), Default::default(), "pages are free");
        for number in 0..12_000 {
            set(region, &mut lane, number, 100);
        }
        let first = ahead(&mut lane);
        assert!(first.evicted > 0 && first.drained > 50, "{first:?}");
        assert_eq!(ahead(&mut lane), Default::default(), "nobody has stored since");
    }
}
