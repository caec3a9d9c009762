//! From PUBLISHED with the pin bit to ORPHAN, and from there to whoever finds it held by nobody.

use crate::participant::Entry;
use crate::region::Region;
use crate::session::Session;
use crate::slab::{Kind, Owned};
use crate::word::{BlockState, BlockWord, LaneId};

impl<H> Session<'_, H> {
    /// Retires a block that this lane unlinked and that may be held; whether it is CLAIMED by this lane now. If not, it is
    /// its holders', or a recoverer took it first.
    #[cold]
    pub(crate) fn retire_pinned(
        &self,
        location: u64,
        header: BlockWord,
        claimed: BlockWord,
    ) -> bool {
        let region = self.region;
        // The bit is set only once: a header that was loaded without it has it now, or is another's.
        let pinned = header.with_pin(true);
        // ORPHAN first, then the scan: whoever comes to hold it later would see that.
        header.state() == BlockState::Published
            && region.change_header(location, pinned, pinned.orphaned())
            && !region.is_pinned(location)
            && region.change_header(location, pinned.orphaned(), claimed)
    }

    /// Takes an ORPHAN that a walker met and nobody holds.
    #[cold]
    pub(crate) fn adopt(&mut self, location: u64, orphan: BlockWord) -> Option<Owned> {
        let region = self.region;
        if orphan.state() != BlockState::Orphan || region.is_pinned(location) {
            return None;
        }
        let kind = region.kind_of(location)?;
        let entry: Entry = self.lane.magazine.reserve()?;
        self.name_entry(entry, location);
        let generation = BlockWord::free(orphan.generation() + 1).generation();
        let claimed = BlockWord::new(BlockState::Claimed, self.lane.id, generation);
        if !region.change_header(location, orphan, claimed) {
            self.vacate_entry(entry);
            return None;
        }
        Some(Owned { location, generation, kind, entry })
    }
}

impl Region {
    /// Frees whatever ORPHAN is at a location, if nobody holds it. A run passes through the hands of `lane`: the caller's
    /// own, or one that it recovers.
    #[cold]
    pub(crate) fn adopt_at(&self, location: u64, lane: LaneId) -> bool {
        match self.block_at(location) {
            Some(header) if header.state() == BlockState::Orphan => {
                self.free_orphan(location, header, lane)
            }
            _ => false,
        }
    }

    /// Ends a PUBLISHED incarnation that is in no slot and may be held; whether its memory is free.
    pub(crate) fn free_pinned(&self, location: u64, header: BlockWord, lane: LaneId) -> bool {
        let pinned = header.with_pin(true);
        self.change_header(location, pinned, pinned.orphaned())
            && self.free_orphan(location, pinned.orphaned(), lane)
    }

    fn free_orphan(&self, location: u64, orphan: BlockWord, lane: LaneId) -> bool {
        if self.is_pinned(location) {
            return false;
        }
        let generation = orphan.generation() + 1;
        match self.kind_of(location) {
            Some(Kind::Chunk(class)) => {
                let freed = self.change_header(location, orphan, BlockWord::free(generation));
                if freed {
                    self.hint_chunk(location, class);
                }
                freed
            }
            Some(Kind::Run(_)) => {
                let claimed = BlockWord::new(BlockState::Claimed, lane, generation);
                let won = self.change_header(location, orphan, claimed);
                if won {
                    self.free_run(location, lane);
                }
                won
            }
            None => false,
        }
    }
}
