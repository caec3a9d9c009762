//! Hint bitmaps: where to look first. A lost or stale bit costs time, never memory or correctness: walkers that
//! meet a free chunk take it whatever the hints say.

use crate::layout::Geometry;
use crate::region::Region;
use crate::sync::Ordering;

/// A bitmap over pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Pages cut for a class.
    Members(usize),
    /// Of those, pages with a free chunk.
    Partial(usize),
    /// Free pages.
    FreePages,
    /// Pages of runs.
    Runs,
}

/// What a bitmap over a page's chunks hints at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunks {
    /// Free ones.
    Free,
    /// Those with an item that has not settled.
    Newcomers,
}

impl Hint {
    fn start(self, geometry: &Geometry) -> u64 {
        let bitmap = match self {
            Hint::Members(class) => 2 * class,
            Hint::Partial(class) => 2 * class + 1,
            Hint::FreePages => 2 * geometry.classes.len(),
            Hint::Runs => 2 * geometry.classes.len() + 1,
        };
        geometry.hints_at + bitmap as u64 * geometry.hint_words
    }
}

impl Region {
    pub(crate) fn set_hint(&self, hint: Hint, page: u64) {
        let word = self.word(hint.start(&self.geometry) + page / 64);
        let bit = 1 << (page % 64);
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    pub(crate) fn clear_hint(&self, hint: Hint, page: u64) {
        let word = self.word(hint.start(&self.geometry) + page / 64);
        word.fetch_and(!(1 << (page % 64)), Ordering::Relaxed);
    }

    /// The next hinted page from `from` on, going round once.
    pub(crate) fn next_hint(&self, hint: Hint, from: u64) -> Option<u64> {
        let start = hint.start(&self.geometry);
        let words = self.geometry.pages.div_ceil(64);
        let from = from % self.geometry.pages;
        let first = from / 64;
        for step in 0..=words {
            let at = (first + step) % words;
            let mut bits = self.word(start + at).load(Ordering::Relaxed);
            if step == 0 {
                bits &= u64::MAX << (from % 64);
            } else if step == words {
                bits &= !(u64::MAX << (from % 64));
            }
            if bits != 0 {
                let page = at * 64 + u64::from(bits.trailing_zeros());
                // A damaged bitmap may name pages beyond the end.
                if page < self.geometry.pages {
                    return Some(page);
                }
            }
        }
        None
    }

    /// How many pages are hinted.
    pub(crate) fn count_hints(&self, hint: Hint) -> u64 {
        let start = hint.start(&self.geometry);
        (0..self.geometry.pages.div_ceil(64))
            .map(|at| self.word(start + at).load(Ordering::Relaxed))
            // Most bitmaps are nearly empty, and counting bits is slow where the processor is not asked for it.
            .filter(|&bits| bits != 0)
            .map(|bits| u64::from(bits.count_ones()))
            .sum()
    }

    fn chunk_hint_at(&self, of: Chunks, page: u64, chunk: u64) -> u64 {
        let behind = match of {
            Chunks::Free => 0,
            Chunks::Newcomers => self.geometry.pages,
        };
        self.geometry.chunk_hints_at + (behind + page) * self.geometry.chunk_hint_words + chunk / 64
    }

    pub(crate) fn set_chunk_hint(&self, of: Chunks, page: u64, chunk: u64) {
        let word = self.word(self.chunk_hint_at(of, page, chunk));
        word.fetch_or(1 << (chunk % 64), Ordering::Relaxed);
    }

    pub(crate) fn clear_chunk_hint(&self, of: Chunks, page: u64, chunk: u64) {
        let word = self.word(self.chunk_hint_at(of, page, chunk));
        word.fetch_and(!(1 << (chunk % 64)), Ordering::Relaxed);
    }

    /// The next hinted chunk of a page from `from` on, below `end`.
    pub(crate) fn next_chunk_hint(
        &self,
        of: Chunks,
        page: u64,
        from: u64,
        end: u64,
    ) -> Option<u64> {
        let mut chunk = from;
        while chunk < end {
            let bits = self.word(self.chunk_hint_at(of, page, chunk)).load(Ordering::Relaxed);
            let bits = bits & (u64::MAX << (chunk % 64));
            if bits != 0 {
                let found = chunk / 64 * 64 + u64::from(bits.trailing_zeros());
                return (found < end).then_some(found);
            }
            chunk = (chunk / 64 + 1) * 64;
        }
        None
    }

    /// How many chunks of a page are hinted.
    pub(crate) fn count_chunk_hints(&self, of: Chunks, page: u64) -> u64 {
        (0..self.geometry.chunk_hint_words)
            .map(|at| self.word(self.chunk_hint_at(of, page, at * 64)).load(Ordering::Relaxed))
            .map(|bits| u64::from(bits.count_ones()))
            .sum()
    }

    /// Hints at the chunk of an item that nobody has used yet.
    #[cfg(not(loom))]
    pub(crate) fn hint_newcomer(&self, location: u64) {
        let Some(page) = self.geometry.page_of(location) else { return };
        let Some((_, words)) = self.chunks(self.load_page(page).class()) else { return };
        let chunk = (location - self.geometry.page_start(page)) / words;
        self.set_chunk_hint(Chunks::Newcomers, page, chunk);
    }

    /// Models have no newcomers.
    #[cfg(loom)]
    pub(crate) fn hint_newcomer(&self, _: u64) {}

    /// Hints at all chunks of a page that was just cut, or at none.
    pub(crate) fn reset_chunk_hints(&self, page: u64, chunks: u64) {
        for at in 0..self.geometry.chunk_hint_words {
            let left = chunks.saturating_sub(at * 64);
            let bits = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
            self.word(self.chunk_hint_at(Chunks::Free, page, at * 64))
                .store(bits, Ordering::Relaxed);
            if !cfg!(loom) {
                self.word(self.chunk_hint_at(Chunks::Newcomers, page, at * 64))
                    .store(0, Ordering::Relaxed);
            }
        }
    }
}
