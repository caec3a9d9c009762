//! Replays by several processes, and what replays leave behind.
//!
//! A program of one thread, not a set of test functions: a replay by several processes forks, and
//! refuses to in a process of several threads, as test functions are run in.

mod support;

use std::fs;
use std::thread;

use hostcache_replay::generate::{Settings, Workload};
use hostcache_replay::{ReplayError, ReplayOptions, Summary, run};
use support::{Scratch, alone};

const ZIPF: Settings =
    Settings { workload: Workload::Zipf, seed: 5, requests: 30_000, keys: 4_000 };
const SHIFT: Settings = Settings { workload: Workload::SizeShift, ..ZIPF };

fn main() {
    let scratch = Scratch::new("regions");
    // SAFETY: this process has one thread, so nobody reads the environment meanwhile.
    unsafe { std::env::set_var("HOSTCACHE_DIR", scratch.path()) };
    for (name, test) in [
        ("with room for all any number of processes miss the same", same_misses as fn()),
        ("phases add up over processes", phases_add_up),
        ("processes in turns evict about as well as one", similar_eviction),
        ("an error in the middle ends all processes", error_ends_all),
        ("a process of several threads does not fork", threads_refuse),
    ] {
        println!("test {name} ...");
        test();
        let left: Vec<_> = fs::read_dir(scratch.path()).expect("regions").flatten().collect();
        assert!(left.is_empty(), "{left:?} is left behind");
    }
}

fn by(processes: usize, settings: &Settings, capacity: u64) -> Summary {
    let scratch = Scratch::new("trace");
    let options = ReplayOptions { processes, ..alone(scratch.trace(settings), capacity) };
    run(&options).expect("replay")
}

fn same_misses() {
    for processes in [1, 2, 3] {
        let summary = by(processes, &ZIPF, 16 << 20);
        assert_eq!((summary.requests, summary.gets), (30_000, 30_000), "{processes} processes");
        assert_eq!(summary.misses, summary.keys, "{processes} processes: {summary}");
        assert_eq!(summary.set_errors, 0, "{:?}", summary.first_set_error);
    }
}

fn phases_add_up() {
    let summary = by(3, &SHIFT, 16 << 20);
    let gets: Vec<_> = summary.phases.iter().map(|phase| phase.gets).collect();
    assert_eq!(gets, [10_000; 3]);
    assert_eq!(summary.phases.iter().map(|phase| phase.misses).sum::<u64>(), summary.misses);
}

fn similar_eviction() {
    let (one, four) = (by(1, &ZIPF, 1 << 20), by(4, &ZIPF, 1 << 20));
    assert!(one.stats.evictions > 0 && four.stats.evictions > 0, "{one} / {four}");
    // Each process keeps some free blocks to itself, which is much in a cache as small as this.
    assert!(four.miss_ratio() <= 1.2 * one.miss_ratio(), "{one} / {four}");
}

fn error_ends_all() {
    let scratch = Scratch::new("error");
    let trace = scratch.file("small.trace", b"1,100,g,0\n2,100,g,0\n");
    let error = run(&ReplayOptions { processes: 3, ..alone(trace, 1) }).expect_err("no capacity");
    assert!(matches!(error, ReplayError::Region(_)), "{error}");
}

fn threads_refuse() {
    let scratch = Scratch::new("threads");
    let trace = scratch.file("small.trace", b"1,100,g,0\n");
    let options = ReplayOptions { processes: 2, ..alone(trace, 1 << 20) };
    let result = thread::spawn(move || run(&options)).join().expect("no panic");
    assert!(matches!(result, Err(ReplayError::InvalidOption(_))), "{result:?}");
}
