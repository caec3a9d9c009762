//! `check`: walks the whole region and adds it up.

use std::time::Duration;

use hostcache::{Cache, CheckReport};
use serde::Serialize;

use crate::bytes::printable;
use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::table::{Align, Table};
use crate::units::{counted, format_size};

/// Pause between two walks: longer than any single operation of a running process.
const PAUSE: Duration = Duration::from_millis(100);

/// Walk the whole region, and account for every byte of its arena
///
/// Exit code 0 if the region is sound, 1 if it is not. While others write, a walk may meet their steps
/// half-way; a walk that finds a problem is repeated, and only the last one counts. Says what to do about
/// what it finds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache check catalog")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// Walks before a problem is believed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    walks: u32,
}

#[derive(Serialize)]
struct Report<'a> {
    sound: bool,
    items: u64,
    dead_items: u64,
    reachable_bytes: u64,
    free_chunk_bytes: u64,
    free_page_bytes: u64,
    held_bytes: u64,
    dead_held_bytes: u64,
    pinned_bytes: u64,
    reserved_bytes: u64,
    tail_bytes: u64,
    arena_bytes: u64,
    unaccounted_bytes: i64,
    problems: &'a [String],
    advice: Vec<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let name = &args.region.name;
    let cache = open::observer(name)?;
    let report = walk(&cache, args.walks);
    if output.is_json() {
        output.json(&object(&report, name))?;
    } else {
        output.line(format_args!("region {}, in bytes", cache.name()))?;
        output.text(accounts(&report))?;
        for problem in &report.problems {
            output.line(format_args!("problem: {}", printable(problem.as_bytes())))?;
        }
        output.line(verdict(&report))?;
        for remedy in remedies(&report, name) {
            output.line(remedy)?;
        }
    }
    Ok(report.is_sound().into())
}

fn walk(cache: &Cache, walks: u32) -> CheckReport {
    let mut report = cache.check();
    for _ in 1..walks {
        if report.is_sound() {
            break;
        }
        std::thread::sleep(PAUSE);
        report = cache.check();
    }
    report
}

fn object<'a>(report: &'a CheckReport, name: &str) -> Report<'a> {
    Report {
        sound: report.is_sound(),
        items: report.items,
        dead_items: report.dead_items,
        reachable_bytes: report.reachable_bytes,
        free_chunk_bytes: report.free_chunk_bytes,
        free_page_bytes: report.free_page_bytes,
        held_bytes: report.held_bytes,
        dead_held_bytes: report.dead_held_bytes,
        pinned_bytes: report.pinned_bytes,
        reserved_bytes: report.reserved_bytes,
        tail_bytes: report.tail_bytes,
        arena_bytes: report.arena_bytes,
        unaccounted_bytes: report.unaccounted_bytes(),
        problems: &report.problems,
        advice: remedies(report, name),
    }
}

/// What to do about what was found.
fn remedies(report: &CheckReport, name: &str) -> Vec<String> {
    let mut remedies = Vec::new();
    if !report.is_sound() {
        remedies.push(format!(
            "if writers are at work, check again when they rest; if it stays so, save what can be read \
             (hostcache dump {name} FILE), then destroy the region and create it anew (hostcache load)"
        ));
    }
    if report.dead_held_bytes > 0 {
        remedies.push(format!(
            "{} are held by dead participants: the next allocation that needs them takes them; at once: \
             hostcache serve {name} --once",
            format_size(report.dead_held_bytes)
        ));
    }
    remedies
}

fn accounts(report: &CheckReport) -> Table<3> {
    let mut table = Table::new([Align::Left, Align::Right, Align::Left]).indent();
    let mut items = counted(report.items, "item");
    if report.dead_items > 0 {
        items += &format!(", of them {} expired or cleared", report.dead_items);
    }
    for (name, bytes, note) in [
        ("reachable", i128::from(report.reachable_bytes), items.as_str()),
        ("free chunks", report.free_chunk_bytes.into(), ""),
        ("free pages", report.free_page_bytes.into(), ""),
        ("held by the living", report.held_bytes.into(), "magazines and writers in flight"),
        ("held by the dead", report.dead_held_bytes.into(), "until somebody recovers it"),
        ("pinned", report.pinned_bytes.into(), "gone from the index, held in place"),
        ("reserved", report.reserved_bytes.into(), "being made in place"),
        ("page tails", report.tail_bytes.into(), "covered by no chunk"),
        ("unaccounted", report.unaccounted_bytes().into(), "0 in a sound region at rest"),
        ("arena", report.arena_bytes.into(), "all of the above"),
    ] {
        table.row([name.to_owned(), bytes.to_string(), note.to_owned()]);
    }
    table
}

fn verdict(report: &CheckReport) -> String {
    let problems = counted(report.problems.len() as u64, "problem");
    match (report.is_sound(), report.unaccounted_bytes()) {
        (true, _) => "sound".to_owned(),
        (false, 0) => format!("unsound: {problems}"),
        (false, bytes) => format!("unsound: {problems}, {bytes} bytes unaccounted for"),
    }
}
