//! The checker sees what it is there for: eleven faults, each planted by hand and in a running cache.

use std::collections::BTreeSet;

use hostcache_tests::checker::simulate::{Kind, Simulation};
use hostcache_tests::checker::{Mode, Report, Verdict, check_all, check_key};
use hostcache_tests::driver::{Driver, Mix};
use hostcache_tests::history::{Call, Event, Histories, Log, Outcome, Source};
use hostcache_tests::model_store::{Fault, ModelStore};
use hostcache_tests::random::{Random, seed};

use Call::{Add, Delete, Extend, Get, Increment, Set, Swap, Take, Touch};
use Outcome::{Absent, Done, Foreign, Present, Torn, Value};

const BOTH: [Mode; 2] = [Mode::NoSpontaneousEnd, Mode::MayEnd];

/// Ids that no simulation writes.
const A: u64 = 1 << 60;
const B: u64 = 2 << 60;
const C: u64 = 3 << 60;

/// A fault as a few operations, and the same operations as a right cache answers them. Operations
/// that share a `turn` run at once, others one after another.
struct Plant {
    fault: Fault,
    operations: &'static [(u64, Call, Outcome)],
    right: &'static [(u64, Call, Outcome)],
}

const PLANTS: &[Plant] = &[
    Plant {
        fault: Fault::StaleRead,
        operations: &[(1, Set { new: A }, Done), (2, Set { new: B }, Done), (3, Get, Value(A))],
        right: &[(1, Set { new: A }, Done), (2, Set { new: B }, Done), (3, Get, Value(B))],
    },
    Plant {
        // Two readers at once may differ beside a set, but not one after the other.
        fault: Fault::StaleRead,
        operations: &[
            (1, Set { new: A }, Done),
            (2, Set { new: B }, Done),
            (2, Get, Value(B)),
            (3, Get, Value(A)),
        ],
        right: &[
            (1, Set { new: A }, Done),
            (2, Set { new: B }, Done),
            (2, Get, Value(A)),
            (3, Get, Value(B)),
        ],
    },
    Plant {
        fault: Fault::LostUpdate,
        operations: &[
            (1, Set { new: A }, Done),
            (2, Set { new: B }, Done),
            (3, Swap { expected: A, new: C }, Done),
        ],
        right: &[
            (1, Set { new: A }, Done),
            (2, Set { new: B }, Done),
            (3, Swap { expected: A, new: C }, Present),
        ],
    },
    Plant {
        fault: Fault::DoubleAdd,
        operations: &[
            (1, Set { new: C }, Done),
            (2, Delete, Done),
            (3, Add { new: A }, Done),
            (3, Add { new: B }, Done),
            (4, Get, Value(A)),
            (5, Get, Value(B)),
        ],
        right: &[
            (1, Set { new: C }, Done),
            (2, Delete, Done),
            (3, Add { new: A }, Done),
            (3, Add { new: B }, Present),
            (4, Get, Value(A)),
            (5, Get, Value(A)),
        ],
    },
    Plant {
        fault: Fault::ResurrectedDelete,
        operations: &[
            (1, Set { new: A }, Done),
            (2, Delete, Done),
            (3, Get, Absent),
            (4, Get, Value(A)),
        ],
        right: &[(1, Set { new: A }, Done), (2, Delete, Done), (3, Get, Absent), (4, Get, Absent)],
    },
    Plant {
        fault: Fault::Torn,
        operations: &[(1, Set { new: A }, Done), (2, Get, Torn)],
        right: &[(1, Set { new: A }, Done), (2, Get, Value(A))],
    },
    Plant {
        fault: Fault::Foreign,
        operations: &[(1, Set { new: A }, Done), (2, Get, Foreign(B))],
        right: &[(1, Set { new: A }, Done), (2, Get, Value(A))],
    },
    Plant {
        fault: Fault::LostIncrement,
        operations: &[
            (1, Set { new: A }, Done),
            (2, Increment { by: 1 }, Value(A + 1)),
            (2, Increment { by: 1 }, Value(A + 1)),
        ],
        right: &[
            (1, Set { new: A }, Done),
            (2, Increment { by: 1 }, Value(A + 2)),
            (2, Increment { by: 1 }, Value(A + 1)),
        ],
    },
    Plant {
        // As chains these ids count no records.
        fault: Fault::LostAppend,
        operations: &[
            (1, Set { new: A }, Done),
            (2, Extend { new: B, at_front: false }, Value(1)),
            (2, Extend { new: C, at_front: true }, Value(1)),
        ],
        right: &[
            (1, Set { new: A }, Done),
            (2, Extend { new: B, at_front: false }, Value(2)),
            (2, Extend { new: C, at_front: true }, Value(1)),
        ],
    },
    Plant {
        fault: Fault::DoubleTake,
        operations: &[(1, Set { new: A }, Done), (2, Take, Value(A)), (2, Take, Value(A))],
        right: &[(1, Set { new: A }, Done), (2, Take, Value(A)), (2, Take, Absent)],
    },
    Plant {
        fault: Fault::StaleTouch,
        operations: &[
            (1, Set { new: A }, Done),
            (2, Set { new: B }, Done),
            (3, Touch, Value(B)),
            (4, Get, Value(A)),
        ],
        right: &[
            (1, Set { new: A }, Done),
            (2, Set { new: B }, Done),
            (3, Touch, Value(B)),
            (4, Get, Value(B)),
        ],
    },
    Plant {
        fault: Fault::MisorderedSwap,
        operations: &[
            (1, Set { new: A }, Done),
            (2, Swap { expected: A, new: B }, Done),
            (2, Swap { expected: A, new: C }, Done),
        ],
        right: &[
            (1, Set { new: A }, Done),
            (2, Swap { expected: A, new: B }, Done),
            (2, Swap { expected: B, new: C }, Done),
        ],
    },
];

/// Two right histories with `operations`, and a clear, between them; and where those begin.
fn planted(
    mode: Mode,
    operations: &[(u64, Call, Outcome)],
    random: &mut Random,
) -> (Vec<Event>, usize) {
    let mut simulate = |writer| {
        let simulation = Simulation {
            writer,
            operations: random.between(1, 300) as usize,
            processes: 4,
            mode,
            kind: *random.pick(&Kind::ALL),
            killed_one_in: *random.pick(&[0, 50]),
        };
        simulation.run(random)
    };
    let (mut events, after) = (simulate(1), simulate(2));
    let begin = events.len();
    let mut time = events.iter().map(|event| event.end).max().unwrap_or(0);
    let clear = (1_000, Call::Clear, Done);
    events.extend(operations.iter().chain([&clear]).map(|&(turn, call, outcome)| {
        let start = time + turn * 20 + random.below(5);
        Event { start, end: start + 5 + random.below(10), call, outcome }
    }));
    time = events.iter().map(|event| event.end).max().unwrap_or(0) + 1;
    events.extend(after.iter().map(|event| Event {
        start: time + event.start,
        end: time + event.end,
        ..*event
    }));
    events.sort_by_key(|event| event.start);
    (events, begin)
}

#[test]
fn eleven_faults_planted_in_right_histories_are_flagged_and_their_right_twins_pass() {
    let mut random = Random::new(seed("eleven_faults_planted"));
    let mut seen = BTreeSet::new();
    for Plant { fault, operations, right } in PLANTS {
        for mode in [BOTH; 100].concat() {
            let (twin, _) = planted(mode, right, &mut random);
            assert_eq!(check_key(&twin, mode), Verdict::Linearizable, "{fault:?}, right twin");
            let (faulty, begin) = planted(mode, operations, &mut random);
            let at = match (fault, check_key(&faulty, mode)) {
                (Fault::Torn, Verdict::Torn(at))
                | (Fault::Foreign, Verdict::Foreign(at))
                | (_, Verdict::NotLinearizable(at)) => at,
                (_, verdict) => panic!("{fault:?} in {mode:?}: {verdict:?}"),
            };
            let within = begin..begin + operations.len();
            assert!(within.contains(&at), "{fault:?} in {within:?} seen at {at}");
        }
        seen.insert(format!("{fault:?}"));
    }
    assert_eq!(seen.len(), Fault::ALL.len(), "each fault is planted: {seen:?}");
}

#[test]
fn a_miss_that_no_delete_explains_is_flagged_only_where_nothing_may_end() {
    let events = [(1, Set { new: A }, Done), (2, Get, Absent)]
        .map(|(start, call, outcome)| Event { start, end: start, call, outcome });
    assert_eq!(check_key(&events, Mode::NoSpontaneousEnd), Verdict::NotLinearizable(1));
    assert_eq!(check_key(&events, Mode::MayEnd), Verdict::Linearizable);
}

#[test]
fn nothing_older_shows_after_an_item_ended() {
    let events =
        [(1, Set { new: A }, Done), (2, Get, Value(A)), (3, Get, Absent), (4, Get, Value(A))]
            .map(|(start, call, outcome)| Event { start, end: start, call, outcome });
    assert_eq!(check_key(&events, Mode::MayEnd), Verdict::NotLinearizable(3));
}

#[test]
fn what_a_killed_worker_left_takes_effect_before_its_death_or_never() {
    let killed = |closed_at| Event {
        start: 2,
        end: closed_at,
        call: Set { new: B },
        outcome: Outcome::Pending,
    };
    let history = |closed_at| {
        let event = |start, call, outcome| Event { start, end: start, call, outcome };
        [
            event(1, Set { new: A }, Done),
            killed(closed_at),
            event(10, Get, Value(A)),
            event(20, Get, Value(B)),
        ]
    };
    for mode in BOTH {
        assert_eq!(check_key(&history(15), mode), Verdict::Linearizable);
        assert_eq!(check_key(&history(9), mode), Verdict::NotLinearizable(3));
    }
}

/// Four threads on a [`ModelStore`], recorded and checked exactly as processes on a region are.
fn run_model(seed: u64, mode: Mode, fault: Option<Fault>) -> Report {
    const STEPS: usize = 10_000;
    let mix = Mix {
        hot_keys: 16,
        cold_keys: 100,
        hot_percent: 90,
        counter_every: 3,
        chain_every: 4,
        counters_only_grow: false,
        clear_one_in: 2_000,
        largest_value: 500,
    };
    let directory = tempfile::tempdir().expect("a scratch directory");
    let store = ModelStore::new(seed, mode == Mode::MayEnd, fault);
    let work = |worker: u16| {
        let log = Log::create(&directory.path().join(worker.to_string()), STEPS).expect("a log");
        let mut driver = Driver::new(&store, mix.clone(), log, worker, seed);
        (0..STEPS).for_each(|_| driver.step().expect("room in the log"));
        driver.into_log()
    };
    let logs: Vec<Log> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=4).map(|worker| scope.spawn(move || work(worker))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    let sources = logs.iter().map(|log| Source { log, closed_at: u64::MAX }).collect();
    check_all(&Histories::gather(sources, mix.keys() as usize), mode)
}

#[test]
fn a_right_cache_under_load_passes() {
    let seed = seed("a_right_cache_under_load");
    for mode in BOTH {
        let report = run_model(seed, mode, None);
        assert!(report.is_clean(), "{mode:?}: {report}");
        assert_eq!(report.operations, 40_000);
    }
}

#[test]
fn a_cache_with_any_of_the_eleven_faults_is_flagged_under_load() {
    let seed = seed("a_cache_with_any_of_the_eleven_faults");
    for fault in Fault::ALL {
        for mode in BOTH {
            let report = run_model(seed, mode, Some(fault));
            let right_kind = report.violations.iter().any(|violation| {
                matches!(
                    (fault, violation.verdict),
                    (Fault::Torn, Verdict::Torn(_))
                        | (Fault::Foreign, Verdict::Foreign(_))
                        | (_, Verdict::NotLinearizable(_))
                )
            });
            assert!(right_kind, "{fault:?} in {mode:?}: {report}");
            println!("{fault:?} in {mode:?}: {} keys flagged", report.violations.len());
        }
    }
}

#[test]
fn a_cache_that_evicts_is_flagged_where_nothing_may_end() {
    let seed = seed("a_cache_that_evicts");
    let store = ModelStore::new(seed, true, None);
    let mix = Mix {
        hot_keys: 4,
        cold_keys: 0,
        hot_percent: 100,
        counter_every: 2,
        chain_every: 0,
        counters_only_grow: false,
        clear_one_in: 0,
        largest_value: 100,
    };
    let directory = tempfile::tempdir().expect("a scratch directory");
    let log = Log::create(&directory.path().join("log"), 1_000).expect("a log");
    let mut driver = Driver::new(&store, mix, log, 1, seed);
    (0..1_000).for_each(|_| driver.step().expect("room in the log"));
    let log = driver.into_log();
    let sources = vec![Source { log: &log, closed_at: u64::MAX }];
    let histories = Histories::gather(sources, 4);
    assert!(check_all(&histories, Mode::MayEnd).is_clean());
    assert!(!check_all(&histories, Mode::NoSpontaneousEnd).violations.is_empty());
}
