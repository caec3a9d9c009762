//! Pages on their way from class to class. What is decided here rests on counts that anybody may change at any time: it
//! moves memory well or badly, never wrongly.

use super::allocate::class_state;
use super::evict::Visit;
use super::policy::{QUANTUM, Share, is_burst};
use super::{Chunks, Hint};
use crate::layout::mix;
use crate::region::{Host, Region};
use crate::session::Session;
use crate::sync::Ordering;
use crate::table::SETTLED;
use crate::word::{PageState, PageWord};

/// Pages of a giver looked at before one is taken.
const PAGES_WEIGHED: u64 = if cfg!(loom) { 1 } else { 8 };

impl Region {
    /// Number of the share that all runs have together, behind the classes.
    pub(crate) fn runs(&self) -> usize {
        self.geometry.classes.len()
    }

    /// Where the pages of a share are.
    pub(crate) fn pages_of(&self, share: usize) -> Hint {
        if share == self.runs() { Hint::Runs } else { Hint::Members(share) }
    }

    /// Blocks that all took from shared memory so far: the clock by which shares are compared.
    pub(crate) fn taken_by_all(&self) -> u64 {
        (0..=self.runs()).fold(0, |sum: u64, share| {
            let taken = self.class_word(share, class_state::TAKEN).load(Ordering::Relaxed);
            sum.wrapping_add(taken)
        })
    }

    /// What is known of a share at a time of that clock.
    pub(crate) fn share(&self, share: usize, now: u64) -> Share {
        let load = |at| self.class_word(share, at).load(Ordering::Relaxed);
        let pages = self.count_hints(self.pages_of(share));
        Share {
            held: pages * self.geometry.shape.page_words * 8,
            taken: load(class_state::TAKEN).wrapping_sub(load(class_state::WATCHED_TAKEN)),
            watched: now.wrapping_sub(load(class_state::WATCHED_SINCE)),
        }
    }

    /// Lets half of what was counted of a share fade, so that later counts weigh more.
    pub(crate) fn fade(&self, share: usize, now: u64, counted: Share) {
        let taken = self.class_word(share, class_state::TAKEN).load(Ordering::Relaxed);
        self.class_word(share, class_state::WATCHED_TAKEN)
            .store(taken.wrapping_sub(counted.taken / 2), Ordering::Relaxed);
        self.class_word(share, class_state::WATCHED_SINCE)
            .store(now.wrapping_sub(counted.watched / 2), Ordering::Relaxed);
    }

    /// Counts a run that is taken.
    pub(super) fn count_run(&self) {
        if cfg!(loom) {
            return;
        }
        let now = self.taken_by_all();
        let counted = self.share(self.runs(), now);
        let last = self.class_word(self.runs(), class_state::LAST).swap(now, Ordering::Relaxed);
        if is_burst(counted, now.wrapping_sub(last)) {
            let none = Share { taken: 0, watched: 0, ..counted };
            self.fade(self.runs(), now, none);
        } else if counted.taken >= 2 * QUANTUM {
            self.fade(self.runs(), now, counted);
        }
        self.count_taken(self.runs(), 1);
    }

    /// The share but this one that can best spare a page.
    fn richest_but(&self, taker: usize, now: u64) -> Option<(usize, Share)> {
        (0..=self.runs())
            .filter(|&giver| giver != taker)
            .map(|giver| (giver, self.share(giver, now)))
            .filter(|(_, share)| share.held > 0)
            .max_by_key(|(_, share)| share.ease())
    }
}

impl<H: Host> Session<'_, H> {
    /// Takes a page for a class from whoever can clearly spare it.
    pub(crate) fn gain_page(&mut self, class: usize) -> bool {
        let region = self.region;
        region.class_word(class, class_state::PRESSURE).store(0, Ordering::Relaxed);
        let now = region.taken_by_all();
        let mine = region.share(class, now);
        region.fade(class, now, mine);
        let Some((giver, share)) = region.richest_but(class, now) else { return false };
        share.should_give(mine) && self.move_page(giver, class, now)
    }

    /// Takes a page for a class from the richest, however little that has.
    pub(super) fn claim_page(&mut self, class: usize) -> bool {
        let now = self.region.taken_by_all();
        let Some((giver, _)) = self.region.richest_but(class, now) else { return false };
        self.move_page(giver, class, now)
    }

    fn move_page(&mut self, giver: usize, class: usize, now: u64) -> bool {
        let page = if giver == self.region.runs() {
            self.page_of_a_run(now)
        } else {
            self.page_of_a_class(giver, now)
        };
        let Some((page, owned)) = page else { return false };
        self.cut_page(page, owned, class);
        true
    }

    /// Empties a page of a class: of a few, the one with the most newcomers.
    fn page_of_a_class(&mut self, class: usize, now: u64) -> Option<(u64, PageWord)> {
        let region = self.region;
        let some = |step| {
            let at = mix(now.wrapping_add(step)) % region.geometry.pages;
            region.next_hint(Hint::Members(class), at)
        };
        let page = (0..PAGES_WEIGHED)
            .filter_map(some)
            .max_by_key(|&page| region.count_chunk_hints(Chunks::Newcomers, page))?;
        let word = region.load_page(page);
        if word.state() != PageState::Slab || word.class() != class {
            region.clear_hint(Hint::Members(class), page);
            return None;
        }
        Some((page, self.empty_page(page)?))
    }

    /// Ends the least used of a few runs and takes one of its pages; the others are free for all.
    fn page_of_a_run(&mut self, now: u64) -> Option<(u64, PageWord)> {
        let region = self.region;
        let mut best: Option<(u64, u64)> = None;
        for step in 0..PAGES_WEIGHED {
            let Some((head, mark)) = self.some_run(now.wrapping_add(step)) else { continue };
            if best.is_none_or(|(least, _)| mark < least) {
                best = Some((mark, head));
            }
        }
        let (_, head) = best?;
        let owned = region.load_page(head);
        let owned = (owned.state() == PageState::RunHead).then(|| self.empty_page(head))??;
        Some((head, owned))
    }

    /// The first page of some run, and the use mark of its item, which is lowered; 0 without a live item.
    pub(super) fn some_run(&mut self, chance: u64) -> Option<(u64, u64)> {
        let region = self.region;
        let page = region.next_hint(Hint::Runs, mix(chance) % region.geometry.pages)?;
        let head = match region.load_page(page).state() {
            PageState::RunHead => page,
            PageState::RunTail => page.checked_sub(region.run_distance(page))?,
            // One that is just being made shows its hint a little early.
            PageState::Owned => return None,
            _ => {
                region.clear_hint(Hint::Runs, page);
                return None;
            }
        };
        Some((head, self.use_of_run(head).unwrap_or(0)))
    }

    /// The use mark of a run's live item, which is lowered behind the look.
    pub(super) fn use_of_run(&mut self, head: u64) -> Option<u64> {
        let region = self.region;
        let word = region.load_page(head);
        if word.state() != PageState::RunHead {
            return None;
        }
        match self.visit(head, word, region.geometry.page_start(head)) {
            Visit::Item(mark, found) => {
                // Newcomers or settled, runs are judged alike.
                let mark = mark.min(SETTLED - 1);
                region.set_mark(found.position, mark.saturating_sub(1));
                Some(mark)
            }
            Visit::Dead(..) | Visit::Orphan(_) | Visit::Free | Visit::Nothing => None,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::{Fixture, Still, plain};
    use crate::layout::Identity;
    use crate::{Lane, Region, Session};

    fn set(region: &Region, lane: &mut Lane, number: usize, len: usize) {
        let value = vec![7; len];
        let request = plain(&value, None);
        let stored = Session::new(region, lane, &Still).set(&number.to_le_bytes(), &request);
        stored.expect("there is room");
    }

    /// Parts of the arena, in percent, of the class for values of a length, or of runs.
    fn part(region: &Region, len: usize) -> u64 {
        let words = 5 + len.div_ceil(8) as u64;
        let share = region.geometry.classes.class_of(words).unwrap_or(region.runs());
        100 * region.count_hints(region.pages_of(share)) / region.geometry.pages
    }

    #[test]
    fn memory_follows_the_size_that_is_missed_without_a_failed_set() {
        const CAPACITY: usize = 1 << 20;
        let lengths = [100, 1_000, 30_000, 300, 3_000, 100, 60_000, 100];
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        let mut number = 0;
        for len in lengths {
            // Of the size that there was before many sets tell, so of this as many.
            for _ in 0..(4 * CAPACITY / len).max(1_000) {
                set(region, &mut lane, number, len);
                number += 1;
            }
            assert!(part(region, len) >= 55, "{} % for {len} B", part(region, len));
        }
        let account = region.check(&Still, |_| false);
        assert!(account.problems.is_empty(), "{account:?}");
    }

    #[test]
    fn two_sizes_share_by_what_they_miss() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        for number in 0..30_000 {
            set(region, &mut lane, number, if number % 4 == 0 { 100 } else { 1_000 });
        }
        let (small, large) = (part(region, 100), part(region, 1_000));
        // One to three, and what a difference may be that moves nothing.
        assert!((12..=42).contains(&small) && small + large >= 98, "{small} %, {large} %");
    }
}
