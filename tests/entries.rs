//! Processes that call the cache as C programs do, and are really killed, or fork, in the middle of a call.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use hostcache_tests::random::seed;
use hostcache_tests::torture::{Real, real_deaths};
use hostcache_tests::volume::points;

#[test]
fn real_deaths_and_forks_in_the_middle_harm_nobody() {
    let each = points("HOSTCACHE_TEST_ENTRY_KILLS", 2);
    match real_deaths(seed("entries"), each.max(2)) {
        Some(Real { kills, forks, waited }) => println!(
            "{kills} real kills; {forks} forks in the middle of an operation, {waited} of which waited for it"
        ),
        None => println!("skipped: processes may not be traced here"),
    }
}
