//! Choosing victims: a clock hand over each class's chunks, with the use marks as second chances.

use super::allocate::class_state;
use super::{Chunks, Hint, Owned};
use crate::region::Host;
use crate::session::Session;
use crate::sync::Ordering;
use crate::table::{Found, Probe, Removal, SETTLED};
use crate::word::{BlockState, BlockWord, PageState, PageWord};

/// Chunks looked at before the best seen so far must go: bounds an inline eviction.
const VISITS: u64 = if cfg!(loom) { 4 } else { 256 };
/// Chunks that an eviction lets the hand over newcomers look at: a newcomer has time for a tenth of a turn.
const STRIDE: u64 = 10;
/// Of those, items whose marks are looked at before the least used of them is taken.
const SAMPLE: u32 = 24;

impl<'a, H: Host> Session<'a, H> {
    /// Evicts one item of a class and takes its chunk; takes a free chunk if a hand meets one.
    pub(crate) fn evict_chunk(&mut self, class: usize) -> Option<Owned> {
        if !cfg!(loom)
            && let Some(taken) = self.evict_newcomer(class)
        {
            return Some(taken);
        }
        self.evict_settled(class)
    }

    /// Takes the chunk of a newcomer that was not used until this hand came by. Each eviction lets the hand look at a
    /// few chunks only: so a newcomer has time until as many others have gone as are a certain part of its class.
    fn evict_newcomer(&mut self, class: usize) -> Option<Owned> {
        let region = self.region;
        let (chunks, words) = region.chunks(class)?;
        let hand = region.class_word(class, class_state::NEWCOMER_HAND);
        let (mut page, mut chunk) = unpack(hand.load(Ordering::Relaxed));
        let mut left = STRIDE;
        let mut taken = None;
        let mut cut = None;
        while left > 0 && taken.is_none() {
            left -= 1;
            if chunk >= chunks {
                (page, chunk, cut) = (page + 1, 0, None);
            }
            let Some(word) = cut.or_else(|| self.next_page(class, &mut page, &mut chunk)) else {
                break;
            };
            cut = Some(word);
            if word.state() != PageState::Slab || word.class() != class {
                (page, chunk, cut) = (page + 1, 0, None);
                continue;
            }
            let at = chunk;
            chunk += 1;
            let location = region.geometry.page_start(page) + at * words;
            if region.next_chunk_hint(Chunks::Newcomers, page, at, at + 1).is_none() {
                // What is free or waits for nobody has to be met, too.
                taken = match region.header_in(page, word, location) {
                    Some(header) if header.state() == BlockState::Free => {
                        self.claim_chunk(page, word, at)
                    }
                    Some(header) if header.state() == BlockState::Orphan => {
                        self.adopt(location, header)
                    }
                    _ => None,
                };
                continue;
            }
            match self.visit(page, word, location) {
                Visit::Item(0, found) => taken = self.unlink(&found, Removal::Evicted),
                Visit::Dead(found, removal) => taken = self.unlink(&found, removal),
                Visit::Item(mark, found) => {
                    // Used: it has settled.
                    if mark < SETTLED {
                        region.set_mark(found.position, SETTLED);
                    }
                }
                Visit::Free => taken = self.claim_chunk(page, word, at),
                Visit::Orphan(header) => taken = self.adopt(location, header),
                Visit::Nothing => {}
            }
            region.clear_chunk_hint(Chunks::Newcomers, page, at);
        }
        hand.store(pack(page, chunk), Ordering::Relaxed);
        taken
    }

    /// Where a hand goes on: the next page that is hinted to be of a class, and its word.
    fn next_page(&self, class: usize, page: &mut u64, chunk: &mut u64) -> Option<PageWord> {
        let next = self.region.next_hint(Hint::Members(class), *page)?;
        if next != *page {
            (*page, *chunk) = (next, 0);
        }
        Some(self.region.load_page(next))
    }

    /// Takes the chunk of the settled item that is least used of those that the hand meets.
    fn evict_settled(&mut self, class: usize) -> Option<Owned> {
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
                let Some(word) = self.next_page(class, &mut page, &mut chunk) else { break };
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
                Visit::Item(SETTLED, found) => taken = self.unlink(&found, Removal::Evicted),
                Visit::Item(mark, found) if mark < SETTLED => {
                    // The other hand's to judge; it may have come here by a replacement, without a hint.
                    region.set_chunk_hint(Chunks::Newcomers, page, at);
                    if best.is_none() {
                        best = Some((u64::MAX, found));
                    }
                }
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
        taken.or_else(|| best.and_then(|(_, found)| self.unlink(&found, Removal::Evicted)))
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

    /// Makes room in a full set: the least used committed item of both buckets goes. Marks and slots are at hand; of the items
    /// only the one that is chosen is looked at.
    pub(crate) fn pick_victim(&mut self, probe: &Probe) -> Option<Found<'a>> {
        let region = self.region;
        let mut by_use: [_; 2 * crate::layout::SLOTS] = core::array::from_fn(|at| {
            let position = probe.position(at);
            (region.mark(position), at)
        });
        by_use.sort_unstable();
        by_use.into_iter().find_map(|(_, at)| region.committed_at(probe.position(at)))
    }

    /// Evicts one item of a class, if one may go, and frees its chunk: a step of the evictor, for models.
    #[cfg(loom)]
    pub fn evict_one(&mut self, class: usize) {
        if let Some(owned) = self.evict_chunk(class) {
            self.free_block(owned, true);
        }
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

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::{Fixture, Still, plain};
    use crate::layout::Identity;
    use crate::{IntoVec, Lane, Region, Session};

    fn set(region: &Region, lane: &mut Lane, number: u64) {
        let request = plain(&[7; 200], None);
        let stored = Session::new(region, lane, &Still).set(&number.to_le_bytes(), &request);
        stored.expect("there is room");
    }

    fn is_there(region: &Region, number: u64) -> bool {
        let mut sink = IntoVec(&mut Vec::new());
        matches!(region.get_quickly(&Still, &number.to_le_bytes(), &mut sink), Some(Some(())))
    }

    #[test]
    fn what_nobody_asks_for_again_does_not_displace_what_was_used() {
        const HOT: u64 = 1_500;
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        for number in 0..HOT {
            set(region, &mut lane, number);
            assert!(is_there(region, number));
        }
        for number in HOT..6 * HOT {
            set(region, &mut lane, number);
        }
        let left = (0..HOT).filter(|&number| is_there(region, number)).count();
        assert!(left > 1_000, "{left} of {HOT}");
    }

    #[test]
    fn who_comes_back_soon_stays() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        const KEYS: u64 = 4_000;
        for number in 0..KEYS {
            set(region, &mut lane, number);
        }
        let back: Vec<u64> = (0..KEYS).rev().filter(|&n| !is_there(region, n)).take(100).collect();
        assert_eq!(back.len(), 100, "more were set than there is room for");
        for &number in &back {
            set(region, &mut lane, number);
        }
        for number in KEYS..3 * KEYS {
            set(region, &mut lane, number);
        }
        let left = back.iter().filter(|&&number| is_there(region, number)).count();
        let others = (KEYS..KEYS + 100).filter(|&number| is_there(region, number)).count();
        assert!(left > 50 && others < 20, "{left} and {others} of 100");
    }
}
