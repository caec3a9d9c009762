//! The checker is exact: it agrees with the definition of linearizability on small histories, and
//! never flags a history, however long, that is right by construction.

use hostcache_tests::checker::exhaustive::is_linearizable;
use hostcache_tests::checker::simulate::{Kind, Simulation, damage};
use hostcache_tests::checker::{Mode, Verdict, check_key};
use hostcache_tests::random::{Random, seed};
use hostcache_tests::volume;

fn any_simulation(random: &mut Random, operations: usize, processes: u64) -> Simulation {
    Simulation {
        writer: 1,
        operations,
        processes: random.between(1, processes) as usize,
        mode: *random.pick(&[Mode::NoSpontaneousEnd, Mode::MayEnd]),
        kind: *random.pick(&Kind::ALL),
        killed_one_in: *random.pick(&[0, 3, 6]),
    }
}

#[test]
fn agrees_with_an_exhaustive_search_on_small_histories() {
    let mut random = Random::new(seed("agrees_with_an_exhaustive_search"));
    let rounds = volume::histories();
    let (mut right, mut wrong) = (0, 0);
    for round in 0..rounds {
        let operations = random.between(2, 7) as usize;
        let simulation = any_simulation(&mut random, operations, 4);
        let mut events = simulation.run(&mut random);
        let damages = random.below(4);
        (0..damages).for_each(|_| damage(&mut events, &mut random));
        // A history of one mode may be explained in the other as well, or not: both are asked.
        for mode in [Mode::NoSpontaneousEnd, Mode::MayEnd] {
            let truth = is_linearizable(&events, mode);
            let verdict = check_key(&events, mode);
            assert_eq!(
                verdict == Verdict::Linearizable,
                truth,
                "round {round}: {verdict:?} in {mode:?}, exhaustive search says {truth}: {events:#?}"
            );
            assert!(truth || damages > 0 || mode != simulation.mode, "{simulation:?}: {events:#?}");
            *(if truth { &mut right } else { &mut wrong }) += 1;
        }
    }
    println!("{right} histories right, {wrong} wrong");
    assert!(right > rounds / 5 && wrong > rounds / 5, "one-sided: {right} right, {wrong} wrong");
}

#[test]
fn long_histories_that_are_right_are_never_flagged() {
    let mut random = Random::new(seed("long_histories"));
    for round in 0..volume::histories() / 1_000 {
        let simulation = any_simulation(&mut random, 2_000, 8);
        let events = simulation.run(&mut random);
        let verdict = check_key(&events, simulation.mode);
        assert_eq!(verdict, Verdict::Linearizable, "round {round}: {simulation:?}");
    }
}

#[test]
fn many_operations_at_once_are_followed_or_admitted_to_be_too_many() {
    let mut random = Random::new(seed("many_operations_at_once"));
    for processes in [12, 24, 100] {
        let simulation = Simulation {
            writer: 1,
            operations: 500,
            processes,
            mode: Mode::MayEnd,
            kind: Kind::Plain,
            killed_one_in: 0,
        };
        let verdict = check_key(&simulation.run(&mut random), simulation.mode);
        println!("{processes} at once: {verdict:?}");
        assert!(!verdict.is_violation(), "{processes} at once: {verdict:?}");
    }
}
