//! A region at one moment, and what happened between two.

use std::time::Instant;

use hostcache::{Cache, ClassInfo, Stats};
use serde::Serialize;

use crate::advice::Facts;
use crate::figures::hit_ratio;

/// Everything that changes.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    at: Instant,
    pub(crate) facts: Facts,
    pub(crate) classes: Vec<ClassInfo>,
}

impl Look {
    pub(crate) fn at(cache: &Cache) -> Self {
        Self { at: Instant::now(), facts: Facts::of(cache), classes: cache.slab_classes() }
    }

    pub(crate) fn stats(&self) -> &Stats {
        &self.facts.stats
    }

    /// The rates since an earlier look.
    pub(crate) fn rates_since(&self, earlier: &Self) -> Rates {
        Rates::between(earlier.stats(), self.stats(), self.seconds_since(earlier))
    }

    /// What the rules of advice go by: what happened since an earlier look.
    pub(crate) fn facts_since(&self, earlier: &Self) -> Facts {
        let passed = self.at.saturating_duration_since(earlier.at);
        self.facts.clone().since(earlier.stats(), passed)
    }

    fn seconds_since(&self, earlier: &Self) -> f64 {
        self.at.saturating_duration_since(earlier.at).as_secs_f64()
    }
}

/// What happened in one interval, per second; items, bytes and participants are those at its end.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rates {
    pub(crate) gets_per_second: f64,
    pub(crate) hit_ratio: Option<f64>,
    pub(crate) sets_per_second: f64,
    pub(crate) deletes_per_second: f64,
    pub(crate) evictions_per_second: f64,
    pub(crate) expired_per_second: f64,
    pub(crate) curr_items: u64,
    pub(crate) bytes: u64,
    pub(crate) participants: u64,
}

impl Rates {
    fn between(before: &Stats, after: &Stats, seconds: f64) -> Self {
        let seconds = seconds.max(f64::MIN_POSITIVE);
        // Saturating: sums that are read while others count may step back a little.
        let rate = |of: fn(&Stats) -> u64| of(after).saturating_sub(of(before)) as f64 / seconds;
        let mut interval = Stats::default();
        interval.get_hits = after.get_hits.saturating_sub(before.get_hits);
        interval.get_misses = after.get_misses.saturating_sub(before.get_misses);
        Self {
            gets_per_second: rate(|s| s.get_hits.saturating_add(s.get_misses)),
            hit_ratio: hit_ratio(&interval),
            sets_per_second: rate(|s| s.cmd_set),
            deletes_per_second: rate(|s| s.delete_hits.saturating_add(s.delete_misses)),
            evictions_per_second: rate(|s| s.evictions),
            expired_per_second: rate(|s| s.expired),
            curr_items: after.curr_items,
            bytes: after.bytes,
            participants: after.participants,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_differences_per_second() {
        let (mut before, mut after) = (Stats::default(), Stats::default());
        (before.get_hits, after.get_hits) = (100, 190);
        (before.get_misses, after.get_misses) = (50, 60);
        after.cmd_set = 20;
        // Sums read while others count may step back.
        before.evictions = 1;
        let rates = Rates::between(&before, &after, 2.0);
        assert_eq!((rates.gets_per_second, rates.hit_ratio), (50.0, Some(0.9)));
        assert_eq!((rates.sets_per_second, rates.evictions_per_second), (10.0, 0.0));
    }
}
