//! One process: hostcache beside an in-process map and the lower bound.
//!
//! Each case is measured twice in one run. Criterion takes every subject by itself, with its spread and its
//! comparison with the run before. Then the same subjects take turns in short batches, and the record at the
//! end has the ratios formed round by round: those are the figures to judge by.

use std::time::Duration;

use criterion::Criterion;
use hostcache_benches::figures::Spread;
use hostcache_benches::record::{self, Table};
use hostcache_benches::settings::{self, SubjectKind};
use hostcache_benches::side_by_side::{self, Lane};
use hostcache_benches::subject::{DashMapSubject, Floor, Nothing, Region};
use hostcache_benches::{Distribution, Operation, Session, Subject, ValueSize, Workload};

const ROUNDS: usize = 101;

struct Case {
    operation: Operation,
    workload: Workload,
    /// What hostcache may take as a multiple of the in-process map.
    goal: Option<f64>,
}

impl Case {
    fn name(&self) -> String {
        let Workload { keys, distribution, sizes } = self.workload;
        let distribution = match distribution {
            Distribution::Uniform => String::new(),
            Distribution::Zipf(exponent) => format!(" zipf {exponent}"),
        };
        let sizes = match sizes {
            ValueSize::Fixed(len) => format!("{len} B"),
            ValueSize::Octaves { min, .. } => format!("{min} to {} B", sizes.max_len()),
        };
        format!("{}, {keys} keys{distribution}, {sizes}", self.operation.name())
    }

    /// A session of `subject`, ready to be measured.
    fn lane<S: Subject + 'static>(&self, subject: S, seed: u64) -> Lane {
        let mut session = Session::new(subject, self.workload, seed);
        session.fill();
        session.check_all();
        if self.operation == Operation::SetNew {
            session.empty();
        }
        self.timed(session)
    }

    fn timed<S: Subject + 'static>(&self, mut session: Session<S>) -> Lane {
        let operation = self.operation;
        Box::new(move |operations| session.run(operation, operations))
    }

    fn lane_of(&self, kind: SubjectKind, seed: u64) -> Result<Lane, Box<dyn std::error::Error>> {
        Ok(match kind {
            SubjectKind::Hostcache => {
                let region = Region::create("single", &self.workload)?;
                let mut lane = self.lane(region.open()?, seed);
                Box::new(move |operations| {
                    let _lives_as_long = &region;
                    lane(operations)
                })
            }
            SubjectKind::DashMap => self.lane(DashMapSubject::new(self.workload.keys), seed),
            SubjectKind::Floor => self.lane(Floor::new(self.workload.keys)?, seed),
            SubjectKind::Loop => {
                self.timed(Session::new(Nothing(self.workload.sizes), self.workload, seed))
            }
        })
    }

    fn suits(&self, kind: SubjectKind) -> bool {
        kind != SubjectKind::Floor || self.workload.sizes.max_len() <= Floor::MAX_VALUE_LEN
    }
}

fn cases() -> Vec<Case> {
    let zipf = Workload { distribution: Distribution::Zipf(0.99), ..Workload::LARGE };
    let sizes = Workload { sizes: ValueSize::Octaves { min: 64, octaves: 6 }, ..Workload::HOT };
    let case = |operation, workload, goal| Case { operation, workload, goal };
    vec![
        case(Operation::GetHit, Workload::HOT, Some(1.3)),
        case(Operation::GetMiss, Workload::HOT, None),
        case(Operation::SetOver, Workload::HOT, Some(1.0)),
        case(Operation::SetNew, Workload::HOT, None),
        case(Operation::GetHit, sizes, None),
        case(Operation::GetHit, Workload::LARGE, None),
        case(Operation::GetHit, zipf, None),
        case(Operation::GetMiss, Workload::LARGE, None),
        case(Operation::SetOver, Workload::LARGE, None),
        case(Operation::SetNew, Workload::LARGE, None),
    ]
}

/// What a case's turns gave: `figures[subject][round]` in nanoseconds per operation.
struct Outcome {
    subjects: Vec<SubjectKind>,
    figures: Vec<Vec<f64>>,
}

impl Outcome {
    fn of(&self, kind: SubjectKind) -> Option<&[f64]> {
        let at = self.subjects.iter().position(|&subject| subject == kind)?;
        Some(&self.figures[at])
    }

    fn ratio_to(&self, peer: SubjectKind) -> Option<Spread> {
        let own = self.of(SubjectKind::Hostcache)?;
        Spread::of(side_by_side::ratios(own, self.of(peer)?))
    }

    /// The ratio of what is left of both without the loop.
    fn net_ratio_to(&self, peer: SubjectKind) -> Option<Spread> {
        let looped = self.of(SubjectKind::Loop)?;
        let net = |kind| -> Option<Vec<f64>> {
            Some(self.of(kind)?.iter().zip(looped).map(|(all, looped)| all - looped).collect())
        };
        Spread::of(side_by_side::ratios(&net(SubjectKind::Hostcache)?, &net(peer)?))
    }

    fn row(&self, case: &Case) -> Vec<String> {
        let blank = || "-".to_owned();
        let mut cells = vec![case.name()];
        for kind in SubjectKind::ALL {
            let figure = self.of(kind).and_then(|figures| Spread::of(figures.to_vec()));
            cells.push(figure.map_or_else(blank, |figure| format!("{figure:.1}")));
        }
        let to_map = self.ratio_to(SubjectKind::DashMap);
        let net = self.net_ratio_to(SubjectKind::DashMap);
        let to_floor = self.ratio_to(SubjectKind::Floor);
        cells.extend(
            [to_map, net, to_floor].map(|ratio| ratio.map_or_else(blank, |r| r.to_string())),
        );
        cells.push(match (case.goal, to_map) {
            (Some(goal), Some(ratio)) if ratio.median <= goal => format!("<= {goal:.1}: kept"),
            (Some(goal), Some(_)) => format!("<= {goal:.1}: missed"),
            (Some(goal), None) => format!("<= {goal:.1}"),
            (None, _) => blank(),
        });
        cells
    }
}

/// Measures a case with criterion, then side by side with those subjects that criterion's filter let through.
fn measure(criterion: &mut Criterion, case: &Case, kinds: &[SubjectKind], seed: u64) -> Outcome {
    let mut group = criterion.benchmark_group(case.name());
    let (mut subjects, mut lanes) = (Vec::new(), Vec::new());
    for &kind in kinds.iter().filter(|&&kind| case.suits(kind)) {
        let mut lane: Option<Lane> = None;
        group.bench_function(kind.name(), |bencher| {
            let lane = lane.get_or_insert_with(|| {
                case.lane_of(kind, seed).unwrap_or_else(|error| panic!("{}: {error}", kind.name()))
            });
            bencher.iter_custom(lane);
        });
        if let Some(lane) = lane {
            subjects.push(kind);
            lanes.push(lane);
        }
    }
    group.finish();
    let rounds = if settings::measuring() { ROUNDS } else { 1 };
    Outcome { subjects, figures: side_by_side::measure(&mut lanes, rounds) }
}

fn main() -> Result<(), String> {
    let kinds = settings::subjects(&SubjectKind::ALL)?;
    let seed = settings::seed()?;
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut table = Table::new(&[
        "case, ns per operation",
        "hostcache",
        "dashmap",
        "floor",
        "loop",
        "hostcache / dashmap",
        "the same without the loop",
        "hostcache / floor",
        "goal",
    ]);
    // Without measuring, only to see that it works: the large set would take longer than it shows.
    let suits = |case: &Case| settings::measuring() || case.workload.keys <= Workload::HOT.keys;
    for case in cases().into_iter().filter(suits) {
        let outcome = measure(&mut criterion, &case, &kinds, seed);
        if !outcome.subjects.is_empty() {
            table.row(outcome.row(&case));
        }
    }
    criterion.final_summary();
    if !settings::measuring() {
        return Ok(());
    }
    record::print_head("One process", "cargo bench -p hostcache-benches --bench single", seed);
    println!(
        "Medians over {ROUNDS} rounds with their quartiles; ratios are formed within a round.\n"
    );
    print!("{table}");
    Ok(())
}
