//! What a replay by one process or by several comes to, before it is put into words.

use std::time::Duration;

use hostcache::{Cache, Stats};

use crate::tally::Tally;

/// Figures of a finished replay, taken while the region still exists.
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// From the first request's start to the last one's end.
    pub(crate) span: Duration,
    /// Growth of anonymous memory, over all processes.
    pub(crate) heap_bytes: u64,
    /// Bytes that the filesystem has allocated for the region.
    pub(crate) region_bytes: u64,
    pub(crate) stats: Stats,
    /// What the first set that failed said.
    pub(crate) first_set_error: Option<String>,
}

impl Outcome {
    pub(crate) fn new(
        cache: &Cache,
        tally: Tally,
        span: Duration,
        heap_bytes: u64,
        first_set_error: Option<String>,
    ) -> Self {
        Self {
            tally,
            span,
            heap_bytes,
            region_bytes: cache.info().allocated_bytes,
            stats: cache.stats(),
            first_set_error,
        }
    }
}
