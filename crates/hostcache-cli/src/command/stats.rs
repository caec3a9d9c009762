//! `stats`: counters and gauges, and what they mean.

use std::time::{Duration, Instant};

use hostcache::{Cache, ClassInfo, Stats};
use serde_json::{Map, Value, json};

use super::ps::{self, Participant};
use crate::advice::{Advice, Facts, advice};
use crate::classes;
use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::figures::{FIGURES, GROUPS, Group, hit_ratio};
use crate::open;
use crate::output::{Format, Output};
use crate::prometheus;
use crate::repeat::repeat;
use crate::table::{Align, Table};
use crate::units;

/// Show counters and gauges, and what they mean
///
/// The names are Memcached's. Counters only grow, over the region's whole life; hit_ratio is get_hits by
/// all gets. What processes that are attached read-only get is not counted. The table ends with the
/// participants, as in ps, and with advice where something stands out: from the second round of --every
/// on, by what happened since the round before. With --format prometheus, figures and slab classes in
/// Prometheus' text format.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache stats catalog
  hostcache stats catalog --classes
  hostcache stats catalog --every 1s --format json
  hostcache stats catalog --format prometheus")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// What each slab class holds and earns, too: pages, items, bytes used and wasted, hit ratio, evictions and their age
    ///
    /// Looks at every item's header: about 0.1 s for half a million items. The last row, "pages", is of values too large for a class.
    /// The hit ratio of a class is its hits by its hits and what was stored in it anew, both over the region's whole life; hits are estimated
    /// from one in 512, so there is none (-, null in JSON) before 16,384 of both.
    #[arg(long)]
    classes: bool,
    /// Again and again, at this interval
    #[arg(long, value_name = "DURATION", value_parser = units::parse_interval)]
    every: Option<Duration>,
    /// With --every: end after so many times
    #[arg(long, value_name = "N", requires = "every", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let name = &args.region.name;
    let cache = open::observer(name)?;
    let mut last: Option<(Instant, Stats)> = None;
    repeat(args.every, args.count, || {
        if output.format() == Format::Prometheus {
            output.text(prometheus::exposition(&cache))?;
            return output.flush();
        }
        let now = Instant::now();
        let facts = Facts::of(&cache, name);
        let stats = facts.stats.clone();
        let facts = match &last {
            Some((at, earlier)) => facts.since(earlier, now.saturating_duration_since(*at)),
            None => facts,
        };
        let advice = advice(&facts);
        let classes = args.classes.then(|| cache.slab_classes());
        if output.is_json() {
            let mut object = object(&cache, &stats, &facts.participants, &advice);
            if let Some(classes) = classes {
                object.insert("classes".to_owned(), json!(classes::objects(&classes)));
            }
            output.json(&object)?;
        } else {
            if last.is_some() {
                output.line("")?;
            }
            let classes = classes.as_deref();
            output.text(text(&cache, &stats, classes, &facts.participants, &advice))?;
        }
        last = Some((now, stats));
        output.flush()
    })?;
    Ok(Outcome::Yes)
}

fn object(
    cache: &Cache,
    stats: &Stats,
    participants: &[Participant],
    advice: &[Advice],
) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("region".to_owned(), cache.name().into());
    for figure in FIGURES {
        object.insert(figure.name.to_owned(), (figure.of)(stats).into());
    }
    object.insert("hit_ratio".to_owned(), hit_ratio(stats).into());
    object.insert("counts_read_only_gets".to_owned(), false.into());
    object.insert("holders".to_owned(), json!(ps::holders(participants)));
    object.insert("advice".to_owned(), json!(advice));
    object
}

fn text(
    cache: &Cache,
    stats: &Stats,
    classes: Option<&[ClassInfo]>,
    participants: &[Participant],
    advice: &[Advice],
) -> String {
    let mut table = Table::new([Align::Left, Align::Right, Align::Left]).indent();
    table.title(format!("region {}", cache.name()));
    for (group, title) in GROUPS {
        table.title(title);
        for figure in FIGURES.iter().filter(|figure| figure.group == group) {
            let value = (figure.of)(stats);
            let size = if figure.is_bytes() { units::format_size(value) } else { String::new() };
            table.row([figure.name.to_owned(), value.to_string(), size]);
        }
        if group == Group::Traffic {
            let ratio = hit_ratio(stats).map_or_else(|| "-".to_owned(), |r| format!("{r:.4}"));
            table.row(["hit_ratio".to_owned(), ratio, String::new()]);
            let (name, value) = ("read_only_gets", "not counted");
            table.row([name.to_owned(), value.to_owned(), String::new()]);
        }
    }
    let mut text = table.to_string();
    if let Some(classes) = classes {
        text += &format!("slab classes\n{}", classes::table(classes).indent());
    }
    if !participants.is_empty() {
        text += &ps::table(participants).indent().to_string();
    }
    if !advice.is_empty() {
        text += "advice\n";
    }
    for advice in advice {
        text += &format!("  {advice}\n");
    }
    text
}
