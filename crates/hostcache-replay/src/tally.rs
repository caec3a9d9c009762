//! What a replay counts, by phase, and how processes hand their counts to their parent.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

/// The counts of one phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PhaseTally {
    pub(crate) gets: u64,
    pub(crate) misses: u64,
    /// Bytes of key and value that the gets asked for.
    pub(crate) get_bytes: u64,
    /// The same over those that missed.
    pub(crate) missed_bytes: u64,
}

/// Words of one [`PhaseTally`] in shared memory.
const PHASE_WORDS: usize = 4;

impl PhaseTally {
    #[inline]
    pub(crate) fn count_get(&mut self, size: u32, hit: bool) {
        self.gets += 1;
        self.get_bytes += u64::from(size);
        if !hit {
            self.misses += 1;
            self.missed_bytes += u64::from(size);
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.gets += other.gets;
        self.misses += other.misses;
        self.get_bytes += other.get_bytes;
        self.missed_bytes += other.missed_bytes;
    }

    fn words(&self) -> [u64; PHASE_WORDS] {
        [self.gets, self.misses, self.get_bytes, self.missed_bytes]
    }
}

/// All that one process counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    /// By position in the trace's phases.
    pub(crate) phases: Vec<PhaseTally>,
    /// Sets that failed.
    pub(crate) set_errors: u64,
}

impl Tally {
    pub(crate) fn new(phases: usize) -> Self {
        Self { phases: vec![PhaseTally::default(); phases], set_errors: 0 }
    }

    pub(crate) fn total(&self) -> PhaseTally {
        let mut total = PhaseTally::default();
        self.phases.iter().for_each(|phase| total.add(phase));
        total
    }

    /// Words that a tally of so many phases takes in shared memory.
    pub(crate) fn shared_words(phases: usize) -> usize {
        1 + phases * PHASE_WORDS
    }

    /// Writes the counts into shared memory; the reader reads them after the writer's end.
    pub(crate) fn publish(&self, words: &[AtomicU64]) {
        let values = self.phases.iter().flat_map(PhaseTally::words);
        for (word, value) in words.iter().zip([self.set_errors].into_iter().chain(values)) {
            // Release: pairs with `add_published`.
            word.store(value, Release);
        }
    }

    /// Adds what another process published.
    pub(crate) fn add_published(&mut self, words: &[AtomicU64]) {
        // Acquire: pairs with `publish`.
        let Some((set_errors, phases)) = words.split_first() else { return };
        self.set_errors += set_errors.load(Acquire);
        for (phase, words) in self.phases.iter_mut().zip(phases.chunks_exact(PHASE_WORDS)) {
            phase.add(&PhaseTally {
                gets: words[0].load(Acquire),
                misses: words[1].load(Acquire),
                get_bytes: words[2].load(Acquire),
                missed_bytes: words[3].load(Acquire),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::SharedArray;

    #[test]
    fn published_tallies_add_up() {
        let mut one = Tally::new(3);
        one.phases[0].count_get(100, false);
        one.phases[2].count_get(50, true);
        one.set_errors = 2;
        let words = SharedArray::new(Tally::shared_words(3)).expect("map");
        one.publish(&words);
        let mut sum = Tally::new(3);
        sum.add_published(&words);
        assert_eq!(sum, one);
        sum.add_published(&words);
        let total = PhaseTally { gets: 4, misses: 2, get_bytes: 300, missed_bytes: 200 };
        assert_eq!((sum.total(), sum.set_errors), (total, 4));
    }
}
