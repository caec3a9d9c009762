//! Which instructions that change a region were kill points, and which were stop points.
//!
//! What is listed was seen at work: every instruction that changed a region under any operation from any start state,
//! found by stepping, and checked after each run (bytes that differ from what the known stores explain begin a run by
//! single instructions). An instruction that no case reached is not listed: this is no static analysis.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::code::{Code, Seen};

/// Counts by instruction.
#[derive(Debug, Default)]
pub struct Coverage(BTreeMap<u64, Seen>);

impl Coverage {
    pub(super) fn add(&mut self, code: &Code) {
        for (at, seen) in &code.seen {
            let sum = self.0.entry(*at).or_default();
            sum.stores += seen.stores;
            sum.loads += seen.loads;
            sum.kills += seen.kills;
            sum.stops += seen.stops;
        }
    }

    fn stores(&self) -> impl Iterator<Item = (&u64, &Seen)> {
        self.0.iter().filter(|(_, seen)| seen.stores > 0)
    }

    /// One line: how many, and how many are missing.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |is: fn(&Seen) -> bool| self.stores().filter(|(_, seen)| is(seen)).count();
        format!(
            "{} instructions change the region: {} were kill points, {} stop points; {} only read it",
            self.stores().count(),
            count(|seen| seen.kills > 0),
            count(|seen| seen.stops > 0),
            self.0.len() - self.stores().count(),
        )
    }

    /// The functions of the core's list of stores that no killed process had reached.
    #[must_use]
    pub fn unreached(&self) -> String {
        let killed = self.stores().filter(|(_, seen)| seen.kills > 0);
        let reached: Vec<_> = killed.flat_map(|(at, _)| functions(*at)).collect();
        let is_reached = |of: &(&str, &str)| {
            reached.iter().any(|(file, name)| (file.as_str(), name.as_str()) == *of)
        };
        let all = listed().count();
        let left: Vec<String> = listed()
            .filter(|of| !is_reached(of))
            .map(|(file, name)| format!("{file} {name}"))
            .collect();
        let reached = all - left.len();
        format!(
            "{reached} of {all} functions that store were kill points; not: {}",
            left.join(", ")
        )
    }

    /// Every instruction that changed a region, with the place in the source.
    #[must_use]
    pub fn list(&self) -> String {
        let mut text = String::new();
        for (at, seen) in self.stores() {
            let missing = if seen.kills == 0 || seen.stops == 0 { "  MISSING" } else { "" };
            let Seen { stores, kills, stops, .. } = seen;
            let place = place(*at);
            let _ = writeln!(text, "{stores:>9} {kills:>8} {stops:>7}  {place}{missing}");
        }
        text
    }
}

/// The functions of the core that store, as its list has them: file and name, and whether they store into regions.
fn listed() -> impl Iterator<Item = (&'static str, &'static str)> {
    const LIST: &str = include_str!("../../../crates/hostcache-core/docs/stores.md");
    LIST.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, file, name, places, allowed, _] = cells[..] else { return None };
        let stores = !["a planted fault", "no store to the region"].contains(&allowed);
        (places.parse::<u64>().is_ok() && stores).then_some((file, name))
    })
}

/// The functions that an instruction is of, from the innermost inlined one on: files below the core's source, names.
fn functions(at: u64) -> Vec<(String, String)> {
    let mut functions = Vec::new();
    backtrace::resolve(at as *mut _, |symbol| {
        let file = symbol.filename().and_then(|file| file.to_str()).unwrap_or_default();
        let Some((_, file)) = file.rsplit_once("hostcache-core/src/") else { return };
        let name = symbol.name().map_or_else(String::new, |name| format!("{name:#}"));
        let name = name.split('<').next().unwrap_or_default();
        let name = name.rsplit("::").next().unwrap_or_default();
        functions.push((file.to_owned(), name.to_owned()));
    });
    functions
}

fn place(at: u64) -> String {
    let mut place = String::new();
    backtrace::resolve(at as *mut _, |symbol| {
        // The first is the innermost inlined one.
        if place.is_empty() {
            let name = symbol.name().map_or_else(String::new, |name| format!("{name:#}"));
            let file = symbol.filename().and_then(|file| file.to_str()).unwrap_or("?");
            let file = file.rsplit_once("crates/").map_or(file, |(_, rest)| rest);
            place = format!("{name} {file}:{}", symbol.lineno().unwrap_or(0));
        }
    });
    place
}
