//! What the rules go by.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hostcache::{Cache, Stats};

use crate::command::ps;

/// One participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) command: String,
    /// As `ps` says it: `alive`, `stopped`, `dead`.
    pub(crate) state: &'static str,
    pub(crate) held_bytes: u64,
}

/// A region at one moment, and what happened up to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// What to type after `hostcache VERB`.
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
    pub(crate) holders: Vec<Holder>,
    /// Whether a daemon leads; `None` where that can't be told.
    pub(crate) is_led: Option<bool>,
}

impl Facts {
    /// Counters over the region's whole life.
    pub(crate) fn of(cache: &Cache) -> Self {
        let info = cache.info();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let holders = cache.participants().into_iter().map(|one| Holder {
            state: ps::state(&one),
            pid: one.pid,
            command: one.command,
            held_bytes: one.held_bytes,
        });
        Self {
            region: cache.name().to_owned(),
            stats: cache.stats(),
            period: now.saturating_sub(Duration::from_secs(info.created_unix_secs)),
            index_slots: info.index_slots,
            participant_slots: info.participant_slots.into(),
            capacity: info.capacity,
            allocated_bytes: info.allocated_bytes,
            holders: holders.collect(),
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
            (&mut now.evictions, earlier.evictions),
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
