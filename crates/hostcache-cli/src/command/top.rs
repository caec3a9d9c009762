//! `top`: what happens now, as rates.

use std::time::{Duration, Instant};

use hostcache::Stats;
use serde::Serialize;

use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::figures::hit_ratio;
use crate::open;
use crate::output::Output;
use crate::repeat::repeat;
use crate::units;

/// Lines between two headings: about a screen.
const LINES_PER_HEADING: u64 = 20;

/// Watch a region at work: one line of rates per interval
///
/// The rates are per second over the interval, the hit ratio too; items and bytes are those of the
/// moment.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache top catalog
  hostcache top catalog --every 5s --count 12")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// The interval
    #[arg(long, value_name = "DURATION", value_parser = units::parse_interval, default_value = "1s")]
    every: Duration,
    /// End after so many lines
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// What happened in one interval.
#[derive(Debug, Serialize)]
struct Rates {
    gets_per_second: f64,
    hit_ratio: Option<f64>,
    sets_per_second: f64,
    deletes_per_second: f64,
    evictions_per_second: f64,
    expired_per_second: f64,
    curr_items: u64,
    bytes: u64,
    participants: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let cache = open::observer(&args.region.name)?;
    let mut last = (Instant::now(), cache.stats());
    let mut line = 0;
    // The first interval has to pass before there is a rate.
    std::thread::sleep(args.every);
    repeat(Some(args.every), args.count, || {
        let now = (Instant::now(), cache.stats());
        let rates = rates(&last.1, &now.1, now.0.saturating_duration_since(last.0));
        last = now;
        if output.is_json() {
            output.json(&rates)?;
        } else {
            if line % LINES_PER_HEADING == 0 {
                output.line(HEADING)?;
            }
            output.line(row(&rates))?;
        }
        line += 1;
        output.flush()
    })?;
    Ok(Outcome::Yes)
}

fn rates(before: &Stats, after: &Stats, passed: Duration) -> Rates {
    let seconds = passed.as_secs_f64().max(f64::MIN_POSITIVE);
    // Saturating: sums that are read while others count may step back a little.
    let rate = |of: fn(&Stats) -> u64| of(after).saturating_sub(of(before)) as f64 / seconds;
    let mut interval = Stats::default();
    interval.get_hits = after.get_hits.saturating_sub(before.get_hits);
    interval.get_misses = after.get_misses.saturating_sub(before.get_misses);
    Rates {
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

const HEADING: &str = "    GETS/S   HITS      SETS/S   DELETES/S     EVICT/S    EXPIRE/S\
                       \u{20}     ITEMS      BYTES  PARTICIPANTS";

fn row(rates: &Rates) -> String {
    let hits = rates.hit_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
    format!(
        "{:>10.0} {hits:>6} {:>11.0} {:>11.0} {:>11.0} {:>11.0} {:>10} {:>10} {:>13}",
        rates.gets_per_second,
        rates.sets_per_second,
        rates.deletes_per_second,
        rates.evictions_per_second,
        rates.expired_per_second,
        rates.curr_items,
        units::format_size(rates.bytes),
        rates.participants
    )
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
        let rates = rates(&before, &after, Duration::from_secs(2));
        assert_eq!((rates.gets_per_second, rates.hit_ratio), (50.0, Some(0.9)));
        assert_eq!((rates.sets_per_second, rates.evictions_per_second), (10.0, 0.0));
    }

    #[test]
    fn the_heading_stands_over_the_columns() {
        let nothing = rates(&Stats::default(), &Stats::default(), Duration::from_secs(1));
        assert_eq!(HEADING.len(), row(&nothing).len());
    }
}
