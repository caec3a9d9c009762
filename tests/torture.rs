//! Torture at the volume of every change: kills, double faults and stops at every store of every operation.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use hostcache_tests::random::seed;
use hostcache_tests::torture::{Work, run};
use hostcache_tests::volume::points;

#[test]
#[cfg_attr(debug_assertions, ignore = "steps through a release build")]
fn whoever_is_killed_or_stopped_anywhere_harms_nobody() {
    match run(&Work::of_environment(seed("torture"), points), |_| {}) {
        Ok((totals, coverage)) => println!("{totals}\n{}", coverage.summary()),
        Err(None) => println!("skipped: processes may not be traced here"),
        Err(Some(finding)) => panic!("{finding}"),
    }
}
