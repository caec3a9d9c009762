//! `list`: every region that the caller can see.

use std::path::Path;

use hostcache::{Cache, RegionEntry};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::output::{Output, note};
use crate::table::{Align, Table};
use crate::units;

/// List the regions in every directory that the caller may read
///
/// A name stands for the region in the caller's own directory, else for that in the first of its groups' that has
/// one; any other region is named by its path: DIRECTORY/NAME.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache list
  hostcache list --format json")]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Listing<'a> {
    regions: Vec<Region<'a>>,
}

#[derive(Serialize)]
struct Region<'a> {
    name: &'a str,
    path: String,
    capacity: u64,
    allocated_bytes: u64,
    uid: u32,
    gid: u32,
    mode: String,
    problem: Option<&'a str>,
}

pub(crate) fn run(output: &mut Output) -> Result<Outcome, Failure> {
    let entries = Cache::list()?;
    if output.is_json() {
        output.json(&Listing { regions: entries.iter().map(Region::of).collect() })?;
    } else if entries.is_empty() {
        note("no regions");
    } else {
        output.text(table(&entries))?;
    }
    Ok(Outcome::Yes)
}

impl<'a> Region<'a> {
    fn of(entry: &'a RegionEntry) -> Self {
        Self {
            name: &entry.name,
            path: entry.path.display().to_string(),
            capacity: entry.capacity,
            allocated_bytes: entry.allocated_bytes,
            uid: entry.uid,
            gid: entry.gid,
            mode: mode(entry),
            problem: entry.problem.as_deref(),
        }
    }
}

fn table(entries: &[RegionEntry]) -> Table<8> {
    let mut table = Table::with_heading([
        ("NAME", Align::Left),
        ("CAPACITY", Align::Right),
        ("ALLOCATED", Align::Right),
        ("OWNER", Align::Right),
        ("GROUP", Align::Right),
        ("MODE", Align::Left),
        ("DIRECTORY", Align::Left),
        ("PROBLEM", Align::Left),
    ]);
    for entry in entries {
        table.row([
            entry.name.clone(),
            units::format_size(entry.capacity),
            units::format_size(entry.allocated_bytes),
            entry.uid.to_string(),
            entry.gid.to_string(),
            mode(entry),
            entry.path.parent().unwrap_or(Path::new("/")).display().to_string(),
            entry.problem.clone().unwrap_or_default(),
        ]);
    }
    table
}

fn mode(entry: &RegionEntry) -> String {
    format!("{:04o}", entry.mode & 0o7777)
}
