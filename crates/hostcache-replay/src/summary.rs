//! The result of a replay: one line for machines, a few for people.

use std::fmt;
use std::time::Duration;

use hostcache::Stats;

use crate::outcome::Outcome;
use crate::simulate::Simulated;
use crate::tally::PhaseTally;
use crate::trace::Trace;

/// What a replay measured.
///
/// `Display` is the one line for machines: `name=value` fields with a space between them, then a
/// `phase[NAME]=` field with the miss ratio of each phase of the trace, and a `POLICY_miss_ratio=` field for each policy that
/// was simulated.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Summary {
    /// Requests replayed.
    pub requests: u64,
    /// Distinct keys among them.
    pub keys: u64,
    /// Requests that were gets.
    pub gets: u64,
    /// Gets that missed.
    pub misses: u64,
    /// Bytes of key and value that the gets asked for.
    pub get_bytes: u64,
    /// The same over the gets that missed.
    pub missed_bytes: u64,
    /// From the first request's start to the last one's end.
    pub duration: Duration,
    /// Sets that failed.
    pub set_errors: u64,
    /// What the first of them said.
    pub first_set_error: Option<String>,
    /// Bytes allocated for the region (`st_blocks` x 512).
    pub region_bytes: u64,
    /// Growth of anonymous memory (`RssAnon`) over all processes, from just before the region was
    /// created until the last request was done.
    pub heap_bytes: u64,
    /// The phases of the trace, in order.
    pub phases: Vec<PhaseSummary>,
    /// The cache's own figures at the end.
    pub stats: Stats,
    /// What was simulated beside it, in the order asked for.
    pub compared: Vec<Simulated>,
}

/// What a replay measured in one phase of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhaseSummary {
    /// The name after `#phase`.
    pub name: String,
    /// Gets of the phase.
    pub gets: u64,
    /// Those that missed.
    pub misses: u64,
}

impl PhaseSummary {
    /// Misses per get; 0 without gets.
    #[must_use]
    pub fn miss_ratio(&self) -> f64 {
        ratio(self.misses, self.gets)
    }
}

impl Summary {
    pub(crate) fn new(trace: &Trace, outcome: Outcome, compared: Vec<Simulated>) -> Self {
        let PhaseTally { gets, misses, get_bytes, missed_bytes } = outcome.tally.total();
        // The first phase has no name and counts what comes before the first `#phase`.
        let named = trace.phases.iter().zip(&outcome.tally.phases).skip(1);
        Self {
            requests: trace.requests.len() as u64,
            keys: trace.key_ids.len() as u64,
            gets,
            misses,
            get_bytes,
            missed_bytes,
            duration: outcome.span,
            set_errors: outcome.tally.set_errors,
            first_set_error: outcome.first_set_error,
            region_bytes: outcome.region_bytes,
            heap_bytes: outcome.heap_bytes,
            phases: named
                .map(|(name, phase)| PhaseSummary {
                    name: name.clone(),
                    gets: phase.gets,
                    misses: phase.misses,
                })
                .collect(),
            stats: outcome.stats,
            compared,
        }
    }

    /// Misses per get; 0 without gets.
    #[must_use]
    pub fn miss_ratio(&self) -> f64 {
        ratio(self.misses, self.gets)
    }

    /// Bytes that missed per byte that the gets asked for; 0 without gets.
    #[must_use]
    pub fn byte_miss_ratio(&self) -> f64 {
        ratio(self.missed_bytes, self.get_bytes)
    }

    /// All memory that the cache took: its region, and what its users' heaps grew by.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.region_bytes + self.heap_bytes
    }

    /// The result in words, for people, without a line end after the last line.
    #[must_use]
    pub fn report(&self) -> String {
        let stats = &self.stats;
        let secs = self.duration.as_secs_f64();
        let rate = if secs > 0.0 { self.requests as f64 / secs } else { 0.0 };
        let per_item = self.memory_bytes().checked_div(stats.curr_items).unwrap_or(0);
        let mut lines = vec![
            format!(
                "{} requests of {} keys in {secs:.2} s, {rate:.0} a second",
                self.requests, self.keys
            ),
            format!(
                "gets: {}, of which {} missed: {:.2} % of the requests, {:.2} % of the bytes",
                self.gets,
                self.misses,
                100.0 * self.miss_ratio(),
                100.0 * self.byte_miss_ratio()
            ),
        ];
        lines.extend(self.phases.iter().map(|phase| {
            let percent = 100.0 * phase.miss_ratio();
            format!("  phase {}: {} gets, {percent:.2} % missed", phase.name, phase.gets)
        }));
        lines.push(format!(
            "cache: {} hits, {} items held ({}), {} evicted, {} expired",
            stats.get_hits,
            stats.curr_items,
            mib(stats.bytes),
            stats.evictions,
            stats.expired
        ));
        lines.push(format!(
            "memory: {} in all = {} region + {} heap, {per_item} bytes an item",
            mib(self.memory_bytes()),
            mib(self.region_bytes),
            mib(self.heap_bytes)
        ));
        lines.extend(self.compared.iter().map(|simulated| {
            let Simulated { policy, miss_ratio, byte_miss_ratio } = simulated;
            let factor = self.miss_ratio() / miss_ratio;
            let beside = if factor.is_finite() {
                format!("the cache misses {factor:.3} times as often")
            } else {
                "the cache can't be set against that".to_owned()
            };
            format!(
                "{policy} without overhead: {:.2} % of the requests, {:.2} % of the bytes; {beside}",
                100.0 * miss_ratio,
                100.0 * byte_miss_ratio
            )
        }));
        if self.set_errors > 0 {
            let first = self.first_set_error.as_deref().unwrap_or("no text");
            lines.push(format!("sets that failed: {}, the first: {first}", self.set_errors));
        }
        lines.join("\n")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "req={} gets={} miss_ratio={:.6} byte_miss_ratio={:.6} secs={:.3} items={} \
             set_errors={} memory_bytes={} region_bytes={} heap_bytes={}",
            self.requests,
            self.gets,
            self.miss_ratio(),
            self.byte_miss_ratio(),
            self.duration.as_secs_f64(),
            self.stats.curr_items,
            self.set_errors,
            self.memory_bytes(),
            self.region_bytes,
            self.heap_bytes
        )?;
        self.phases
            .iter()
            .try_for_each(|phase| write!(f, " phase[{}]={:.6}", phase.name, phase.miss_ratio()))?;
        self.compared
            .iter()
            .try_for_each(|with| write!(f, " {}_miss_ratio={:.6}", with.policy, with.miss_ratio))
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn mib(bytes: u64) -> String {
    format!("{:.2} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    fn summary() -> Summary {
        Summary {
            requests: 10,
            keys: 3,
            gets: 8,
            misses: 2,
            get_bytes: 1000,
            missed_bytes: 125,
            duration: Duration::from_millis(1500),
            set_errors: 1,
            first_set_error: Some("too large".into()),
            region_bytes: 4096,
            heap_bytes: 100,
            phases: vec![PhaseSummary { name: "100B".into(), gets: 4, misses: 1 }],
            stats: Stats::default(),
            compared: vec![Simulated {
                policy: Policy::Lru,
                miss_ratio: 0.5,
                byte_miss_ratio: 0.25,
            }],
        }
    }

    #[test]
    fn the_machine_line_has_every_field_in_order() {
        assert_eq!(
            summary().to_string(),
            "req=10 gets=8 miss_ratio=0.250000 byte_miss_ratio=0.125000 secs=1.500 items=0 \
             set_errors=1 memory_bytes=4196 region_bytes=4096 heap_bytes=100 phase[100B]=0.250000 lru_miss_ratio=0.500000"
        );
    }

    #[test]
    fn a_trace_without_gets_has_no_ratio_to_divide_by() {
        let none = Summary { gets: 0, misses: 0, get_bytes: 0, missed_bytes: 0, ..summary() };
        assert!(none.to_string().contains("miss_ratio=0.000000 byte_miss_ratio=0.000000"));
    }

    #[test]
    fn the_report_names_phases_and_failed_sets() {
        let report = summary().report();
        assert!(report.contains("phase 100B: 4 gets, 25.00 % missed"), "{report}");
        assert!(report.contains("sets that failed: 1, the first: too large"), "{report}");
        assert!(report.contains("lru without overhead: 50.00 %"), "{report}");
        assert!(report.contains("the cache misses 0.500 times as often"), "{report}");
    }
}
