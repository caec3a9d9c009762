//! Windows: neighbouring pages that a large item is to take, chosen and emptied.

use super::page::RUN;
use super::policy::{PageCost, Share};
use super::{Hint, Kind, Owned};
use crate::ordering as ord;
use crate::participant::Counter;
use crate::region::{Host, Region};
use crate::session::Session;
use crate::sync::Ordering;
use crate::word::{BlockState, BlockWord, PageState, PageWord};

/// Windows weighed before a run takes the cheapest that nobody holds.
const WINDOWS: u64 = if cfg!(loom) { 1 } else { 16 };

impl<H: Host> Session<'_, H> {
    /// A run of so many pages.
    ///
    /// Fails only if in every window of so many pages somebody holds a block: each is looked at.
    #[cold]
    pub(crate) fn allocate_run(&mut self, pages: u64) -> Option<Owned> {
        if pages > self.region.geometry.pages {
            return None;
        }
        self.region.count_run();
        for round in 0..2 {
            let mut from = 0;
            while let Some(start) = self.region.free_window(from, pages) {
                match self.claim_window(start, pages) {
                    Ok(owned) => return Some(owned),
                    Err(page) => from = page + 1,
                }
            }
            if round == 0 {
                self.tally(Counter::InlineEvictions, 1);
                // What the magazine holds would stand in the way.
                self.flush_magazine();
            }
            if let Some(owned) = self.claim_cheapest(pages).or_else(|| self.claim_any(pages)) {
                return Some(owned);
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
        let mut windows = [(u64::MAX, 0); WINDOWS as usize];
        for (step, window) in (0..).zip(&mut windows) {
            // By turns where the hand is and where a run is: its place may fit as it is.
            let of_a_run = match step % 2 {
                0 => None,
                _ => self.some_run(now.wrapping_add(step)).map(|(head, _)| head.min(last)),
            };
            let start = of_a_run.unwrap_or_else(|| {
                let hand = region.word(crate::layout::live::RUN_HAND);
                hand.fetch_add(pages + 1, Ordering::Relaxed) % (last + 1)
            });
            *window = (self.cost_of(start, pages, now, all), start);
        }
        windows.sort_unstable();
        windows.iter().find_map(|&(_, start)| self.claim_window(start, pages).ok())
    }

    /// Claims any window, from the hand on.
    fn claim_any(&mut self, pages: u64) -> Option<Owned> {
        let hand = self.region.word(crate::layout::live::RUN_HAND);
        let last = self.region.geometry.pages - pages;
        let from = hand.fetch_add(pages, Ordering::Relaxed) % (last + 1);
        for (mut start, end) in [(from, last + 1), (0, from)] {
            while start < end {
                match self.claim_window(start, pages) {
                    Ok(owned) => return Some(owned),
                    Err(page) => start = page + 1,
                }
            }
        }
        None
    }

    /// The last page of a window in which a block is held. Only a hint: it may change at once.
    fn last_held(&self, start: u64, pages: u64) -> Option<u64> {
        let region = self.region;
        let at = |page| region.geometry.page_start(page);
        let pin = region.last_pin_in(at(start), at(start + pages));
        let pinned = pin.and_then(|location| region.geometry.page_of(location));
        let from = pinned.map_or(start, |page| page + 1);
        (from..start + pages).rev().find(|&page| self.is_held(page)).or(pinned)
    }

    /// Whether emptying a page would fail, as far as its headers tell.
    fn is_held(&self, page: u64) -> bool {
        let region = self.region;
        let word = region.load_page(page);
        let is_claimed = |location| {
            let header = region.load_header(location);
            !cfg!(loom) && header.state() == BlockState::Claimed
        };
        match word.state() {
            PageState::Owned | PageState::Drain => true,
            PageState::Free => false,
            PageState::Slab => region.chunks(word.class()).is_some_and(|(chunks, words)| {
                let start = region.geometry.page_start(page);
                (0..chunks).any(|chunk| is_claimed(start + chunk * words))
            }),
            PageState::RunHead | PageState::RunTail => {
                let head = region.geometry.page_start(page - region.distance_in(page, word));
                self.lane.spared == Some(head) || is_claimed(head)
            }
        }
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
                    let distance = region.distance_in(page, word);
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

    /// Empties and joins the pages of a window, in address order; all or none.
    ///
    /// # Errors
    ///
    /// A page that no other window should be tried with.
    fn claim_window(&mut self, start: u64, pages: u64) -> Result<Owned, u64> {
        let region = self.region;
        // A look ahead: a page that somebody holds would undo the work.
        if let Some(page) = self.last_held(start, pages) {
            return Err(page);
        }
        // Nor may the run begin where somebody still expects an earlier one (invariant HAZARD): a process that is
        // stopped there must not keep all others from every window but this.
        let location = region.geometry.page_start(start);
        if region.is_named(location, location + 1, self.lane.id) {
            return Err(start);
        }
        let Some(entry) = self.lane.magazine.reserve() else { return Err(start) };
        let mut owned: Vec<PageWord> = Vec::with_capacity(pages as usize);
        for page in start..start + pages {
            match self.empty_page(page) {
                Some(word) => owned.push(word),
                None => break,
            }
        }
        let emptied = owned.len() as u64;
        if emptied < pages {
            for (page, word) in (start..).zip(owned) {
                region.release_page(page, word);
            }
            self.lane.magazine.vacate(entry);
            return Err(start + emptied);
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
        Ok(Owned { location, generation: claimed.generation(), kind: Kind::Run(pages), entry })
    }
}

impl Region {
    /// Distance of a run's page to its head, never beyond the first page.
    fn distance_in(&self, page: u64, word: PageWord) -> u64 {
        match word.state() {
            PageState::RunTail => self.run_distance(page).min(page),
            _ => 0,
        }
    }

    /// The first window of free pages from a page on.
    fn free_window(&self, from: u64, pages: u64) -> Option<u64> {
        let mut length = 0;
        for page in from..self.geometry.pages {
            let free = self.load_page(page).state() == PageState::Free;
            length = if free { length + 1 } else { 0 };
            if length == pages {
                return Some(page + 1 - pages);
            }
        }
        None
    }
}
