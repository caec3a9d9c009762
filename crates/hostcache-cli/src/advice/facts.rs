//! What the rules go by.

use std::time::Duration;

use hostcache::{Cache, ClassInfo, Stats};

use super::rules::GOOD_HIT_RATIO;
use crate::command::ps::{self, Participant};
use crate::figures::hit_ratio;
use crate::units;

/// A region at one moment, and what happened up to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// What was typed after `hostcache VERB`, to be typed again.
    pub(crate) region: String,
    /// Gauges of the moment, counters over `period`.
    pub(crate) stats: Stats,
    /// How long the counters counted.
    pub(crate) period: Duration,
    pub(crate) index_slots: u64,
    pub(crate) participant_slots: u64,
    pub(crate) capacity: u64,
    /// Bytes that the filesystem has allocated.
    pub(crate) allocated_bytes: u64,
    pub(crate) participants: Vec<Participant>,
    /// Empty where no rule could need them: looking at all of them takes a while in a large region.
    pub(crate) classes: Vec<ClassInfo>,
    /// Whether a daemon leads; `None` where that can't be told.
    pub(crate) is_led: Option<bool>,
}

impl Facts {
    /// Counters over the region's whole life.
    pub(crate) fn of(cache: &Cache, region: &str) -> Self {
        let info = cache.info();
        let stats = cache.stats();
        let may_be_small =
            stats.evictions > 0 && hit_ratio(&stats).is_some_and(|ratio| ratio < GOOD_HIT_RATIO);
        let classes = if may_be_small { cache.slab_classes() } else { Vec::new() };
        let now = Duration::from_millis(units::unix_ms());
        Self {
            region: region.to_owned(),
            stats,
            classes,
            period: now.saturating_sub(Duration::from_secs(info.created_unix_secs)),
            index_slots: info.index_slots,
            participant_slots: info.participant_slots.into(),
            capacity: info.capacity,
            allocated_bytes: info.allocated_bytes,
            participants: ps::participants(cache),
            is_led: cache.is_led().ok(),
        }
    }

    /// Counters since an earlier look at the same region.
    pub(crate) fn since(mut self, earlier: &Stats, period: Duration) -> Self {
        let now = &mut self.stats;
        for (counter, before) in [
            (&mut now.get_hits, earlier.get_hits),
            (&mut now.get_misses, earlier.get_misses),
            (&mut now.get_expired, earlier.get_expired),
            (&mut now.get_contended, earlier.get_contended),
            (&mut now.cmd_set, earlier.cmd_set),
            (&mut now.delete_hits, earlier.delete_hits),
            (&mut now.delete_misses, earlier.delete_misses),
            (&mut now.evictions, earlier.evictions),
            (&mut now.inline_evictions, earlier.inline_evictions),
            (&mut now.expired, earlier.expired),
            (&mut now.no_room, earlier.no_room),
        ] {
            // Sums that are read while others count may step back a little.
            *counter = counter.saturating_sub(before);
        }
        self.period = period;
        self
    }
}
