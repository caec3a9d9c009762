//! A session: one thread, in one operation, with what it needs.

use crate::fuel::Exhausted;
use crate::participant::{self, Counter, Lane, Record};
use crate::region::Region;
use crate::sync::AtomicU64;

/// A lane at work on a region.
#[derive(Debug)]
pub struct Session<'a, H> {
    pub(crate) region: &'a Region,
    pub(crate) lane: &'a mut Lane,
    pub(crate) host: &'a H,
    /// The lane's record.
    pub(crate) record: &'a Record,
}

impl<'a, H> Session<'a, H> {
    /// Puts the three together.
    #[inline(always)]
    pub fn new(region: &'a Region, lane: &'a mut Lane, host: &'a H) -> Self {
        let record = lane.record(region);
        Self { region, lane, host, record }
    }

    /// A word of the lane's record.
    #[inline(always)]
    pub(crate) fn record_word(&self, at: u64) -> &'a AtomicU64 {
        if cfg!(loom) {
            // Each access by itself, so that the thread may die before it.
            return self.region.lane_word(self.lane.id, at);
        }
        &self.record[at as usize]
    }

    /// Counts.
    #[inline(always)]
    pub(crate) fn tally(&self, counter: Counter, by: u64) {
        participant::add(self.record, counter, by);
    }

    /// Counts a store that is refused.
    #[cold]
    pub(crate) fn refuse(&self, failure: Failure) -> Failure {
        if failure == Failure::NoRoom {
            self.tally(Counter::NoRoom, 1);
        }
        failure
    }
}

/// Why a write did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No memory could be freed.
    NoRoom,
    /// A step bound was met: the region contradicts itself.
    Damaged,
    /// The value is not a number.
    NotANumber,
    /// The value would become longer than the region takes.
    TooLarge {
        /// Bytes that it would have.
        len: u64,
        /// The most it may have.
        limit: u64,
    },
}

impl From<Exhausted> for Failure {
    fn from(_: Exhausted) -> Self {
        Self::Damaged
    }
}
