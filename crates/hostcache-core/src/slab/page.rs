//! The page table: one entry a page.
//!
//! ```text
//! word 0  page word (PageWord)
//! word 1  RUN_HEAD: pages of the run; RUN_TAIL: distance to the head
//! word 2  base: above every generation that a header in this page ever had
//! word 3  unused
//! ```

use super::Hint;
use crate::fault::{Fault, planted};
use crate::layout::{PAGE_ENTRY_WORDS, mix};
use crate::ordering as ord;
use crate::region::Region;
use crate::session::Session;
use crate::sync::{AtomicU64, Ordering};
use crate::word::{BlockWord, LaneId, PageState, PageWord};

/// Index of the run word in an entry.
pub(crate) const RUN: u64 = 1;
/// Index of the generation base in an entry.
const BASE: u64 = 2;

impl Region {
    /// The page table of a new region: all are free.
    pub(crate) fn start_pages(&self) {
        for page in 0..self.geometry.pages {
            // Generations start at random, so that a header word does not look like data.
            let base = mix(self.geometry.shape.seed ^ page) >> 18;
            self.page_entry(page, BASE).store(base, Ordering::Relaxed);
            self.set_hint(Hint::FreePages, page);
        }
    }

    #[inline]
    pub(crate) fn page_entry(&self, page: u64, at: u64) -> &AtomicU64 {
        self.word(self.geometry.pages_at + page * PAGE_ENTRY_WORDS + at)
    }

    #[inline]
    pub(crate) fn load_page(&self, page: u64) -> PageWord {
        PageWord::from_bits(self.page_entry(page, 0).load(ord::page_load()))
    }

    /// Changes a page word; false if it is not `from` any more.
    pub(crate) fn change_page(&self, page: u64, from: PageWord, to: PageWord) -> bool {
        self.page_entry(page, 0)
            .compare_exchange(from.bits(), to.bits(), ord::page_change(), Ordering::Relaxed)
            .is_ok()
    }

    /// Invariant PAGE-CUT: a header word loaded between two equal page words is one.
    pub(crate) fn header_in(&self, page: u64, cut: PageWord, location: u64) -> Option<BlockWord> {
        let header = self.load_header(location);
        let same = self.load_page(page) == cut || planted(Fault::PageCutNotChecked);
        same.then_some(header)
    }

    /// Chunks of a page of this class, and words of each.
    pub(crate) fn chunks(&self, class: usize) -> Option<(u64, u64)> {
        let words = self.geometry.classes.chunk_words(class)?;
        Some((self.geometry.shape.page_words / words, words))
    }

    /// Invariant GENERATIONS-GROW: raises a page's base above a generation.
    pub(crate) fn raise_base(&self, page: u64, generation: u64) {
        self.page_entry(page, BASE).fetch_max(generation + 1, Ordering::Relaxed);
    }

    /// The generation at which new headers of an owned page start. If somebody still names a location in it, it is the
    /// next that is 0 in the slots: such a block is linked only after a scan of its own.
    pub(crate) fn fresh_generation(&self, page: u64, pages: u64, lane: LaneId) -> u64 {
        let base =
            BlockWord::free(self.page_entry(page, BASE).load(Ordering::Relaxed)).generation();
        let base = if planted(Fault::GenerationsRestart) { 0 } else { base };
        let from = self.geometry.page_start(page);
        let to = self.geometry.page_start(page + pages);
        if !planted(Fault::CutWithoutScan) && self.is_named(from, to, lane) {
            base + (self.geometry.short_generation(u64::MAX) + 1)
                - self.geometry.short_generation(base)
        } else {
            base
        }
    }

    /// Lets a page go that the caller owns exclusively.
    pub(crate) fn release_page(&self, page: u64, owned: PageWord) {
        if self.change_page(page, owned, owned.changed(PageState::Free, 0, owned.owner())) {
            self.set_hint(Hint::FreePages, page);
        }
    }
}

impl<H> Session<'_, H> {
    /// Claims some free page.
    pub(crate) fn take_free_page(&mut self) -> Option<(u64, PageWord)> {
        let region = self.region;
        let mut from = 0;
        while let Some(page) = region.next_hint(Hint::FreePages, from) {
            if page < from {
                return None;
            }
            let word = region.load_page(page);
            region.clear_hint(Hint::FreePages, page);
            if word.state() == PageState::Free {
                let owned = word.changed(PageState::Owned, 0, self.lane.id);
                if region.change_page(page, word, owned) {
                    return Some((page, owned));
                }
            }
            from = page + 1;
        }
        None
    }

    /// Cuts a page that the caller owns exclusively into chunks of a class.
    pub(crate) fn cut_page(&mut self, page: u64, owned: PageWord, class: usize) {
        let region = self.region;
        let Some((chunks, words)) = region.chunks(class) else { return };
        let generation = region.fresh_generation(page, 1, self.lane.id);
        let free = BlockWord::free(generation).bits();
        let start = region.geometry.page_start(page);
        for chunk in 0..chunks {
            region.header(start + chunk * words).store(free, ord::header_free());
        }
        region.reset_chunk_hints(page, chunks);
        if region.change_page(page, owned, owned.changed(PageState::Slab, class, self.lane.id)) {
            region.set_hint(Hint::Members(class), page);
            region.set_hint(Hint::Partial(class), page);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::{Fixture, Still, plain};
    use crate::layout::{Identity, record};
    use crate::slab::{Chunks, Hint};
    use crate::sync::Ordering;
    use crate::word::{PageState, SlotWord};
    use crate::{Lane, Session};

    /// The generation of a page's first cut, with a location in it named by somebody or not.
    fn first_generation(named: bool) -> (u64, u64) {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        let mut session = Session::new(region, &mut lane, &Still);
        let (page, owned) = session.take_free_page().expect("all pages are free");
        let start = region.geometry.page_start(page);
        if named {
            let word = SlotWord::tentative(1, 0, false, start + 24).bits();
            region.lane_word(2, record::OLD).store(word, Ordering::Relaxed);
        }
        let base = region.page_entry(page, super::BASE).load(Ordering::Relaxed);
        session.cut_page(page, owned, 0);
        (base, region.load_header(start).generation())
    }

    #[test]
    fn a_page_in_which_somebody_expects_a_block_is_cut_at_a_generation_that_is_asked_for() {
        let (base, generation) = first_generation(false);
        assert_eq!(generation, base);
        let (base, generation) = first_generation(true);
        assert!(generation > base && generation.is_multiple_of(1 << SlotWord::GENERATION_BITS));
    }

    #[test]
    fn of_a_dead_makers_pages_those_are_hinted_at_that_have_a_free_block() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 1, &Identity::default());
        for number in 0..1_000u32 {
            let request = plain(b"eight by", None);
            let mut session = Session::new(region, &mut lane, &Still);
            session.set(&number.to_le_bytes(), &request).expect("there is room");
        }
        let cut: Vec<(u64, usize)> = (0..region.geometry.pages)
            .map(|page| (page, region.load_page(page)))
            .filter(|(_, word)| word.state() == PageState::Slab)
            .map(|(page, word)| (page, word.class()))
            .collect();
        let hinted = |hint, page| region.next_hint(hint, page) == Some(page);
        // As if it had died before it told of any.
        for &(page, class) in &cut {
            region.clear_hint(Hint::Members(class), page);
            region.clear_hint(Hint::Partial(class), page);
        }
        region.recover_lane(1);
        let mut full = 0;
        for &(page, class) in &cut {
            let (chunks, _) = region.chunks(class).expect("a class");
            let has_free = region.next_chunk_hint(Chunks::Free, page, 0, chunks).is_some();
            full += u32::from(!has_free);
            assert!(hinted(Hint::Members(class), page), "page {page}");
            assert_eq!(hinted(Hint::Partial(class), page), has_free, "page {page}");
        }
        assert!((1..cut.len() as u32).contains(&full), "{full} of {} pages are full", cut.len());
    }
}
