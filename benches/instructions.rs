//! Instructions per operation, counted by callgrind: the guard that a busy machine can't blur.
//!
//! The program runs itself under `valgrind --tool=callgrind` once for each operation and subject. Collection
//! is switched on at the entry of [`counted_get_into`] or [`counted_set`] and off at its return, so only what
//! the subject does is counted, on 1,000 hot keys with values of 100 bytes; the loop is not.
//!
//! `--against FILE` compares with the table of a record and fails if any count has grown by more than 5 %.

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
/// Growth that `--against` lets pass: hash seeds differ from region to region.
const TOLERANCE: f64 = 1.05;
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

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let seed = settings::seed()?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let recorded = match arguments[..] {
        [] => None,
        ["--against", path] => {
            let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
            Some(parse_record(&text))
        }
        ["--work", subject, operation] => {
            let kind = SUBJECTS.into_iter().find(|kind| kind.name() == subject);
            let operation = OPERATIONS.into_iter().find(|known| known.name() == operation);
            work(kind.ok_or("no such subject")?, operation.ok_or("no such operation")?, seed)?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => return Err("usage: instructions [--against FILE]".into()),
    };

    let mut table = Table::new(&["operation", "subject", "instructions"]);
    let mut grown = Vec::new();
    for operation in OPERATIONS {
        for kind in settings::subjects(&SUBJECTS)? {
            let now = count(kind, operation)?;
            let name = (operation.name().to_owned(), kind.name().to_owned());
            let before = recorded.as_ref().and_then(|recorded| recorded.get(&name));
            if let Some(before) = before.filter(|&&before| now > before * TOLERANCE) {
                grown.push(format!("{}, {}: {before} recorded, {now:.1} now", name.0, name.1));
            }
            table.row(vec![name.0, name.1, format!("{now:.1}")]);
        }
    }
    let command = "cargo run --release -p hostcache-benches --bin instructions";
    record::print_head("Instructions per operation", command, seed);
    print!("{table}");
    grown.iter().for_each(|line| eprintln!("grown by more than 5 %: {line}"));
    Ok(if grown.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
}
