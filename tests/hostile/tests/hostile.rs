//! What an enemy writes into a region ends nobody else, whatever it is and whenever it comes.
//!
//! `HOSTCACHE_TEST_HOSTILE_SECONDS` is how long each of the tests runs; `HOSTCACHE_SEED` replays the choices. A finding
//! is told with the line that replays it alone.

use std::hash::{BuildHasher, RandomState};
use std::process::Command;

// Its counters' hooks: a build with coverage counts this file's edges too.
use hostcache_hostile as _;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// How long a test runs.
fn seconds() -> String {
    let default =
        if cfg!(debug_assertions) && cfg!(not(feature = "coverage")) { "2" } else { "15" };
    variable("HOSTCACHE_TEST_HOSTILE_SECONDS").unwrap_or_else(|| default.to_owned())
}

fn run(args: &[&str]) -> String {
    let seed = variable("HOSTCACHE_SEED")
        .unwrap_or_else(|| (RandomState::new().hash_one(args) >> 16).to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostcache-hostile"));
    let output = command.args(args).args(["--seed", &seed]).output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{told}");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{told}\n{complaints}", output.status);
    told
}

fn fuzz(target: &str) {
    let corpus = format!("{}/../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    run(&["fuzz", target, "--seconds", &seconds(), "--corpus", &corpus]);
}

#[test]
fn programs_on_damaged_regions_end_within_bounds() {
    fuzz("core");
}

#[test]
fn programs_on_damaged_handles_end_within_bounds() {
    fuzz("cache");
}

#[test]
fn operations_end_while_another_process_writes_damage() {
    run(&["live", "--seconds", &seconds()]);
}

/// Only where the bound on steps is short: each of many cases may go to its end.
#[test]
fn a_word_that_changes_between_two_instructions_is_not_believed_twice() {
    if cfg!(not(fuzzing)) {
        println!("skipped: the hunt runs in the build with coverage");
        return;
    }
    let stride = variable("HOSTCACHE_TEST_HUNT_STRIDE").unwrap_or_else(|| "9".to_owned());
    let told = run(&["hunt", "--stride", &stride]);
    assert!(told.contains("no finding") || told.contains("skipped"), "{told}");
}
