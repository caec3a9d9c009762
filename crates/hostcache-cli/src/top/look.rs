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
    /// Of this moment, or of an earlier one: looking at all classes takes a while in a large region.
    pub(crate) classes: Vec<ClassInfo>,
    /// When they are worth another look.
    classes_due: Instant,
}

/// Of the time, the classes may take one part in so many.
const CLASSES_PART: u32 = 20;

impl Look {
    /// Of the region that was named so on the command line.
    pub(crate) fn at(cache: &Cache, region: &str) -> Self {
        let at = Instant::now();
        let classes = cache.slab_classes();
        let classes_due = Instant::now() + at.elapsed() * CLASSES_PART;
        Self { at, facts: Facts::of(cache, region), classes, classes_due }
    }

    /// The same region later.
    pub(crate) fn again(&self, cache: &Cache, region: &str) -> Self {
        if Instant::now() >= self.classes_due {
            return Self::at(cache, region);
        }
        Self { at: Instant::now(), facts: Facts::of(cache, region), ..self.clone() }
    }

    pub(crate) fn stats(&self) -> &Stats {
        &self.facts.stats
    }

    /// The rates since an earlier look.
    pub(crate) fn rates_since(&self, earlier: &Self) -> Rates {
        Rates::of(&self.facts_since(earlier))
    }

    /// What happened since an earlier look; the rules of advice go by it.
    pub(crate) fn facts_since(&self, earlier: &Self) -> Facts {
        let passed = self.at.saturating_duration_since(earlier.at);
        self.facts.clone().since(earlier.stats(), passed)
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
    /// From counters over the interval.
    fn of(facts: &Facts) -> Self {
        let stats = &facts.stats;
        let seconds = facts.period.as_secs_f64().max(f64::MIN_POSITIVE);
        let rate = |count: u64| count as f64 / seconds;
        Self {
            gets_per_second: rate(stats.get_hits.saturating_add(stats.get_misses)),
            hit_ratio: hit_ratio(stats),
            sets_per_second: rate(stats.cmd_set),
            deletes_per_second: rate(stats.delete_hits.saturating_add(stats.delete_misses)),
            evictions_per_second: rate(stats.evictions),
            expired_per_second: rate(stats.expired),
            curr_items: stats.curr_items,
            bytes: stats.bytes,
            participants: stats.participants,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn rates_are_differences_per_second() {
        let (mut before, mut after) = (Stats::default(), Stats::default());
        (before.get_hits, after.get_hits) = (100, 190);
        (before.get_misses, after.get_misses) = (50, 60);
        after.cmd_set = 20;
        // Sums read while others count may step back.
        before.evictions = 1;
        let facts = Facts { stats: after, ..Facts::default() };
        let rates = Rates::of(&facts.since(&before, Duration::from_secs(2)));
        assert_eq!((rates.gets_per_second, rates.hit_ratio), (50.0, Some(0.9)));
        assert_eq!((rates.sets_per_second, rates.evictions_per_second), (10.0, 0.0));
    }
}
