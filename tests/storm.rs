//! One of eight workers is killed every ten milliseconds: a few seconds of what `hostcache-torture storm` does for a minute.

use std::time::Duration;

use hostcache_tests::campaign::Storm;
use hostcache_tests::{random, volume};

#[test]
fn nobody_notices_that_one_in_eight_is_killed_every_ten_milliseconds() {
    let storm = Storm {
        program: env!("CARGO_BIN_EXE_test-worker"),
        seed: random::seed("storm"),
        length: Duration::from_millis(volume::points("HOSTCACHE_TEST_STORM_MS", 2_000)),
        every: Duration::from_millis(10),
        elsewhere: false,
    };
    println!("{}", storm.run());
}
