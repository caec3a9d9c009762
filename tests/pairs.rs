//! Two processes at once, each stepped, switched at their accesses to the region: every answer and what is left are
//! explained by one order, also where one of them was killed or stood still.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use hostcache_tests::random::seed;
use hostcache_tests::torture::{Pairs, duel};
use hostcache_tests::volume::points;

#[test]
#[cfg_attr(debug_assertions, ignore = "steps through a release build")]
fn two_at_once_are_as_one_after_the_other() {
    match duel(&Pairs::of_environment(seed("pairs"), points), |_| {}) {
        Ok(sum) => println!("{sum}"),
        Err(None) => println!("skipped: processes may not be traced here"),
        Err(Some(finding)) => panic!("{finding}"),
    }
}
