//! Recovery: what a dead lane held comes back.
//!
//! A bounded list, each step a compare-exchange on a full word, so it may be killed and repeated at any point. Runs
//! only while the dead lane's byte is held, and names the one slot word that it expects in the dead lane's record.

use super::Counter;
use crate::fault::{Fault, planted};
use crate::layout::record;
use crate::ordering as ord;
use crate::region::{Host, Region};
use crate::session::Session;
use crate::slab::{Chunks, Hint, Kind};
use crate::sync::Ordering;
use crate::table::{Position, Probe};
use crate::word::{BlockState, BlockWord, LaneId, PageState, PageWord, SlotWord};

/// What came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Lanes.
    pub lanes: u64,
    /// Blocks.
    pub blocks: u64,
}

/// Changes of one page that a look at a header in it may meet, each between two of its loads: a bound for hostile
/// regions, beyond what others can do in that time.
const PAGE_CHANGES: u32 = 1 << 16;

/// Whether a slot names a block.
enum Reference {
    None,
    /// In the table: nobody's business.
    Linked,
    /// Placed by the dead, never committed.
    Placed(Position, SlotWord),
}

impl<H: Host> Session<'_, H> {
    /// Recovers every dead lane. Costs one look at each lane's incarnation, and a lock attempt at each attached one.
    pub fn recover_dead(&mut self) -> Recovered {
        let mut recovered = Recovered::default();
        for lane in 0..self.region.geometry.shape.lanes as LaneId {
            if lane == self.lane.id || !self.region.is_attached(lane) {
                continue;
            }
            if !self.host.claim_lane(lane) {
                continue;
            }
            // Only now is the incarnation proof: somebody may have recovered or re-attached the lane meanwhile.
            if self.region.is_attached(lane) {
                recovered.blocks += self.region.recover_lane(lane);
                recovered.lanes += 1;
            }
            self.host.release_lane(lane);
        }
        if recovered.lanes > 0 {
            self.tally(Counter::RecoveredParticipants, recovered.lanes);
            self.tally(Counter::RecoveredBlocks, recovered.blocks);
        }
        recovered
    }
}

impl Region {
    /// Recovers a lane whose byte the caller holds, and makes it idle.
    pub fn recover_lane(&self, lane: LaneId) -> u64 {
        let blocks = self.recover_contents(lane);
        let word = self.lane_word(lane, record::INCARNATION);
        word.store(word.load(Ordering::Relaxed).wrapping_add(1), ord::record_store());
        blocks
    }

    /// Frees what a dead lane held. The order matters to who repeats it: names are dropped last.
    pub(crate) fn recover_contents(&self, lane: LaneId) -> u64 {
        let mut blocks = 0;
        if let Some((word, header)) = self.victim_of(lane)
            && !planted(Fault::VictimNotTaken)
        {
            blocks += u64::from(self.take_victim(lane, word, header));
        }
        for entry in 0..record::MAGAZINE_SLOTS {
            let location = self.lane_word(lane, record::MAGAZINE + entry).load(ord::record_load());
            if location != 0 {
                if planted(Fault::NamesDroppedFirst) {
                    self.lane_word(lane, record::MAGAZINE + entry).store(0, ord::record_store());
                }
                blocks += u64::from(self.take_named(lane, location));
            }
        }
        for page in 0..self.geometry.pages {
            blocks += self.recover_page(lane, page);
        }
        for entry in 0..record::MAGAZINE_SLOTS {
            self.lane_word(lane, record::MAGAZINE + entry).store(0, ord::record_store());
        }
        for at in [record::OLD, record::NEW] {
            self.lane_word(lane, at).store(0, ord::record_store());
        }
        blocks + self.release_all(lane)
    }

    /// TAKE (c): the block that the dead lane was about to unlink, or had unlinked and not retired.
    fn take_victim(&self, lane: LaneId, word: SlotWord, header: BlockWord) -> bool {
        let location = word.location();
        if self.geometry.page_of(location).is_none()
            || header.state() != BlockState::Published
            || self.geometry.short_generation_of(header) != word.generation()
        {
            return false;
        }
        let now = self.load_header(location);
        if now.same_but_pin(header) {
            return matches!(self.reference(location, now), Some(Reference::None))
                && self.take(lane, location, now);
        }
        // Retired, and died before an entry named it; or taken by others, and whatever is there now is judged anew.
        self.take_named(lane, location)
    }

    /// A header with the page word under which it is one. Others may be changing the page (a drain that the dead
    /// lane's own block is about to end): to pass it over then would lose the block.
    fn settled_header(&self, page: u64, location: u64) -> Option<(PageWord, BlockWord)> {
        (0..PAGE_CHANGES).find_map(|_| {
            let cut = self.load_page(page);
            self.header_in(page, cut, location).map(|header| (cut, header))
        })
    }

    /// The header word at a location, if it is one.
    pub(crate) fn block_at(&self, location: u64) -> Option<BlockWord> {
        let page = self.geometry.page_of(location)?;
        let (cut, header) = self.settled_header(page, location)?;
        let is_header = match cut.state() {
            PageState::Slab | PageState::Drain => {
                self.chunks(cut.class()).is_some_and(|(n, words)| {
                    let offset = location - self.geometry.page_start(page);
                    offset.is_multiple_of(words) && offset / words < n
                })
            }
            PageState::RunHead => location == self.geometry.page_start(page),
            _ => false,
        };
        is_header.then_some(header)
    }

    /// A block that an entry names: CLAIMED by the dead lane, or sealed by it and not in the table; or an ORPHAN that it
    /// made and did not get to adopt.
    fn take_named(&self, lane: LaneId, location: u64) -> bool {
        let Some(header) = self.block_at(location) else { return false };
        match header.state() {
            BlockState::Claimed if header.owner() == lane => self.take(lane, location, header),
            BlockState::Published if header.owner() == lane => {
                match self.reference(location, header) {
                    Some(Reference::None) => {}
                    Some(Reference::Placed(position, word)) => {
                        if !planted(Fault::WordNotWithdrawn)
                            && !self.withdraw_for(lane, position, word, header)
                        {
                            return false;
                        }
                    }
                    Some(Reference::Linked) if planted(Fault::LinkedBlockTaken) => {}
                    Some(Reference::Linked) | None => return false,
                }
                self.take(lane, location, header)
            }
            BlockState::Free => {
                // Freed, and died before it was hinted at.
                if let Some(Kind::Chunk(class)) = self.kind_of(location) {
                    self.hint_chunk(location, class);
                }
                false
            }
            BlockState::Orphan => self.adopt_at(location, lane),
            _ => false,
        }
    }

    /// Withdraws a dead lane's uncommitted word, under the name that the dead lane's own record gives it: the word
    /// may be a later incarnation's, placed by somebody else since the header was loaded.
    fn withdraw_for(
        &self,
        lane: LaneId,
        position: Position,
        word: SlotWord,
        header: BlockWord,
    ) -> bool {
        self.lane_word(lane, record::NEW).swap(word.bits(), ord::hazard_publish());
        ord::hazard_fence();
        if !self.load_header(word.location()).same_but_pin(header) {
            return false;
        }
        let _ = self.slot(position).compare_exchange(
            word.bits(),
            SlotWord::EMPTY.bits(),
            ord::slot_publish(),
            Ordering::Relaxed,
        );
        true
    }

    /// Frees a block: one CAS on what was seen. A published incarnation ends; a claimed one was never linked.
    fn take(&self, lane: LaneId, location: u64, header: BlockWord) -> bool {
        let published = header.state() == BlockState::Published;
        let taken = !(published && header.is_pinned()) && self.free_seen(location, header, lane);
        // The bit may have been set under this: the holder found the item before it was unlinked.
        taken || (published && self.free_pinned(location, header, lane))
    }

    /// Whether a slot names a published block; `None`: it changed while it was looked at.
    fn reference(&self, location: u64, header: BlockWord) -> Option<Reference> {
        let mut key = Vec::new();
        if !self.copy_key(location, &mut key) || !self.still(location, header) {
            return None;
        }
        let probe = Probe::new(&self.geometry, &key);
        let generation = self.geometry.short_generation_of(header);
        let Some((position, word)) = self.find_location(&probe, location, generation) else {
            return Some(Reference::None);
        };
        if !word.is_tentative() {
            return Some(Reference::Linked);
        }
        let pending = self.is_pending(position, word) && !planted(Fault::PendingWithdrawn);
        // Pending means committed: whoever comes next finishes it. Committed and finished meanwhile: the slot moved on.
        let word_now = SlotWord::from_bits(self.slot(position).load(ord::slot_recheck()));
        if pending || word_now != word {
            return Some(Reference::Linked);
        }
        Some(Reference::Placed(position, word))
    }

    /// A page that a dead lane was changing.
    fn recover_page(&self, lane: LaneId, page: u64) -> u64 {
        let word = self.load_page(page);
        if word.owner() != lane {
            // A run whose item a dead lane retired has its creator in the page word, the dead in the header.
            return u64::from(word.state() == PageState::RunHead && self.recover_run(lane, page));
        }
        match word.state() {
            PageState::Drain if planted(Fault::DrainedPageKept) => 0,
            PageState::Drain => self.undrain(page, word, lane, u64::MAX),
            PageState::Owned => {
                self.release_page(page, word);
                0
            }
            PageState::RunHead => u64::from(self.recover_run(lane, page)),
            PageState::RunTail => {
                // A tail whose head was never made, or is gone.
                let head = page.wrapping_sub(self.run_distance(page));
                let joined = head < page
                    && self.load_page(head).state() == PageState::RunHead
                    && page - head < self.run_length(head);
                if !joined {
                    self.release_page(page, word);
                }
                0
            }
            PageState::Free => {
                self.set_hint(Hint::FreePages, page);
                0
            }
            PageState::Slab => {
                let Some((chunks, _)) = self.chunks(word.class()) else { return 0 };
                // Cut, and died before it was hinted at: its class would never find it.
                self.set_hint(Hint::Members(word.class()), page);
                // Each page that the dead ever cut comes here, and is full as a rule: so many hints that tell nothing would keep an
                // allocation from the page that it cuts for itself, and it would evict beside free memory.
                if self.next_chunk_hint(Chunks::Free, page, 0, chunks).is_some() {
                    self.set_hint(Hint::Partial(word.class()), page);
                }
                0
            }
        }
    }

    fn recover_run(&self, lane: LaneId, head: u64) -> bool {
        let location = self.geometry.page_start(head);
        match self.settled_header(head, location) {
            Some((_, header)) if header.owner() == lane => self.take_named(lane, location),
            _ => false,
        }
    }
}
