//! Runs: large items in neighbouring pages.

use super::page::RUN;
use super::policy::{PageCost, Share};
use super::{Hint, Kind, Owned};
use crate::fault::{Fault, planted};
use crate::ordering as ord;
use crate::participant::Counter;
use crate::region::{Host, Region};
use crate::session::Session;
use crate::sync::Ordering;
use crate::table::Removal;
use crate::word::{BlockState, BlockWord, LaneId, PageState, PageWord};

/// Windows weighed before a run takes the cheapest.
const WINDOWS: u64 = if cfg!(loom) { 1 } else { 16 };

impl Region {
    /// Pages of the run that starts here, never more than there are.
    pub(crate) fn run_length(&self, head: u64) -> u64 {
        let length = self.page_entry(head, RUN).load(Ordering::Relaxed);
        if planted(Fault::RunLengthTrusted) {
            return length;
        }
        length.clamp(1, self.geometry.pages - head)
    }

    /// Distance of a tail page to its head.
    pub(crate) fn run_distance(&self, page: u64) -> u64 {
        self.page_entry(page, RUN).load(Ordering::Relaxed)
    }

    /// Whether a tail page belongs to a run that starts at `head`.
    pub(crate) fn is_tail_of(&self, page: u64, head: u64) -> Option<PageWord> {
        let word = self.load_page(page);
        let distance = self.run_distance(page);
        (word.state() == PageState::RunTail
            && page - head == distance
            && self.load_page(page) == word)
            .then_some(word)
    }

    /// Gives a run's pages away. Its header is CLAIMED by `lane` in a generation that was never linked; the head page
    /// goes last, so that who repeats this after a death still finds the run.
    pub(crate) fn free_run(&self, location: u64, lane: LaneId) {
        let Some(head) = self.geometry.page_of(location) else { return };
        let word = self.load_page(head);
        let header = self.load_header(location);
        if word.state() != PageState::RunHead || !header.is_claimed_by(lane) {
            return;
        }
        if planted(Fault::HeadReleasedFirst) {
            self.raise_base(head, header.generation());
            self.release_page(head, word);
        }
        for page in head + 1..head + self.run_length(head) {
            if let Some(tail) = self.is_tail_of(page, head) {
                self.clear_hint(Hint::Runs, page);
                self.release_page(page, tail);
            }
        }
        self.raise_base(head, header.generation());
        self.clear_hint(Hint::Runs, head);
        self.release_page(head, word);
    }
}

impl<H: Host> Session<'_, H> {
    /// A run of so many pages.
    #[cold]
    pub(crate) fn allocate_run(&mut self, pages: u64) -> Option<Owned> {
        if pages > self.region.geometry.pages {
            return None;
        }
        self.region.count_run();
        for round in 0..2 {
            let mut from = 0;
            while let Some(start) = self.free_window(from, pages) {
                if let Some(owned) = self.claim_window(start, pages) {
                    return Some(owned);
                }
                from = start + 1;
            }
            if round == 0 {
                self.tally(Counter::InlineEvictions, 1);
            }
            if let Some(owned) = self.claim_cheapest(pages) {
                return Some(owned);
            }
            let windows = self.region.geometry.pages;
            let mut tried = 0;
            while tried < windows {
                let hand = self.region.word(crate::layout::live::RUN_HAND);
                let last = self.region.geometry.pages - pages;
                let start = hand.load(Ordering::Relaxed) % (last + 1);
                hand.store(start + pages, Ordering::Relaxed);
                if let Some(owned) = self.claim_window(start, pages) {
                    return Some(owned);
                }
                tried += pages;
            }
            // Windows at steps of the run's length may all be blocked: try every start once.
            for start in 0..=self.region.geometry.pages - pages {
                if round == 1
                    && let Some(owned) = self.claim_window(start, pages)
                {
                    return Some(owned);
                }
            }
            if round == 0 {
                self.recover_dead();
            }
        }
        None
    }

    /// Claims the cheapest of a few windows.
    fn claim_cheapest(&mut self, pages: u64) -> Option<Owned> {
        let region = self.region;
        let now = region.taken_by_all();
        let all = region.share(region.runs(), now);
        let last = region.geometry.pages - pages;
        let mut best: Option<(u64, u64)> = None;
        for step in 0..WINDOWS {
            // By turns where the hand is and where a run is: its place may fit as it is.
            let of_a_run = match step % 2 {
                0 => None,
                _ => self.some_run(now.wrapping_add(step)).map(|(head, _)| head.min(last)),
            };
            let start = of_a_run.unwrap_or_else(|| {
                let hand = region.word(crate::layout::live::RUN_HAND);
                hand.fetch_add(pages + 1, Ordering::Relaxed) % (last + 1)
            });
            let cost = self.cost_of(start, pages, now, all);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, start));
            }
        }
        self.claim_window(best?.1, pages)
    }

    /// What it costs to take a window.
    fn cost_of(&mut self, start: u64, pages: u64, now: u64, all: Share) -> u64 {
        let region = self.region;
        let end = start + pages;
        let mut page = start;
        let mut cost = 0u64;
        while page < end {
            let word = region.load_page(page);
            let (length, what) = match word.state() {
                PageState::Slab => (1, PageCost::Slab(region.share(word.class(), now).ease())),
                PageState::RunHead | PageState::RunTail => {
                    let distance = match word.state() {
                        PageState::RunTail => region.run_distance(page).min(page),
                        _ => 0,
                    };
                    let head = page - distance;
                    let run_end = head + region.run_length(head);
                    let length = run_end.min(end).saturating_sub(page).max(1);
                    let outside = distance + run_end.saturating_sub(end);
                    let cost = match self.use_of_run(head) {
                        Some(mark) => {
                            PageCost::Run { ease: all.ease(), mark, pages: length, outside }
                        }
                        // Nothing would be lost.
                        None => PageCost::Free,
                    };
                    (length, cost)
                }
                _ => (1, PageCost::Free),
            };
            cost = cost.saturating_add(what.cost());
            page += length;
        }
        cost
    }

    /// The first window of free pages from a page on.
    fn free_window(&self, from: u64, pages: u64) -> Option<u64> {
        let mut length = 0;
        for page in from..self.region.geometry.pages {
            let free = self.region.load_page(page).state() == PageState::Free;
            length = if free { length + 1 } else { 0 };
            if length == pages {
                return Some(page + 1 - pages);
            }
        }
        None
    }

    /// Empties and joins the pages of a window, in address order; all or none.
    fn claim_window(&mut self, start: u64, pages: u64) -> Option<Owned> {
        let region = self.region;
        // A look ahead: a page that somebody holds would undo the work.
        let blocked = (start..start + pages).any(|page| {
            matches!(region.load_page(page).state(), PageState::Owned | PageState::Drain)
        });
        // Nor may the run begin where somebody still expects an earlier one (invariant HAZARD): a process that is
        // stopped there must not keep all others from every window but this.
        let location = region.geometry.page_start(start);
        let pinned = region.is_pinned_in(location, region.geometry.page_start(start + pages));
        if blocked || pinned || region.is_named(location, location + 1, self.lane.id) {
            return None;
        }
        let entry = self.lane.magazine.reserve().or_else(|| {
            self.flush_magazine();
            self.lane.magazine.reserve()
        })?;
        let mut owned: Vec<PageWord> = Vec::with_capacity(pages as usize);
        for page in start..start + pages {
            match self.empty_page(page) {
                Some(word) => owned.push(word),
                None => break,
            }
        }
        if (owned.len() as u64) < pages {
            for (page, word) in (start..).zip(owned) {
                region.release_page(page, word);
            }
            self.lane.magazine.vacate(entry);
            return None;
        }
        let generation = region.fresh_generation(start, pages, self.lane.id);
        let id = self.lane.id;
        self.name_entry(entry, location);
        for (distance, &word) in owned.iter().enumerate().skip(1) {
            let page = start + distance as u64;
            region.page_entry(page, RUN).store(distance as u64, Ordering::Relaxed);
            region.change_page(page, word, word.changed(PageState::RunTail, 0, id));
        }
        region.page_entry(start, RUN).store(pages, Ordering::Relaxed);
        for page in start..start + pages {
            region.set_hint(Hint::Runs, page);
        }
        let claimed = BlockWord::new(BlockState::Claimed, id, generation);
        region.header(location).store(claimed.bits(), ord::header_free());
        region.change_page(start, owned[0], owned[0].changed(PageState::RunHead, 0, id));
        Some(Owned { location, generation: claimed.generation(), kind: Kind::Run(pages), entry })
    }

    /// Ends the item of a run and gives its pages away.
    pub(crate) fn evict_run(&mut self, head: u64) -> bool {
        let region = self.region;
        let word = region.load_page(head);
        if word.state() != PageState::RunHead {
            return false;
        }
        let location = region.geometry.page_start(head);
        let Some(header) = region.header_in(head, word, location) else { return false };
        let owned = match header.state() {
            BlockState::Orphan => self.adopt(location, header),
            BlockState::Published if header.is_pinned() && region.is_pinned(location) => None,
            BlockState::Published => self
                .locate(location, header)
                .and_then(|found| self.unlink(&found, Removal::Evicted)),
            BlockState::Free | BlockState::Claimed => None,
        };
        let Some(owned) = owned else { return false };
        self.free_block(owned, true);
        true
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, Still};
    use crate::layout::Identity;
    use crate::{Condition, Deadline, Deleted, Lane, SetRequest};

    #[test]
    fn a_run_that_says_it_goes_beyond_the_last_page_is_cut_off_there() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        let mut session = Session::new(region, &mut lane, &Still);
        let request = SetRequest {
            value: &[7; 20_000],
            flags: 0,
            encoding: 0,
            deadline: Deadline::At(None),
            condition: Condition::Always,
        };
        session.set(b"key", &request).expect("there is room");
        let pages = region.geometry.pages;
        let head = (0..pages).find(|&page| region.load_page(page).state() == PageState::RunHead);
        let head = head.expect("a run");
        for length in [pages, 1 << 40, u64::MAX] {
            region.page_entry(head, RUN).store(length, Ordering::Relaxed);
            assert_eq!(region.run_length(head), pages - head);
            let account = region.check(&Still, |_| false);
            assert_eq!(account.items, 1);
        }
        assert_eq!(session.delete(b"key"), Ok(Deleted::Gone));
        assert_eq!(region.load_page(head).state(), PageState::Free);
    }
}
