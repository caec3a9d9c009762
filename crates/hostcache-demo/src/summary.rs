//! What a demonstration found, for people.

use std::fmt::{self, Display};
use std::time::Duration;

use hostcache::{CheckReport, Stats};
use indicatif::{BinaryBytes, HumanCount};

use crate::DemoOptions;
use crate::kill::Aftermath;
use crate::run::Verdict;
use crate::tally::{Counters, Route, Tally};

/// Everything that is summed up.
#[derive(Debug)]
pub(crate) struct Summary<'a> {
    pub(crate) options: &'a DemoOptions,
    /// How long traffic was served.
    pub(crate) elapsed: Duration,
    pub(crate) interrupted: bool,
    pub(crate) tally: &'a Tally,
    /// `None`: it ended before anybody was killed.
    pub(crate) aftermath: Option<&'a Aftermath>,
    pub(crate) stats: &'a Stats,
    /// A walk over the region after all workers and the daemon had ended.
    pub(crate) check: &'a CheckReport,
}

impl Summary<'_> {
    /// Wrong if one answer was, or if the region is not sound now that nobody works on it.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.tally.counters.wrong == 0 && self.check.is_sound() {
            Verdict::Clean
        } else {
            Verdict::Wrong
        }
    }
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_heading(f)?;
        fmt_latencies(self.tally, f)?;
        self.fmt_load(f)?;
        self.fmt_region(f)?;
        self.fmt_kill(f)?;
        self.fmt_answers(f)?;
        match self.verdict() {
            Verdict::Clean => writeln!(f, "\nclean: no answer was wrong"),
            Verdict::Wrong => writeln!(f, "\nWRONG: see above; replay with --seed {}", self.seed()),
        }
    }
}

impl Summary<'_> {
    fn seed(&self) -> u64 {
        self.options.seed
    }

    fn counters(&self) -> &Counters {
        &self.tally.counters
    }

    fn fmt_heading(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DemoOptions { workers, products, capacity, .. } = self.options;
        writeln!(
            f,
            "{:.1} s of traffic{}: {workers} workers, {} products, a region of {}, seed {}\n",
            self.elapsed.as_secs_f64(),
            if self.interrupted { " (interrupted)" } else { "" },
            HumanCount(*products),
            BinaryBytes(*capacity),
            self.seed()
        )
    }

    fn fmt_load(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counters = self.counters();
        let seconds = self.elapsed.as_secs_f64().max(0.001);
        let query_nanos = self.tally.latencies(Route::Database).mean();
        writeln!(
            f,
            "\nrequests        {} per second, all workers together",
            HumanCount((counters.requests() as f64 / seconds) as u64)
        )?;
        writeln!(
            f,
            "hit ratio       {:.4} of {} page views, starting from an empty cache",
            counters.hit_ratio(),
            HumanCount(counters.hits + counters.database)
        )?;
        writeln!(
            f,
            "database load   {:.2} % of page queries saved: {} queries, {:.0} s at their mean latency",
            100.0 * counters.hit_ratio(),
            HumanCount(counters.hits),
            counters.hits as f64 * query_nanos / 1e9
        )
    }

    fn fmt_region(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "region          {} items, {} evicted, {} expired, {} fills overtaken by an update, {} \
             without room",
            HumanCount(self.stats.curr_items),
            HumanCount(self.stats.evictions),
            HumanCount(self.stats.expired),
            HumanCount(self.counters().fills_overtaken),
            HumanCount(self.counters().fills_without_room)
        )?;
        if self.check.is_sound() {
            return writeln!(f, "check           sound, every byte of the arena is accounted for");
        }
        let unaccounted = self.check.unaccounted_bytes();
        writeln!(f, "check           NOT SOUND, {unaccounted} bytes unaccounted for")?;
        self.check.problems.iter().try_for_each(|problem| writeln!(f, "                {problem}"))
    }

    fn fmt_kill(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(aftermath) = self.aftermath else {
            return writeln!(f, "kill            none: it ended before half-time");
        };
        let Aftermath { who, pid, at, held_bytes, recovered_blocks, .. } = aftermath;
        writeln!(
            f,
            "kill            {who} (pid {pid}) by SIGKILL after {:.1} s",
            at.as_secs_f64()
        )?;
        write!(
            f,
            "  left behind   {} held outside the index at the first look; ",
            BinaryBytes(*held_bytes)
        )?;
        match aftermath.back_after {
            Some(after) => writeln!(
                f,
                "{} blocks came back after {:.0} ms, {} still held by the dead",
                HumanCount(*recovered_blocks),
                after.as_secs_f64() * 1e3,
                BinaryBytes(aftermath.still_held_bytes)
            )?,
            None => writeln!(f, "it did NOT come back while it was watched")?,
        }
        match aftermath.updates_cut_short {
            0 => Ok(()),
            n => writeln!(
                f,
                "                {n} price update(s) cut short; the shop repeated the invalidation"
            ),
        }
    }

    fn fmt_answers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counters = self.counters();
        writeln!(f, "wrong answers   {}", HumanCount(counters.wrong))?;
        for example in self.tally.examples() {
            writeln!(f, "                {example}")?;
        }
        writeln!(f, "stale answers   {}", HumanCount(counters.stale()))?;
        if counters.stale_under_way > 0 {
            writeln!(
                f,
                "                {} between an updater's COMMIT and the delete of the page (late if it was \
                 killed there), where every cache-aside is behind",
                HumanCount(counters.stale_under_way)
            )?;
        }
        if counters.stale_outlived > 0 {
            writeln!(
                f,
                "                {} after that delete: an old page came back, which the lease should \
                 have prevented",
                HumanCount(counters.stale_outlived)
            )?;
        }
        Ok(())
    }
}

fn fmt_latencies(tally: &Tally, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const QUANTILES: [(&str, f64); 4] =
        [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
    write!(f, "{:<10} {:>14}", "path", "requests")?;
    for (label, _) in QUANTILES {
        write!(f, " {label:>9}")?;
    }
    writeln!(f, " {:>9}", "max")?;
    for route in Route::ALL {
        let latencies = tally.latencies(route);
        let requests = HumanCount(latencies.len()).to_string();
        write!(f, "{:<10} {requests:>14}", route.label())?;
        for (_, quantile) in QUANTILES {
            write!(f, " {:>9}", duration(latencies.value_at_quantile(quantile)))?;
        }
        writeln!(f, " {:>9}", duration(latencies.max()))?;
    }
    Ok(())
}

/// Three digits and a unit.
fn duration(nanos: u64) -> String {
    let (value, unit) = match nanos {
        0..1_000 => return format!("{nanos} ns"),
        1_000..1_000_000 => (nanos as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (nanos as f64 / 1e6, "ms"),
        _ => (nanos as f64 / 1e9, "s"),
    };
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        options: DemoOptions,
        tally: Tally,
        aftermath: Option<Aftermath>,
        check: CheckReport,
    }

    impl Case {
        fn new() -> Self {
            let mut tally = Tally::new();
            for nanos in 1..=1000 {
                tally.answered(Route::Hit, Duration::from_nanos(nanos));
            }
            tally.answered(Route::Database, Duration::from_micros(50));
            let options = DemoOptions { seed: 77, ..DemoOptions::default() };
            Self { options, tally, aftermath: None, check: CheckReport::default() }
        }

        fn render(&self) -> (String, Verdict) {
            let summary = Summary {
                options: &self.options,
                elapsed: Duration::from_secs(30),
                interrupted: false,
                tally: &self.tally,
                aftermath: self.aftermath.as_ref(),
                stats: &Stats::default(),
                check: &self.check,
            };
            (summary.to_string(), summary.verdict())
        }
    }

    #[test]
    fn a_clean_run_shows_routes_ratio_and_seed() {
        let (text, verdict) = Case::new().render();
        assert_eq!(verdict, Verdict::Clean);
        for part in ["seed 77", "hit ratio       0.9990", "cache hit", "1,000", "500 ns", "50.0 µs"]
        {
            assert!(text.contains(part), "{part:?} in:\n{text}");
        }
    }

    #[test]
    fn one_wrong_answer_decides_and_is_shown() {
        let mut case = Case::new();
        case.tally.wrong(|| "product 5 (cache hit): torn".to_owned());
        let (text, verdict) = case.render();
        assert_eq!(verdict, Verdict::Wrong);
        assert!(text.contains("wrong answers   1") && text.contains("product 5 (cache hit): torn"));
        assert!(text.contains("--seed 77"), "{text}");
    }

    #[test]
    fn stale_answers_are_explained_but_do_not_decide() {
        let mut case = Case::new();
        assert!(!case.render().0.contains("COMMIT"));
        case.tally.counters.stale_under_way = 3;
        let (text, verdict) = case.render();
        assert_eq!(verdict, Verdict::Clean);
        assert!(text.contains("stale answers   3") && text.contains("COMMIT"), "{text}");
    }

    #[test]
    fn a_region_that_does_not_check_out_is_wrong() {
        let mut case = Case::new();
        case.check.problems.push("page 3 is in two classes".to_owned());
        let (text, verdict) = case.render();
        assert_eq!(verdict, Verdict::Wrong);
        assert!(text.contains("page 3 is in two classes"), "{text}");
    }

    #[test]
    fn the_kill_says_what_came_back_and_when() {
        let mut case = Case::new();
        let aftermath = Aftermath {
            who: "worker 2".to_owned(),
            pid: 4711,
            at: Duration::from_millis(15_300),
            held_bytes: 12_288,
            recovered_blocks: 12,
            back_after: Some(Duration::from_millis(213)),
            still_held_bytes: 0,
            updates_cut_short: 1,
        };
        case.aftermath = Some(aftermath.clone());
        let (text, _) = case.render();
        for part in ["worker 2 (pid 4711)", "15.3 s", "12.00 KiB", "213 ms", "1 price update(s)"] {
            assert!(text.contains(part), "{part:?} in:\n{text}");
        }
        case.aftermath = Some(Aftermath { back_after: None, ..aftermath });
        assert!(case.render().0.contains("did NOT come back"));
    }

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        let shown = [0, 999, 1_000, 45_678, 456_789, 1_234_567, 12_345_678_901].map(duration);
        assert_eq!(shown, ["0 ns", "999 ns", "1.00 µs", "45.7 µs", "457 µs", "1.23 ms", "12.3 s"]);
    }
}
