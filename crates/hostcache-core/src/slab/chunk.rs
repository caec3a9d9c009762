//! Claiming and freeing single blocks.

use super::{Chunks, Hint};
use crate::fault::{Fault, planted};
use crate::layout::record;
use crate::ordering as ord;
use crate::participant::{Entry, Held};
use crate::region::Region;
use crate::session::Session;
use crate::sync::Ordering;
use crate::table::Found;
use crate::word::{BlockState, BlockWord, LaneId, PageState, PageWord};

/// What a block is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A chunk of a slab class.
    Chunk(usize),
    /// A run of pages.
    Run(u64),
}

/// A block that is CLAIMED by this lane, and named by one of its entries.
#[derive(Debug)]
#[must_use = "an owned block is used or given back"]
pub(crate) struct Owned {
    pub(crate) location: u64,
    pub(crate) generation: u64,
    pub(crate) kind: Kind,
    pub(crate) entry: Entry,
}

impl From<Held> for Owned {
    #[inline]
    fn from(held: Held) -> Self {
        let Held { location, generation, class, entry } = held;
        Self { location, generation, kind: Kind::Chunk(class as usize), entry }
    }
}

impl<H> Session<'_, H> {
    /// Names a location in the record: before it is claimed.
    #[inline(always)]
    pub(crate) fn name_entry(&self, entry: Entry, location: u64) {
        // The entry's bits bound it: no check is compiled.
        let at = record::MAGAZINE + u64::from(entry) % record::MAGAZINE_SLOTS;
        self.record_word(at).store(location, ord::record_store());
    }

    /// The entry names nothing any more.
    #[inline]
    pub(crate) fn vacate_entry(&mut self, entry: Entry) {
        self.name_entry(entry, 0);
        self.lane.magazine.vacate(entry);
    }

    /// Claims a chunk if it is free and the page is still cut as `cut` says.
    pub(crate) fn claim_chunk(&mut self, page: u64, cut: PageWord, chunk: u64) -> Option<Owned> {
        let region = self.region;
        let class = cut.class();
        let (_, words) = region.chunks(class)?;
        let location = region.geometry.page_start(page) + chunk * words;
        let header = region.header_in(page, cut, location)?;
        if header.state() != BlockState::Free {
            return None;
        }
        let entry = self.lane.magazine.reserve()?;
        self.name_entry(entry, location);
        let claimed = BlockWord::new(BlockState::Claimed, self.lane.id, header.generation());
        if !region.change_header(location, header, claimed) {
            self.vacate_entry(entry);
            return None;
        }
        let generation = header.generation();
        Some(Owned { location, generation, kind: Kind::Chunk(class), entry })
    }

    /// Gives a block back to all. `hinted`: whether others shall find it at once.
    #[cold]
    pub(crate) fn free_block(&mut self, owned: Owned, hinted: bool) {
        let region = self.region;
        match owned.kind {
            Kind::Chunk(class) => {
                region
                    .header(owned.location)
                    .store(BlockWord::free(owned.generation).bits(), ord::header_free());
                if hinted {
                    region.hint_chunk(owned.location, class);
                }
            }
            Kind::Run(_) => region.free_run(owned.location, self.lane.id),
        }
        self.vacate_entry(owned.entry);
    }

    /// From PUBLISHED back to CLAIMED, in the next generation (SEALED-ONCE): a block that was sealed and is in no slot, so
    /// that nobody else may touch it.
    pub(crate) fn break_seal(&self, sealed: &mut Owned) {
        let up = u64::from(!planted(Fault::SameGenerationOnRetry));
        sealed.generation = BlockWord::free(sealed.generation + up).generation();
        let claimed = BlockWord::new(BlockState::Claimed, self.lane.id, sealed.generation);
        self.region.header(sealed.location).store(claimed.bits(), Ordering::Relaxed);
    }

    /// Keeps a block in the magazine if there is room, else frees it.
    #[inline(always)]
    pub(crate) fn put_back(&mut self, owned: Owned) {
        let geometry = &self.region.geometry;
        if let Kind::Chunk(class) = owned.kind
            && let Some(words) = geometry.classes.chunk_words(class)
            && self.lane.magazine.has_room(words * 8, geometry.magazine_bytes())
        {
            let Owned { location, generation, entry, .. } = owned;
            let held = Held { location, generation, class: class as u32, entry };
            self.lane.magazine.put(held, words * 8);
            if planted(Fault::KeptAndFreed) {
                let free = BlockWord::free(generation).bits();
                self.region.header(location).store(free, ord::header_free());
                self.region.hint_chunk(location, class);
            }
            return;
        }
        self.free_block(owned, true);
    }

    /// Gives back the free blocks that the lane keeps for its next stores: they stand in the way of large items.
    pub fn flush_magazine(&mut self) {
        while let Some(held) = self.lane.magazine.take_any() {
            self.free_block(held.into(), true);
        }
    }

    /// Retires a block that this lane unlinked: PUBLISHED → CLAIMED(me), one generation up. A busy entry, which may still
    /// name what is linked, names the block from now on; without one the block is freed, under the name that the intent
    /// still gives it. `None`: freed, or held by somebody and an ORPHAN, or the recoverer of a dead lane that meant to
    /// unlink the same block took it first.
    #[inline(always)]
    pub(crate) fn retire(&mut self, found: &Found<'_>, entry: Option<Entry>) -> Option<Owned> {
        let region = self.region;
        let (location, header) = (found.location(), found.header);
        let up = u64::from(!planted(Fault::RetiredInPlace));
        let claimed = BlockWord::new(BlockState::Claimed, self.lane.id, header.generation() + up);
        let retired = !header.is_pinned()
            && found
                .header_word(region)
                .compare_exchange(
                    header.bits(),
                    claimed.bits(),
                    ord::header_claim(),
                    Ordering::Relaxed,
                )
                .is_ok();
        if !retired && !self.retire_pinned(location, header, claimed) {
            return None;
        }
        let generation = claimed.generation();
        let Some(entry) = entry else {
            region.header(location).store(BlockWord::free(generation).bits(), ord::header_free());
            return None;
        };
        let kind = region.kind_of(location)?;
        self.name_entry(entry, location);
        Some(Owned { location, generation, kind, entry })
    }
}

impl Region {
    /// One edge of a block's life: CAS on the full header word.
    #[inline]
    pub(crate) fn change_header(&self, location: u64, from: BlockWord, to: BlockWord) -> bool {
        self.header(location)
            .compare_exchange(from.bits(), to.bits(), ord::header_claim(), Ordering::Relaxed)
            .is_ok()
    }

    /// Frees a block that is in no slot, by one CAS on the header that was seen: no living lane's, or an ORPHAN that
    /// nobody holds. False: somebody was first. A run passes through the hands of `lane`: the caller's own, or one that
    /// it recovers, which may hold the run already.
    pub(crate) fn free_seen(&self, location: u64, header: BlockWord, lane: LaneId) -> bool {
        // A claimed incarnation was never linked; any other ends.
        let ended =
            header.state() != BlockState::Claimed && !planted(Fault::RecoveredSameGeneration);
        let generation = header.generation() + u64::from(ended);
        match self.kind_of(location) {
            Some(Kind::Chunk(class)) => {
                let freed = self.change_header(location, header, BlockWord::free(generation));
                if freed {
                    self.hint_chunk(location, class);
                }
                freed
            }
            Some(Kind::Run(_)) => {
                let claimed = BlockWord::new(BlockState::Claimed, lane, generation);
                let won = header == claimed || self.change_header(location, header, claimed);
                if won {
                    self.free_run(location, lane);
                }
                won
            }
            None => false,
        }
    }

    /// What a block is made of that cannot change now: it is owned, or linked.
    #[inline(always)]
    pub(crate) fn kind_of(&self, location: u64) -> Option<Kind> {
        let page = self.geometry.page_of(location)?;
        let word = self.load_page(page);
        match word.state() {
            PageState::Slab | PageState::Drain => Some(Kind::Chunk(word.class())),
            PageState::RunHead => Some(Kind::Run(self.run_length(page))),
            _ => None,
        }
    }

    /// Hints at a free chunk.
    pub(crate) fn hint_chunk(&self, location: u64, class: usize) {
        let Some(page) = self.geometry.page_of(location) else { return };
        let Some((chunks, words)) = self.chunks(class) else { return };
        let chunk = (location - self.geometry.page_start(page)) / words;
        if chunk < chunks {
            self.set_chunk_hint(Chunks::Free, page, chunk);
            self.set_hint(Hint::Partial(class), page);
        }
    }
}
