//! Processes that call the cache as C programs do, and are really killed, stopped, or fork, in the middle of a call.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use hostcache_tests::random::seed;
use hostcache_tests::torture::{Entry, Real, real_deaths};
use hostcache_tests::volume::points;

#[test]
fn real_deaths_and_forks_in_the_middle_harm_nobody() {
    let each = points("HOSTCACHE_TEST_ENTRY_KILLS", 2);
    match real_deaths(seed("entries"), each.max(2)) {
        Some(Real { kills, stops, forks, waited }) => println!(
            "{kills} real kills; {stops} stops; {forks} forks in the middle of an operation, {waited} of which waited for it"
        ),
        None => println!("skipped: processes may not be traced here"),
    }
}

/// What has no region to harm, or needs another process: a socket's daemon.
const OTHERS: [&str; 9] = [
    "hostcache_clock_advance",
    "hostcache_clock_create",
    "hostcache_clock_elapsed",
    "hostcache_clock_free",
    "hostcache_error_message",
    "hostcache_layout_version",
    "hostcache_open_socket",
    "hostcache_status_str",
    "hostcache_version",
];

#[test]
fn every_function_of_the_header_is_cut_off_somewhere() {
    const SYMBOLS: &str = include_str!("../bindings/c/symbols.txt");
    let driven: Vec<&str> =
        Entry::ALL.iter().flat_map(|entry| entry.functions()).copied().collect();
    for name in SYMBOLS.lines() {
        assert!(driven.contains(&name) != OTHERS.contains(&name), "{name}");
    }
    assert!(driven.iter().chain(&OTHERS).all(|name| SYMBOLS.lines().any(|line| line == *name)));
}
