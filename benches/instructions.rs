//! Instructions per operation, counted by callgrind: the guard that a busy machine can't blur.
//!
//! The program runs itself under `valgrind --tool=callgrind` once for each operation and subject. Collection
//! is switched on at the entry of [`counted_get_into`] or [`counted_set`] and off at its return, so only what
//! the subject does is counted, on 1,000 hot keys with values of 100 bytes; the loop is not.
//!
//! `--against FILE` compares with the table of a record and fails if any count differs by more than 3 %. `--explain WHY`
//! records the counts anew, with the reason of the difference.

use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::{env, fs};

use hostcache_benches::callgrind;
use hostcache_benches::record::{self, Table};
use hostcache_benches::settings::{self, SubjectKind};
use hostcache_benches::subject::{DashMapSubject, Floor, Region};
use hostcache_benches::{Key, Operation, Session, Subject, Workload};

/// Calls that are counted; every hot key is met about ten times.
const CALLS: u32 = 10_000;
/// Difference that `--against` lets pass: hash seeds differ from region to region.
const TOLERANCE: f64 = 0.03;
const SUBJECTS: [SubjectKind; 3] =
    [SubjectKind::Hostcache, SubjectKind::DashMap, SubjectKind::Floor];
const OPERATIONS: [Operation; 3] = [Operation::GetHit, Operation::GetMiss, Operation::SetOver];

/// A subject whose measured operations are functions of their own, for callgrind to find by name.
struct Counted<'a, S>(&'a S);

impl<S: Subject> Subject for Counted<'_, S> {
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        counted_get_into(self.0, key, buf)
    }

    fn set(&self, key: &Key, value: &[u8]) {
        counted_set(self.0, key, value);
    }

    fn take_out(&self, key: &Key) -> bool {
        self.0.take_out(key)
    }
}

#[inline(never)]
fn counted_get_into<S: Subject>(subject: &S, key: &Key, buf: &mut Vec<u8>) -> bool {
    // The black box keeps the call from becoming a jump, which would end this function early.
    black_box(subject.get_into(key, buf))
}

#[inline(never)]
fn counted_set<S: Subject>(subject: &S, key: &Key, value: &[u8]) {
    subject.set(key, value);
    black_box(subject);
}

/// What runs under callgrind.
fn work(kind: SubjectKind, operation: Operation, seed: u64) -> Result<(), Box<dyn Error>> {
    fn run<S: Subject>(subject: &S, operation: Operation, seed: u64) {
        let mut session = Session::new(subject, Workload::HOT, seed);
        session.fill();
        session.check_all();
        // Allocators and magazines reach their steady state before counting begins.
        session.run(operation, CALLS.into());
        Session::new(Counted(subject), Workload::HOT, seed).run(operation, CALLS.into());
        session.check_all();
    }
    match kind {
        SubjectKind::Hostcache => {
            let region = Region::create("instructions", &Workload::HOT)?;
            run(&region.open()?, operation, seed);
        }
        SubjectKind::DashMap => run(&DashMapSubject::new(Workload::HOT.keys), operation, seed),
        SubjectKind::Floor => run(&Floor::new(Workload::HOT.keys)?, operation, seed),
        SubjectKind::Loop => return Err("the loop is not counted".into()),
    }
    Ok(())
}

/// Instructions per operation.
fn count(kind: SubjectKind, operation: Operation) -> Result<f64, Box<dyn Error>> {
    let functions = ["*counted_get_into*", "*counted_set*"];
    let args = ["--work", kind.name(), operation.name()];
    callgrind::count(&functions, &env::current_exe()?, &args, CALLS)
}

/// The counts of a record by operation and subject.
fn parse_record(text: &str) -> HashMap<(String, String), f64> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let &[operation, subject, count] = &cells[..] else { return None };
        Some(((operation.to_owned(), subject.to_owned()), count.parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

/// What the program is asked to do.
#[derive(Default)]
struct Arguments<'a> {
    against: Option<&'a str>,
    explain: Option<&'a str>,
}

impl<'a> Arguments<'a> {
    fn parse(mut words: &'a [String]) -> Result<Self, Box<dyn Error>> {
        let mut arguments = Self::default();
        while let [option, value, rest @ ..] = words {
            match option.as_str() {
                "--against" => arguments.against = Some(value),
                "--explain" if !value.trim().is_empty() => arguments.explain = Some(value),
                _ => break,
            }
            words = rest;
        }
        if words.is_empty() { Ok(arguments) } else { Err(USAGE.into()) }
    }
}

const USAGE: &str = "usage: instructions [--against FILE] [--explain WHY]";

/// How the counts differ from those recorded, one line for each that does by more than the tolerance.
fn differences(
    now: &[((String, String), f64)],
    recorded: &HashMap<(String, String), f64>,
) -> Vec<String> {
    let differs = |(name, now): &((String, String), f64)| {
        let before = recorded.get(name)?;
        let change = now / before - 1.0;
        let line = || {
            let (operation, subject) = name;
            let change = change * 100.0;
            format!("{operation}, {subject}: {before} recorded, {now:.1} counted ({change:+.1} %)")
        };
        (change.abs() > TOLERANCE).then(line)
    };
    now.iter().filter_map(differs).collect()
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let seed = settings::seed()?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [work_option, subject, name] = &arguments[..]
        && work_option == "--work"
    {
        let kind = SUBJECTS.into_iter().find(|kind| kind.name() == subject);
        let operation = OPERATIONS.into_iter().find(|known| known.name() == name);
        work(kind.ok_or("no such subject")?, operation.ok_or("no such operation")?, seed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Arguments { against, explain } = Arguments::parse(&arguments)?;
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let recorded = against.map(read).transpose()?.map(|text| parse_record(&text));

    let mut counts = Vec::new();
    for operation in OPERATIONS {
        for kind in settings::subjects(&SUBJECTS)? {
            let name = (operation.name().to_owned(), kind.name().to_owned());
            counts.push((name, count(kind, operation)?));
        }
    }
    let mut table = Table::new(&["operation", "subject", "instructions"]);
    for ((operation, subject), count) in &counts {
        table.row(vec![operation.clone(), subject.clone(), format!("{count:.1}")]);
    }
    let command = "cargo xtask bench --instructions";
    let head = record::head("Instructions per operation", command, seed);
    let differences = differences(&counts, &recorded.unwrap_or_default());
    print!("\n{head}{table}");
    if let Some(why) = explain {
        let path = record::folder().join(format!("{}-instructions.md", record::today()));
        let changes: String = differences.iter().map(|line| format!("* {line}\n")).collect();
        fs::write(&path, format!("{head}{table}\n## What changed\n\n{why}\n\n{changes}"))?;
        println!("\nwritten to {}", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    if differences.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    differences.iter().for_each(|line| eprintln!("{line}"));
    eprintln!(
        "That is more than {} % off {}. If it is meant, record it with its reason:\n    \
         cargo xtask bench --instructions --explain 'what changed, and why it is worth it'",
        TOLERANCE * 100.0,
        against.unwrap_or("the record"),
    );
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_table_is_read_back() {
        let mut table = Table::new(&["operation", "subject", "instructions"]);
        table.row(vec!["get hit".into(), "floor".into(), "61.5".into()]);
        let read = parse_record(&format!("# Title\n\n* CPU: a | b\n\n{table}"));
        let expected = (("get hit".to_owned(), "floor".to_owned()), 61.5);
        assert_eq!(read.into_iter().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn counts_that_differ_by_more_than_three_percent_are_named() {
        let name = |operation: &str| (operation.to_owned(), "floor".to_owned());
        let recorded = ["more", "less", "same"].map(|operation| (name(operation), 100.0)).into();
        let now = [("more", 103.2), ("less", 96.8), ("same", 102.9), ("added", 1.0)];
        let lines = differences(&now.map(|(operation, count)| (name(operation), count)), &recorded);
        assert_eq!(
            lines,
            [
                "more, floor: 100 recorded, 103.2 counted (+3.2 %)",
                "less, floor: 100 recorded, 96.8 counted (-3.2 %)"
            ]
        );
    }
}
