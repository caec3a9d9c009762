//! Generates traces and replays them in this process: what is counted, what is left behind.

mod support;

use hostcache_replay::generate::{Settings, Workload};
use hostcache_replay::{ReplayError, ReplayOptions, run};
use support::{Scratch, alone};

const ZIPF: Settings =
    Settings { workload: Workload::Zipf, seed: 11, requests: 60_000, keys: 5_000 };

#[test]
fn with_room_for_all_only_first_requests_miss() {
    let scratch = Scratch::new("room");
    let summary = run(&alone(scratch.trace(&ZIPF), 16 << 20)).expect("replay");
    assert_eq!((summary.requests, summary.gets), (60_000, 60_000));
    assert_eq!((summary.misses, summary.stats.evictions), (summary.keys, 0));
    assert_eq!((summary.stats.curr_items, summary.set_errors), (summary.keys, 0));
    assert!(summary.region_bytes >= 16 << 20, "{summary}");
}

#[test]
fn a_small_cache_evicts_and_still_gives_right_values() {
    let scratch = Scratch::new("small");
    let summary = run(&alone(scratch.trace(&ZIPF), 1 << 20)).expect("replay");
    assert!(summary.misses > summary.keys && summary.miss_ratio() < 0.9, "{summary}");
    assert!(summary.stats.evictions > 0, "{summary}");
    assert_eq!(summary.set_errors, 0, "{:?}", summary.first_set_error);
}

#[test]
fn every_workload_replays_without_failed_sets() {
    for workload in Workload::ALL {
        let scratch = Scratch::new(workload.name());
        let settings = Settings { workload, seed: 3, requests: 30_000, keys: 3_000 };
        let summary = run(&alone(scratch.trace(&settings), 2 << 20)).expect("replay");
        assert_eq!(summary.requests, 30_000, "{workload}");
        assert_eq!(summary.set_errors, 0, "{workload}: {:?}", summary.first_set_error);
        let phases = if workload == Workload::SizeShift { 3 } else { 0 };
        assert_eq!(summary.phases.len(), phases, "{workload}");
        assert_eq!(summary.to_string().matches(" phase[").count(), phases, "{workload}");
    }
}

#[test]
fn compressed_and_plain_traces_give_the_same_figures() {
    let scratch = Scratch::new("zstd");
    let plain = scratch.trace(&ZIPF);
    let text = std::fs::read(&plain).expect("read");
    let packed = scratch.file("trace.zst", &zstd::encode_all(&text[..], 3).expect("compress"));
    let of_plain = run(&alone(plain, 16 << 20)).expect("replay");
    let of_packed = run(&alone(packed, 16 << 20)).expect("replay");
    assert_eq!(of_plain.misses, of_packed.misses);
    assert_eq!(of_plain.missed_bytes, of_packed.missed_bytes);
}

#[test]
fn several_files_are_replayed_as_one() {
    let scratch = Scratch::new("files");
    let first = scratch.file("1.trace", b"1,100,g,0\n2,100,g,0\n");
    let second = scratch.file("2.trace", b"1,100,g,0\n2,100,d,0\n2,100,g,0\n");
    let options = ReplayOptions { files: vec![first, second], ..alone("".into(), 1 << 20) };
    let summary = run(&options).expect("replay");
    assert_eq!((summary.requests, summary.gets, summary.misses), (5, 4, 3));
}

#[test]
fn a_paced_replay_takes_as_long_as_its_trace() {
    let scratch = Scratch::new("paced");
    let trace = scratch.file("paced.trace", b"1,100,g,0,0\n2,100,g,0,100\n1,100,g,0,200\n");
    let summary = run(&ReplayOptions { paced: true, ..alone(trace, 1 << 20) }).expect("replay");
    // No sleep ends early, so this holds however busy the machine is.
    assert!(summary.duration.as_millis() >= 200, "{summary}");
    assert_eq!(summary.misses, 2);
}

#[test]
fn a_value_over_the_limit_is_a_counted_failure() {
    let scratch = Scratch::new("limit");
    let trace =
        scratch.file("large.trace", b"1,100,g,0\n2,3000000,g,0\n2,3000000,g,0\n1,100,g,0\n");
    let summary = run(&alone(trace, 1 << 20)).expect("replay");
    assert_eq!((summary.misses, summary.set_errors), (3, 2), "{summary}");
    assert!(summary.first_set_error.is_some_and(|text| text.contains("request 2")));
}

#[test]
fn wrong_traces_and_options_are_errors() {
    let scratch = Scratch::new("errors");
    let bad = scratch.file("bad.trace", b"1,100,g,0\n1,100,x,0\n");
    let error = run(&alone(bad, 1 << 20)).expect_err("bad line");
    assert!(matches!(error, ReplayError::Parse { line: 2, .. }), "{error}");
    let good = scratch.file("good.trace", b"1,100,g,0\n");
    let error = run(&alone(good.clone(), 1)).expect_err("no capacity");
    assert!(matches!(error, ReplayError::Region(_)), "{error}");
    let none = ReplayOptions { processes: 0, ..alone(good, 1 << 20) };
    assert!(matches!(run(&none), Err(ReplayError::InvalidOption(_))));
}
