//! What a worker counts, and how it tells the parent.
//!
//! A [`Report`] is cumulative: the last one that arrived stands for everything its worker did, so
//! a worker that is killed loses a quarter of a second of counts and no more.

use std::ops::AddAssign;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Latencies are recorded to three digits, in nanoseconds, up to two minutes.
const SIGNIFICANT_DIGITS: u8 = 3;
const MAX_NANOS: u64 = 120_000_000_000;
/// Wrong answers that a worker describes in words; the others are only counted.
const MAX_EXAMPLES: usize = 5;

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// A page from the cache.
    Hit,
    /// A page from the database, the fill of the cache included.
    Database,
    /// A price update, the invalidation included.
    Update,
}

impl Route {
    pub(crate) const ALL: [Route; 3] = [Route::Hit, Route::Database, Route::Update];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Route::Hit => "cache hit",
            Route::Database => "database",
            Route::Update => "update",
        }
    }
}

/// Counters of one worker, or their sum over several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// Pages answered from the cache.
    pub(crate) hits: u64,
    /// Pages answered from the database.
    pub(crate) database: u64,
    /// Prices updated.
    pub(crate) updates: u64,
    /// Pages not stored because the lease was gone: an update deleted it meanwhile, or it expired.
    pub(crate) fills_overtaken: u64,
    /// Pages or leases not stored for want of room.
    pub(crate) fills_without_room: u64,
    /// Gets that gave up because the item changed during every copy; answered from the database.
    pub(crate) contended: u64,
    /// Torn, foreign or never written answers.
    pub(crate) wrong: u64,
    /// Answers older than the row, while its update had not yet deleted the page.
    pub(crate) stale_under_way: u64,
    /// Answers older than the row, after its update had deleted the page.
    pub(crate) stale_outlived: u64,
}

impl Counters {
    pub(crate) fn requests(&self) -> u64 {
        self.hits + self.database + self.updates
    }

    pub(crate) fn stale(&self) -> u64 {
        self.stale_under_way + self.stale_outlived
    }

    /// Share of page views answered from the cache, 0 to 1; 0 without any view.
    pub(crate) fn hit_ratio(&self) -> f64 {
        self.hits as f64 / (self.hits + self.database).max(1) as f64
    }

    /// What was counted since an earlier reading.
    pub(crate) fn requests_since(&self, earlier: &Counters) -> u64 {
        self.requests().saturating_sub(earlier.requests())
    }
}

impl AddAssign<&Counters> for Counters {
    fn add_assign(&mut self, other: &Counters) {
        self.hits += other.hits;
        self.database += other.database;
        self.updates += other.updates;
        self.fills_overtaken += other.fills_overtaken;
        self.fills_without_room += other.fills_without_room;
        self.contended += other.contended;
        self.wrong += other.wrong;
        self.stale_under_way += other.stale_under_way;
        self.stale_outlived += other.stale_outlived;
    }
}

/// One line of a worker's standard output: everything it has counted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) counters: Counters,
    /// Per route, in the order of [`Route::ALL`]: recorded values in nanoseconds and their counts.
    pub(crate) latencies: [Vec<(u64, u64)>; 3],
    /// Some of the wrong answers in words.
    pub(crate) examples: Vec<String>,
}

/// Counters, latencies and examples while they are being gathered.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) counters: Counters,
    latencies: [Histogram<u64>; 3],
    examples: Vec<String>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let histogram = || {
            Histogram::new_with_bounds(1, MAX_NANOS, SIGNIFICANT_DIGITS)
                .expect("constant bounds that the library allows")
        };
        Self {
            counters: Counters::default(),
            latencies: [histogram(), histogram(), histogram()],
            examples: Vec::new(),
        }
    }

    /// Counts one answered request.
    pub(crate) fn answered(&mut self, route: Route, took: Duration) {
        match route {
            Route::Hit => self.counters.hits += 1,
            Route::Database => self.counters.database += 1,
            Route::Update => self.counters.updates += 1,
        }
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.latencies[route as usize].saturating_record(nanos.max(1));
    }

    /// Counts one wrong answer; `describe` is called for the first few only.
    pub(crate) fn wrong(&mut self, describe: impl FnOnce() -> String) {
        self.counters.wrong += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(describe());
        }
    }

    pub(crate) fn latencies(&self, route: Route) -> &Histogram<u64> {
        &self.latencies[route as usize]
    }

    pub(crate) fn examples(&self) -> &[String] {
        &self.examples
    }

    /// Everything so far, in a form that travels.
    pub(crate) fn report(&self) -> Report {
        let pairs = |histogram: &Histogram<u64>| {
            histogram
                .iter_recorded()
                .map(|step| (step.value_iterated_to(), step.count_at_value()))
                .collect()
        };
        Report {
            counters: self.counters,
            latencies: Route::ALL.map(|route| pairs(self.latencies(route))),
            examples: self.examples.clone(),
        }
    }

    /// Adds a worker's report.
    pub(crate) fn merge(&mut self, report: &Report) {
        self.counters += &report.counters;
        for (histogram, pairs) in self.latencies.iter_mut().zip(&report.latencies) {
            for &(value, count) in pairs {
                histogram.saturating_record_n(value, count);
            }
        }
        let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(report.examples.iter().take(room).cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        let mut tally = Tally::new();
        for nanos in [120, 130, 250_000, 3_000_000_000] {
            tally.answered(Route::Hit, Duration::from_nanos(nanos));
        }
        tally.answered(Route::Update, Duration::ZERO);
        tally.answered(Route::Database, Duration::from_secs(100_000));
        tally.wrong(|| "torn".to_owned());
        tally.counters.stale_under_way = 2;
        tally
    }

    #[test]
    fn a_report_carries_counts_latencies_and_examples_across() {
        let sent = tally();
        let line = serde_json::to_string(&sent.report()).expect("a line");
        let mut received = Tally::new();
        received.merge(&serde_json::from_str(&line).expect("the same report"));
        assert_eq!(received.report(), sent.report());
        for route in Route::ALL {
            let (a, b) = (sent.latencies(route), received.latencies(route));
            assert_eq!(a.len(), b.len());
            assert_eq!(a.value_at_quantile(0.99), b.value_at_quantile(0.99));
        }
    }

    #[test]
    fn merging_adds_up() {
        let report = tally().report();
        let mut sum = Tally::new();
        sum.merge(&report);
        sum.merge(&report);
        assert_eq!(sum.counters.requests(), 12);
        assert_eq!(sum.counters.stale(), 4);
        assert_eq!(sum.latencies(Route::Hit).len(), 8);
        assert_eq!(sum.examples().len(), 2);
    }

    #[test]
    fn only_a_few_wrong_answers_are_described_but_all_are_counted() {
        let mut tally = Tally::new();
        for i in 0..100 {
            tally.wrong(|| i.to_string());
        }
        assert_eq!(tally.counters.wrong, 100);
        assert_eq!(tally.examples().len(), MAX_EXAMPLES);
    }

    #[test]
    fn the_hit_ratio_counts_views_only() {
        let counters = Counters { hits: 3, database: 1, updates: 96, ..Counters::default() };
        assert_eq!(counters.hit_ratio(), 0.75);
        assert_eq!(Counters::default().hit_ratio(), 0.0);
    }
}
