//! Allocation: magazine, hinted chunks, free pages, eviction, pages of other classes, the dead. In this order.

use super::policy::quantum;
use super::{Chunks, Hint, Owned};
use crate::fault::{Fault, planted};
use crate::layout::CLASS_WORDS;
use crate::participant::{Counter, Entry, Held};
use crate::region::{Host, Region};
use crate::session::{Failure, Session};
use crate::sync::{AtomicU64, Ordering};
use crate::word::PageState;

/// Words of a class's state.
pub(crate) mod class_state {
    /// Hand of the evictor: `| page 32 | chunk 32 |`.
    pub(crate) const HAND: u64 = 0;
    /// Evictions since the class was last compared with the others.
    pub(crate) const PRESSURE: u64 = if cfg!(loom) { 0 } else { 1 };
    /// Blocks taken from outside a magazine, ever.
    pub(crate) const TAKEN: u64 = if cfg!(loom) { 0 } else { 2 };
    /// The same when the daemon last looked: the difference tells which classes are active.
    pub(crate) const TAKEN_SEEN: u64 = if cfg!(loom) { 0 } else { 3 };
    /// What all had taken when counting for comparisons began.
    pub(crate) const WATCHED_SINCE: u64 = if cfg!(loom) { 0 } else { 4 };
    /// What this one had taken then.
    pub(crate) const WATCHED_TAKEN: u64 = if cfg!(loom) { 0 } else { 5 };
    /// Hand over newcomers, as the other.
    pub(crate) const NEWCOMER_HAND: u64 = if cfg!(loom) { 0 } else { 6 };
    /// Of runs: when the last was taken.
    pub(crate) const LAST: u64 = if cfg!(loom) { 0 } else { 7 };
    /// Evictions, ever.
    pub(crate) const EVICTED: u64 = if cfg!(loom) { 0 } else { 8 };
    /// Of those, how many there were when the age was last told.
    pub(crate) const TURN_FROM: u64 = if cfg!(loom) { 0 } else { 9 };
    /// When that was, in milliseconds since boot.
    pub(crate) const TURN_AT: u64 = if cfg!(loom) { 0 } else { 10 };
    /// Age of what is evicted, a moving average in milliseconds; 0: unknown.
    pub(crate) const AGE: u64 = if cfg!(loom) { 0 } else { 11 };
}

/// Blocks claimed at once.
const BATCH: usize = if cfg!(loom) { 1 } else { 8 };
/// Words of due times looked at before a batch of evictions: four lines.
const DUE_WORDS: u64 = 32;
/// Hinted pages looked at before something else is tried.
const PAGES_TRIED: usize = 64;
/// Blocks set aside before giving up: a lane names two at most, so few can be named.
const SET_ASIDE: usize = 64;

impl Region {
    pub(crate) fn class_word(&self, class: usize, at: u64) -> &AtomicU64 {
        self.word(self.geometry.classes_at + class as u64 * CLASS_WORDS + at)
    }

    /// Counts blocks taken from outside a magazine.
    pub(super) fn count_taken(&self, share: usize, blocks: u64) {
        if !cfg!(loom) {
            self.class_word(share, class_state::TAKEN).fetch_add(blocks, Ordering::Relaxed);
        }
    }
}

impl<H: Host> Session<'_, H> {
    /// A block of at least so many words, ready to be filled and linked.
    ///
    /// Lock-free: evicts if it must; fails only if what is left is held by others.
    #[inline]
    pub(crate) fn allocate(&mut self, words: u64) -> Result<Owned, Failure> {
        let class = self.region.geometry.classes.class_of(words);
        for _ in 0..SET_ASIDE {
            let owned = match class {
                Some(class) => self.allocate_chunk(class),
                None => self.allocate_run(words.div_ceil(self.region.geometry.shape.page_words)),
            };
            let owned = owned.ok_or(Failure::NoRoom)?;
            if self.may_link(&owned) {
                return Ok(owned);
            }
            // Set aside: free, but found only by those who walk.
            self.free_block(owned, false);
        }
        Err(Failure::NoRoom)
    }

    /// A block of at least so many words that the magazine lends, ready to be filled and linked.
    #[inline(always)]
    pub(crate) fn block_at_hand(&mut self, words: u64) -> Option<Held> {
        let geometry = &self.region.geometry;
        let held = self.lane.magazine.lend(geometry.classes.class_of(words)?)?;
        // Where the short generation begins anew the long way looks who expects it.
        if geometry.short_generation(held.generation) == 0 {
            self.lane.magazine.give_for_lent(held);
            return None;
        }
        Some(held)
    }

    /// What was lent is gone, and no block of its class came back: what came instead, if anything, is put back, and the entry
    /// of what was lent is done with if it names nothing else.
    #[cold]
    #[inline(never)]
    pub(crate) fn settle_lent(&mut self, class: u32, entry: Entry, came: Option<Owned>) {
        let words = self.region.geometry.classes.chunk_words(class as usize).unwrap_or_default();
        self.lane.magazine.keep_lent(words * 8);
        match came {
            Some(owned) => self.put_back(owned),
            None => self.vacate_entry(entry),
        }
    }

    /// Invariant HAZARD: where the short generation begins anew, nobody may still expect an older word.
    #[inline]
    pub(crate) fn may_link(&self, owned: &Owned) -> bool {
        planted(Fault::LinkedWithoutScan)
            || self.region.geometry.short_generation(owned.generation) != 0
            || !self.region.is_named(owned.location, owned.location + 1, self.lane.id)
    }

    #[inline]
    fn allocate_chunk(&mut self, class: usize) -> Option<Owned> {
        let bytes = self.region.geometry.classes.chunk_words(class)? * 8;
        if let Some(held) = self.lane.magazine.take(class, bytes) {
            return Some(held.into());
        }
        self.allocate_shared(class, bytes)
    }

    #[cold]
    fn allocate_shared(&mut self, class: usize, chunk_bytes: u64) -> Option<Owned> {
        let region = self.region;
        if !self.lane.magazine.has_room(chunk_bytes, u64::MAX) {
            // All entries hold blocks of other classes.
            self.flush_magazine();
        }
        for round in 0..3 {
            let held = self.lane.magazine.held();
            if let Some(owned) = self.refill(class, chunk_bytes) {
                let more = self.lane.magazine.held().saturating_sub(held) as u64;
                region.count_taken(class, 1 + more);
                return Some(owned);
            }
            if let Some((page, word)) = self.take_free_page() {
                self.cut_page(page, word, class);
                continue;
            }
            if round == 0 {
                self.tally(Counter::InlineEvictions, 1);
            }
            // What has expired goes before anything that lives.
            if round == 0
                && self.expire_some(DUE_WORDS, 1).items > 0
                && let Some(owned) = self.refill(class, chunk_bytes)
            {
                return Some(owned);
            }
            if self.is_due(class) && self.gain_page(class) {
                continue;
            }
            if let Some(owned) = self.evict_for(class) {
                // A few more at once: what was looked at on the way here need not be looked at again for each.
                let held = self.lane.magazine.held();
                while self.wants_more(chunk_bytes, region.geometry.magazine_bytes())
                    && let Some(more) = self.evict_for(class)
                {
                    self.put_back(more);
                }
                let more = self.lane.magazine.held().saturating_sub(held) as u64;
                region.count_taken(class, 1 + more);
                return Some(owned);
            }
            if self.steal_page(class) {
                continue;
            }
            if round < 2 {
                self.recover_dead();
                self.flush_magazine();
            }
        }
        self.refill(class, chunk_bytes).or_else(|| self.evict_chunk(class))
    }

    /// Claims a batch of hinted chunks: one to use, the others into the magazine.
    pub(super) fn refill(&mut self, class: usize, chunk_bytes: u64) -> Option<Owned> {
        let region = self.region;
        let (chunks, _) = region.chunks(class)?;
        let limit = region.geometry.magazine_bytes();
        let mut first: Option<Owned> = None;
        let mut page_from = 0;
        for _ in 0..PAGES_TRIED {
            let Some(page) = region.next_hint(Hint::Partial(class), page_from) else { break };
            if page < page_from {
                break;
            }
            page_from = page + 1;
            let cut = region.load_page(page);
            if cut.state() == PageState::Slab && cut.class() == class {
                let mut chunk_from = 0;
                while let Some(chunk) =
                    region.next_chunk_hint(Chunks::Free, page, chunk_from, chunks)
                {
                    chunk_from = chunk + 1;
                    let claimed = self.claim_chunk(page, cut, chunk);
                    region.clear_chunk_hint(Chunks::Free, page, chunk);
                    match (claimed, &first) {
                        (Some(owned), None) => first = Some(owned),
                        (Some(owned), Some(_)) => self.put_back(owned),
                        (None, _) => {}
                    }
                    if first.is_some() && !self.wants_more(chunk_bytes, limit) {
                        return first;
                    }
                }
            }
            region.clear_hint(Hint::Partial(class), page);
            // A chunk that was freed just now may have set its bit before this page's was cleared.
            if region.next_chunk_hint(Chunks::Free, page, 0, chunks).is_some() {
                region.set_hint(Hint::Partial(class), page);
            }
            if first.is_some() {
                break;
            }
        }
        first
    }

    fn wants_more(&self, chunk_bytes: u64, limit: u64) -> bool {
        self.lane.magazine.held() < BATCH && self.lane.magazine.has_room(chunk_bytes, limit)
    }

    /// Whether the class has evicted so much that it should be compared with the others.
    pub(super) fn is_due(&self, class: usize) -> bool {
        let Some((chunks, _)) = self.region.chunks(class) else { return false };
        let pressure = self.region.class_word(class, class_state::PRESSURE);
        !cfg!(loom) && pressure.load(Ordering::Relaxed) >= quantum(chunks)
    }

    /// Evicts one item of a class to make room for another.
    pub(super) fn evict_for(&mut self, class: usize) -> Option<Owned> {
        let taken = self.evict_chunk(class)?;
        if !cfg!(loom) {
            self.region.class_word(class, class_state::PRESSURE).fetch_add(1, Ordering::Relaxed);
        }
        Some(taken)
    }

    /// Empties some page of another class, or a run, and cuts it for this class, which has none.
    fn steal_page(&mut self, class: usize) -> bool {
        let region = self.region;
        if !cfg!(loom) && self.claim_page(class) {
            return true;
        }
        let hand = region.word(crate::layout::live::RUN_HAND);
        for _ in 0..region.geometry.pages.min(256) {
            let page = hand.fetch_add(1, Ordering::Relaxed) % region.geometry.pages;
            let word = region.load_page(page);
            if word.state() == PageState::Slab && word.class() == class {
                continue;
            }
            if let Some(owned) = self.empty_page(page) {
                self.cut_page(page, owned, class);
                return true;
            }
        }
        false
    }
}
