//! Choosing victims: a clock hand over each class's chunks, with the use marks as second chances.

use super::allocate::class_state;
use super::{Hint, Owned};
use crate::fuel::Fuel;
use crate::region::Host;
use crate::session::Session;
use crate::sync::Ordering;
use crate::table::{Found, Probe, Removal};
use crate::word::{BlockState, BlockWord, PageState, PageWord};

/// Chunks looked at before the best seen so far must go: bounds an inline eviction.
const VISITS: u64 = if cfg!(loom) { 4 } else { 256 };
/// Of those, items whose marks are looked at before the least used of them is taken.
const SAMPLE: u32 = 24;

impl<'a, H: Host> Session<'a, H> {
    /// Evicts one item of a class and takes its chunk; takes a free chunk if the hand meets one.
    pub(crate) fn evict_chunk(&mut self, class: usize) -> Option<Owned> {
        let region = self.region;
        let (chunks, words) = region.chunks(class)?;
        let hand = region.class_word(class, class_state::HAND);
        let (mut page, mut chunk) = unpack(hand.load(Ordering::Relaxed));
        let mut best: Option<(u64, Found)> = None;
        let mut sampled = 0;
        let mut visits = 0;
        let mut taken = None;
        let mut cut = None;
        while visits < VISITS {
            if chunk >= chunks || cut.is_none() {
                if chunk >= chunks {
                    (page, chunk) = (page + 1, 0);
                }
                let Some(next) = region.next_hint(Hint::Members(class), page) else { break };
                if next != page {
                    (page, chunk) = (next, 0);
                }
                let word = region.load_page(page);
                visits += 1;
                if word.state() != PageState::Slab || word.class() != class {
                    region.clear_hint(Hint::Members(class), page);
                    (page, chunk) = (page + 1, 0);
                    continue;
                }
                cut = Some(word);
            }
            let Some(word) = cut else { break };
            visits += 1;
            let at = chunk;
            let location = region.geometry.page_start(page) + at * words;
            chunk += 1;
            if chunk >= chunks {
                cut = None;
            }
            match self.visit(page, word, location) {
                Visit::Free => taken = self.claim_chunk(page, word, at),
                Visit::Orphan(header) => taken = self.adopt(location, header),
                Visit::Dead(found, removal) => taken = self.unlink(&found, removal),
                Visit::Item(0, found) => taken = self.unlink(&found, Removal::Evicted),
                Visit::Item(mark, found) => {
                    region.lower_mark(found.position);
                    if best.as_ref().is_none_or(|(least, _)| mark < *least) {
                        best = Some((mark, found));
                    }
                    sampled += 1;
                }
                Visit::Nothing => {}
            }
            if taken.is_some() || sampled >= SAMPLE {
                break;
            }
        }
        hand.store(pack(page, chunk), Ordering::Relaxed);
        let taken =
            taken.or_else(|| best.and_then(|(_, found)| self.unlink(&found, Removal::Evicted)));
        taken
    }

    pub(super) fn visit(&mut self, page: u64, cut: PageWord, location: u64) -> Visit<'a> {
        let region = self.region;
        let Some(header) = region.header_in(page, cut, location) else { return Visit::Nothing };
        match header.state() {
            BlockState::Free => Visit::Free,
            // An item that is held would end and give no memory.
            BlockState::Published if header.is_pinned() && region.is_pinned(location) => {
                Visit::Nothing
            }
            BlockState::Published => {
                let Some(found) = self.locate(location, header) else { return Visit::Nothing };
                match self.end_of(&found) {
                    Some(removal) => Visit::Dead(found, removal),
                    None => Visit::Item(region.mark(found.position), found),
                }
            }
            BlockState::Orphan => Visit::Orphan(header),
            BlockState::Claimed => Visit::Nothing,
        }
    }

    /// Finds the slot that names a published block.
    pub(crate) fn locate(&mut self, location: u64, header: BlockWord) -> Option<Found<'a>> {
        let region = self.region;
        let key = &mut self.lane.scratch;
        let whole = region.copy_key(location, key) && region.still(location, header);
        let probe = whole.then(|| Probe::new(&region.geometry, key));
        let generation = region.geometry.short_generation_of(header);
        let (position, word) = region.find_location(&probe?, location, generation)?;
        region.found_at(position, word, header)
    }

    /// Why an item is dead, if it is. Counts as [`end_at`](crate::region::Region::end_at) does.
    #[inline]
    pub(crate) fn end_of(&self, found: &Found) -> Option<Removal> {
        self.region.end_at(self.host, found, self.region.epoch())
    }

    /// Makes room in a full set: the least used committed item of both buckets goes.
    pub(crate) fn pick_victim(&mut self, probe: &Probe) -> Option<Found<'a>> {
        let region = self.region;
        let mut best: Option<(u64, Found)> = None;
        for at in 0..2 * crate::layout::SLOTS {
            let position = probe.position(at);
            let Some(found) = region.committed_at(position) else { continue };
            let mark = if self.end_of(&found).is_some() { 0 } else { 1 + region.mark(position) };
            if best.as_ref().is_none_or(|(least, _)| mark < *least) {
                best = Some((mark, found));
            }
        }
        best.map(|(_, found)| found)
    }

    /// Evicts one item of a class, if one may go, and frees its chunk: a step of the evictor, for models.
    #[cfg(loom)]
    pub fn evict_one(&mut self, class: usize) {
        if let Some(owned) = self.evict_chunk(class) {
            self.free_block(owned, true);
        }
    }

    /// Evicts ahead of need: frees chunks of classes that are allocating while nothing is free.
    pub fn evict_ahead(&mut self, budget: u32) -> u64 {
        let region = self.region;
        if region.next_hint(Hint::FreePages, 0).is_some() {
            return 0;
        }
        let mut evicted = 0;
        for class in 0..region.geometry.classes.len() {
            let taken = region.class_word(class, class_state::TAKEN).load(Ordering::Relaxed);
            let seen = region.class_word(class, class_state::TAKEN_SEEN);
            let active = taken.wrapping_sub(seen.swap(taken, Ordering::Relaxed));
            // As many as were taken since the last look, at most a hundredth of the class.
            let Some((chunks, _)) = region.chunks(class) else { continue };
            let held = region.count_hints(Hint::Members(class)) * chunks;
            let wanted = active.min(held / 100).min(u64::from(budget).saturating_sub(evicted));
            if region.next_hint(Hint::Partial(class), 0).is_some() {
                continue;
            }
            let mut fuel = Fuel::operation();
            for _ in 0..wanted {
                if fuel.burn().is_err() || self.is_due(class) && self.gain_page(class) {
                    break;
                }
                let Some(owned) = self.evict_for(class) else { break };
                self.free_block(owned, true);
                evicted += 1;
            }
        }
        evicted
    }
}

/// What the hand meets.
pub(super) enum Visit<'a> {
    Nothing,
    Free,
    Orphan(BlockWord),
    Dead(Found<'a>, Removal),
    Item(u64, Found<'a>),
}

fn pack(page: u64, chunk: u64) -> u64 {
    page << 32 | (chunk & 0xffff_ffff)
}

fn unpack(word: u64) -> (u64, u64) {
    (word >> 32, word & 0xffff_ffff)
}
