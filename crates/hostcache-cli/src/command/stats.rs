//! `stats`: counters and gauges.
//!
//! One table names every figure with its group; both formats are made from it, so that none is forgotten.

use std::time::Duration;

use hostcache::{Cache, Stats};
use serde_json::{Map, Value};

use super::ps;
use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::repeat::repeat;
use crate::table::{Align, Table};
use crate::units;

/// Show counters and gauges
///
/// The names are Memcached's. Counters only grow, over the region's whole life; hit_ratio is get_hits by
/// all gets. What processes that are attached read-only get is not counted. The table ends with the
/// participants, as in ps.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache stats catalog
  hostcache stats catalog --every 1s --format json")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// Again and again, at this interval
    #[arg(long, value_name = "DURATION", value_parser = units::parse_interval)]
    every: Option<Duration>,
    /// With --every: end after so many times
    #[arg(long, value_name = "N", requires = "every", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Traffic,
    Items,
    Memory,
    Participants,
}

struct Figure {
    name: &'static str,
    group: Group,
    is_bytes: bool,
    of: fn(&Stats) -> u64,
}

/// A figure under its field's name.
macro_rules! figures {
    ($($group:ident: $($field:ident)+;)+) => {
        [$($(Figure {
            name: stringify!($field),
            group: Group::$group,
            is_bytes: names_bytes(stringify!($field)),
            of: |stats| stats.$field,
        },)+)+]
    };
}

const FIGURES: &[Figure] = &figures! {
    Traffic: cmd_get get_hits get_misses get_expired get_contended cmd_set delete_hits delete_misses
        incr_hits incr_misses decr_hits decr_misses cas_hits cas_misses cas_badval touch_hits
        touch_misses cmd_touch append_hits append_misses cmd_flush;
    Items: curr_items total_items evictions expired;
    Memory: limit_maxbytes bytes free_page_bytes held_bytes pinned_bytes no_room;
    Participants: participants recovered_participants recovered_blocks;
};

const GROUPS: [(Group, &str); 4] = [
    (Group::Traffic, "traffic"),
    (Group::Items, "items"),
    (Group::Memory, "memory"),
    (Group::Participants, "participants"),
];

/// Whether a figure is also worth showing as a size.
const fn names_bytes(name: &str) -> bool {
    let name = name.as_bytes();
    matches!(name, [.., b'b', b'y', b't', b'e', b's'])
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let cache = open::observer(&args.region.name)?;
    let mut first = true;
    repeat(args.every, args.count, || {
        if output.is_json() {
            output.json(&object(&cache))?;
        } else {
            if !first {
                output.line("")?;
            }
            output.text(text(&cache))?;
        }
        first = false;
        output.flush()
    })?;
    Ok(Outcome::Yes)
}

fn object(cache: &Cache) -> Map<String, Value> {
    let stats = cache.stats();
    let mut object = Map::new();
    object.insert("region".to_owned(), cache.name().into());
    for figure in FIGURES {
        object.insert(figure.name.to_owned(), (figure.of)(&stats).into());
    }
    object.insert("hit_ratio".to_owned(), hit_ratio(&stats).into());
    object
}

fn text(cache: &Cache) -> String {
    let stats = cache.stats();
    let mut table = Table::new([Align::Left, Align::Right, Align::Left]).indent();
    table.title(format!("region {}", cache.name()));
    for (group, title) in GROUPS {
        table.title(title);
        for figure in FIGURES.iter().filter(|figure| figure.group == group) {
            let value = (figure.of)(&stats);
            let size = if figure.is_bytes { units::format_size(value) } else { String::new() };
            table.row([figure.name.to_owned(), value.to_string(), size]);
        }
        if group == Group::Traffic {
            let ratio = hit_ratio(&stats).map_or_else(|| "-".to_owned(), |r| format!("{r:.4}"));
            table.row(["hit_ratio".to_owned(), ratio, String::new()]);
        }
    }
    format!("{table}{}", ps::table(&cache.participants()).indent())
}

/// Hits by gets, 0 to 1; `None` before the first get.
pub(crate) fn hit_ratio(stats: &Stats) -> Option<f64> {
    let gets = stats.get_hits.saturating_add(stats.get_misses);
    // Precise to 2^53 gets, and a ratio after that.
    (gets > 0).then(|| stats.get_hits as f64 / gets as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_of_the_library_is_shown() {
        let debug = format!("{:?}", Stats::default());
        let fields = debug.trim_start_matches("Stats { ").trim_end_matches(" }").split(", ");
        for field in fields.filter_map(|pair| pair.split_once(": ")) {
            let (name, value) = field;
            // A property of the handle that asks, not of the region.
            let of_the_handle = matches!(value, "true" | "false");
            let shown = FIGURES.iter().any(|figure| figure.name == name);
            assert!(shown || of_the_handle, "{name} is missing from the table");
        }
    }

    #[test]
    fn the_hit_ratio_of_no_gets_is_unknown() {
        let mut stats = Stats::default();
        assert_eq!(hit_ratio(&stats), None);
        (stats.get_hits, stats.get_misses) = (3, 1);
        assert_eq!(hit_ratio(&stats), Some(0.75));
    }
}
