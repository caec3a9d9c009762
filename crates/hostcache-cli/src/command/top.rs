//! `top`: what happens now.

use std::io::{self, IsTerminal};
use std::time::Duration;

use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::repeat::repeat;
use crate::top::{self, Look, Rates};
use crate::units;

/// Lines between two headings: about a screen.
const LINES_PER_HEADING: u64 = 20;

/// Watch a region at work
///
/// On a terminal a live screen: hit ratio, rates, memory by slab class, participants, advice; q ends it. Where
/// output is no terminal, with --lines or with --count, one line of rates per interval. The rates are per
/// second over the interval, the hit ratio too; items and bytes are those of the moment. What stands of each
/// slab class counts from the region's beginning, as in stats --classes. Process ids and commands are what the
/// participants said of themselves.
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
    /// Lines instead of the live screen, on a terminal too
    #[arg(long)]
    lines: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let name = &args.region.name;
    let cache = open::observer(name)?;
    let wants_lines = args.lines || args.count.is_some() || output.is_json();
    if !wants_lines && output.to_terminal() && io::stdin().is_terminal() {
        top::run(&cache, name, args.every)?;
        return Ok(Outcome::Yes);
    }
    let mut last = Look::at(&cache, name);
    let mut line = 0;
    // The first interval has to pass before there is a rate.
    std::thread::sleep(args.every);
    repeat(Some(args.every), args.count, || {
        let now = last.again(&cache, name);
        let rates = now.rates_since(&last);
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
    fn the_heading_stands_over_the_columns() {
        let nothing = Rates {
            gets_per_second: 0.0,
            hit_ratio: None,
            sets_per_second: 0.0,
            deletes_per_second: 0.0,
            evictions_per_second: 0.0,
            expired_per_second: 0.0,
            curr_items: 0,
            bytes: 0,
            participants: 0,
        };
        assert_eq!(HEADING.len(), row(&nothing).len());
    }
}
