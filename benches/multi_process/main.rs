//! Two processes at once: by how much does each slow down, beside how much the lower bound does?
//!
//! In each round every subject is measured alone on either CPU (x1), then on both at once (x2). The slowdown
//! of a round is the mean over the CPUs of x2 / x1 on that CPU. hostcache's slowdown is compared with the floor's
//! *of the same round*: what two CPUs make of shared lines changes from minute to minute on a virtual machine.

use std::error::Error;

use hostcache_benches::figures::Spread;
use hostcache_benches::phase::{Round, Task, round};
use hostcache_benches::record::{self, Table};
use hostcache_benches::settings::{self, SubjectKind};
use hostcache_benches::side_by_side::ratios;
use hostcache_benches::store::{Attached, Inherited, Store};
use hostcache_benches::subject::{Floor, Region};
use hostcache_benches::{Operation, Workload, processes};

const WORKLOAD: Workload = Workload::HOT;
const ROUNDS: usize = 25;
/// hostcache's slowdown as a multiple of the floor's, at most.
const GOAL: f64 = 1.1;
const OPERATIONS: [Operation; 4] =
    [Operation::GetHit, Operation::GetMiss, Operation::SetOver, Operation::Mixed];

/// The items that workers share.
fn store(kind: SubjectKind, seed: u64) -> Result<Box<dyn Store>, Box<dyn Error>> {
    let store: Box<dyn Store> = if kind == SubjectKind::Floor {
        Box::new(Inherited(Floor::new(WORKLOAD.keys)?, WORKLOAD))
    } else {
        Box::new(Attached(Region::create("multi", &WORKLOAD)?, WORKLOAD))
    };
    store.attach(WORKLOAD.distribution, seed)?.fill();
    Ok(store)
}

fn main() -> Result<(), Box<dyn Error>> {
    let kinds = settings::subjects(&[SubjectKind::Hostcache, SubjectKind::Floor])?;
    let seed = settings::seed()?;
    let [first, second] = processes::choose_two()?;
    let rounds = if settings::measuring() { ROUNDS } else { 1 };
    let stores: Vec<Box<dyn Store>> =
        kinds.iter().map(|&kind| store(kind, seed)).collect::<Result<_, _>>()?;

    // measured[operation][subject][round]; round 0 only warms up and is thrown away.
    let mut measured = vec![vec![Vec::new(); kinds.len()]; OPERATIONS.len()];
    for number in 0..=rounds {
        for (by_subject, &operation) in measured.iter_mut().zip(&OPERATIONS) {
            for turn in 0..stores.len() {
                let subject = (turn + number) % stores.len();
                let seed = seed.wrapping_add(2 * number as u64);
                let task = Task { operation, order: WORKLOAD.distribution, seed };
                let result = round(&*stores[subject], task, [first, second])?;
                if number > 0 {
                    by_subject[subject].push(result);
                }
            }
        }
    }
    if !settings::measuring() {
        return Ok(());
    }
    record::print_head(
        "Two processes",
        "cargo bench -p hostcache-benches --bench multi_process",
        seed,
    );
    println!("CPUs {first} and {second}, {rounds} rounds, {} keys, 100 B values.\n", WORKLOAD.keys);
    print_tables(&kinds, &measured);
    Ok(())
}

fn print_tables(kinds: &[SubjectKind], measured: &[Vec<Vec<Option<Round>>>]) {
    let mut figures = Table::new(&[
        "operation",
        "subject",
        "x1, ns",
        "x2, ns each",
        "x2 - x1",
        "x2 / x1",
        "kept",
        "rounds",
    ]);
    let mut goals = Table::new(&["operation", "hostcache's x2 / x1 over the floor's", "goal"]);
    for (by_subject, operation) in measured.iter().zip(OPERATIONS) {
        for (rounds, kind) in by_subject.iter().zip(kinds) {
            let valid: Vec<Round> = rounds.iter().flatten().copied().collect();
            let cell = |of: fn(&Round) -> f64| {
                Spread::of(valid.iter().map(of).collect()).map_or("-".into(), |s| s.to_string())
            };
            figures.row(vec![
                operation.name().into(),
                kind.name().into(),
                cell(|round| round.alone),
                cell(|round| round.together),
                cell(|round| round.together - round.alone),
                cell(|round| round.slowdown),
                cell(|round| round.kept),
                format!("{} of {}", valid.len(), rounds.len()),
            ]);
        }
        if let [hostcache, floor] = &by_subject[..] {
            let both = hostcache.iter().zip(floor).filter_map(|(own, floor)| (*own).zip(*floor));
            let (own, floor): (Vec<f64>, Vec<f64>) =
                both.map(|(own, floor)| (own.slowdown, floor.slowdown)).unzip();
            let ratio = Spread::of(ratios(&own, &floor));
            let verdict = match ratio {
                Some(ratio) if ratio.median <= GOAL => "kept",
                Some(_) => "missed",
                None => "no round to judge by",
            };
            goals.row(vec![
                operation.name().into(),
                ratio.map_or("-".into(), |ratio| ratio.to_string()),
                format!("<= {GOAL:.2}: {verdict}"),
            ]);
        }
    }
    print!("{figures}");
    if kinds.len() == 2 {
        print!("\n{goals}");
    }
}
