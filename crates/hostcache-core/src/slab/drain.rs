//! Emptying a page, so that it can change hands.

use super::{Chunks, Hint};
use crate::fault::{Fault, planted};
use crate::region::{Host, Region};
use crate::session::Session;
use crate::table::{Lookup, Probe, Removal};
use crate::word::{BlockState, BlockWord, PageState, PageWord};

impl<H: Host> Session<'_, H> {
    /// Makes the page of a key's item free, as if another class had asked for it: what is in use is moved aside, the rest is
    /// evicted. False: there is no such item, or somebody holds a block of the page.
    pub fn free_page_of(&mut self, key: &[u8]) -> bool {
        let region = self.region;
        let probe = Probe::new(&region.geometry, key);
        let Some(Lookup::Found(found)) = region.glance(&probe, key) else { return false };
        let Some(page) = region.geometry.page_of(found.location()) else { return false };
        let Some(owned) = self.empty_page(page) else { return false };
        region.release_page(page, owned);
        true
    }

    /// Makes a page exclusively this lane's, evicting what is in it. `None`: somebody holds a block in it.
    pub(crate) fn empty_page(&mut self, page: u64) -> Option<PageWord> {
        let region = self.region;
        let word = region.load_page(page);
        match word.state() {
            PageState::Free => {
                let owned = word.changed(PageState::Owned, 0, self.lane.id);
                region.change_page(page, word, owned).then(|| {
                    region.clear_hint(Hint::FreePages, page);
                    owned
                })
            }
            PageState::Slab => self.drain_page(page, word),
            PageState::RunHead => self.evict_run(page).then(|| self.own_free_page(page)).flatten(),
            PageState::RunTail => {
                let head = page.checked_sub(region.run_distance(page))?;
                self.evict_run(head).then(|| self.own_free_page(page)).flatten()
            }
            PageState::Owned | PageState::Drain => None,
        }
    }

    fn own_free_page(&mut self, page: u64) -> Option<PageWord> {
        let word = self.region.load_page(page);
        if word.state() != PageState::Free {
            return None;
        }
        self.empty_page(page)
    }

    /// SLAB → DRAIN → OWNED, or back.
    fn drain_page(&mut self, page: u64, slab: PageWord) -> Option<PageWord> {
        let region = self.region;
        let class = slab.class();
        let (chunks, words) = region.chunks(class)?;
        // A block that is held would undo the work.
        if region
            .is_pinned_in(region.geometry.page_start(page), region.geometry.page_start(page + 1))
        {
            return None;
        }
        // What the magazine holds in this page would stand in the way.
        self.flush_magazine();
        let drain = slab.changed(PageState::Drain, class, self.lane.id);
        if !region.change_page(page, slab, drain) {
            return None;
        }
        region.clear_hint(Hint::Members(class), page);
        region.clear_hint(Hint::Partial(class), page);
        let start = region.geometry.page_start(page);
        let mut highest = 0;
        for chunk in 0..chunks {
            let Some(generation) = self.drain_chunk(start + chunk * words, class) else {
                if !planted(Fault::DrainNotRolledBack) {
                    region.undrain(page, drain, self.lane.id, chunk);
                }
                return None;
            };
            highest = highest.max(generation);
        }
        // GENERATIONS-GROW: before anybody else can own the page.
        region.raise_base(page, highest);
        let owned = drain.changed(PageState::Owned, 0, self.lane.id);
        region.change_page(page, drain, owned).then_some(owned)
    }

    /// Makes one chunk of a draining page CLAIMED by this lane; the page word names it. A used item is moved aside first.
    fn drain_chunk(&mut self, location: u64, class: usize) -> Option<u64> {
        let region = self.region;
        for _ in 0..8 {
            let header = region.load_header(location);
            match header.state() {
                BlockState::Free => {
                    let generation = header.generation();
                    let claimed = BlockWord::new(BlockState::Claimed, self.lane.id, generation);
                    if region.change_header(location, header, claimed) {
                        return Some(generation);
                    }
                }
                BlockState::Published => {
                    if let Some(found) = self.locate(location, header)
                        && let Some(owned) = self
                            .save(&found, class)
                            .or_else(|| self.unlink(&found, Removal::Evicted))
                    {
                        self.vacate_entry(owned.entry);
                        return Some(owned.generation);
                    }
                    if region.load_header(location).same_but_pin(header) {
                        // Sealed and not yet linked, or just unlinked by somebody: theirs.
                        return None;
                    }
                }
                BlockState::Orphan => {
                    let owned = self.adopt(location, header)?;
                    self.vacate_entry(owned.entry);
                    return Some(owned.generation);
                }
                BlockState::Claimed => return None,
            }
        }
        None
    }
}

impl Region {
    /// Frees those of the first chunks of a draining page that a lane claimed, and makes it a slab page again.
    pub(crate) fn undrain(&self, page: u64, drain: PageWord, lane: u16, chunks: u64) -> u64 {
        let class = drain.class();
        let Some((all, words)) = self.chunks(class) else { return 0 };
        let start = self.geometry.page_start(page);
        let mut freed = 0;
        for chunk in 0..chunks.min(all) {
            let location = start + chunk * words;
            let header = self.load_header(location);
            if header.is_claimed_by(lane) {
                let free = BlockWord::free(header.generation());
                if self.change_header(location, header, free) {
                    self.set_chunk_hint(Chunks::Free, page, chunk);
                    freed += 1;
                }
            }
        }
        if self.change_page(page, drain, drain.changed(PageState::Slab, class, lane)) {
            self.set_hint(Hint::Members(class), page);
            self.set_hint(Hint::Partial(class), page);
        }
        freed
    }
}
