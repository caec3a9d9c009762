//! Kills and stops a writer of hostcache and of its neighbours in shared memory after any instruction, and says what is left.
//!
//! `cargo run --release -p hostcache-peers --bin neighbours`. The victim and the witnesses are processes of this program.

mod content;
mod judge;
mod lmdb;
mod roles;
mod subject;
mod toy;
mod tracee;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use clap::{Parser, ValueEnum};
use hostcache_benches::random::Random;
use hostcache_benches::record::{self, Table};
use hostcache_benches::settings;

use judge::{End, Found, Tally};
use roles::Role;
use subject::Kind;

/// A writer of hostcache, and of its neighbours in shared memory, killed and stopped after any instruction
#[derive(Parser)]
struct Arguments {
    /// Points in one write at which its process is killed, and as many at which it is stopped
    #[arg(long, default_value_t = 200)]
    points: u32,
    /// Whom [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME,NAME")]
    subjects: Option<Vec<Kind>>,
    /// Points that are tried at once: most of the time goes by waiting for what hangs
    #[arg(long, default_value_t = 8)]
    at_once: u32,
    /// What this process is to do, as a child of a run
    #[arg(long, hide = true, requires = "store")]
    role: Option<Role>,
    /// Where the store is
    #[arg(long, hide = true)]
    store: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let kinds = arguments.subjects.as_deref().unwrap_or(Kind::value_variants());
    if let (Some(role), Some(store), [kind]) = (arguments.role, &arguments.store, kinds) {
        roles::play(role, *kind, store)?;
        return Ok(());
    }
    let seed = settings::seed()?;
    eprintln!("seed {seed}");
    let mut rows = Vec::new();
    let mut remarks = String::new();
    for &kind in kinds {
        let length = judge::length(kind)?;
        eprintln!("{}: {length} instructions", kind.name());
        for end in End::ALL {
            let tally = run(kind, end, length, &arguments, seed)?;
            rows.push(tally.row(kind.name(), end, length));
            remarks += &tally.remarks(kind.name(), end);
        }
    }
    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    let command = format!(
        "cargo run --release -p hostcache-peers --bin neighbours -- --points {} --subjects {}",
        arguments.points,
        names.join(",")
    );
    print!("{}", record::head("Neighbours", &command, seed));
    println!("{}\n{remarks}", Table::of(&Tally::columns(), &rows));
    Ok(())
}

/// Tries points that are spread evenly over the operation, each somewhere within its share.
fn run(
    kind: Kind,
    end: End,
    length: u64,
    arguments: &Arguments,
    seed: u64,
) -> Result<Tally, String> {
    let mut random = Random::new(seed);
    let share = |point: u32| length * u64::from(point) / u64::from(arguments.points.max(1));
    let cut = |point| share(point) + random.next() % (share(point + 1) - share(point)).max(1);
    let cuts: Vec<u64> = (0..arguments.points).map(cut).collect();
    let next = AtomicU32::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        // A counter that hands out each point once; nothing else hangs on it.
        while let Some(&cut) = cuts.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            let found = judge::try_at(kind, end, cut);
            results.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((cut, found));
        }
    };
    // The thread that starts a victim is the one that may trace it.
    thread::scope(|scope| (0..arguments.at_once.max(1)).for_each(|_| drop(scope.spawn(work))));
    let mut results: Vec<(u64, Result<Found, String>)> =
        results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    results.sort_by_key(|&(cut, _)| cut);
    let mut tally = Tally::default();
    for (cut, found) in results {
        tally.add(cut, &found.map_err(|error| format!("{}, {cut}: {error}", kind.name()))?);
    }
    Ok(tally)
}
