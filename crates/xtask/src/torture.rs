//! `cargo xtask torture`: the same properties as `test`, at volumes that take hours.

use crate::step::Step;
use crate::test;

/// Ten times what `cargo xtask test` does.
const VOLUMES: [(&str, &str); 11] = [
    ("HOSTCACHE_TEST_OPS", "100000000"),
    ("HOSTCACHE_TEST_STOPS", "10000"),
    ("HOSTCACHE_TEST_KILLS", "10000"),
    ("HOSTCACHE_TEST_PROCESSES", "10000"),
    ("HOSTCACHE_TEST_HISTORIES", "3000000"),
    ("HOSTCACHE_TEST_SIZES", "50000"),
    ("HOSTCACHE_TEST_KILL_POINTS", "10000000"),
    ("HOSTCACHE_TEST_DOUBLE_FAULTS", "20000000"),
    ("HOSTCACHE_TEST_STOP_POINTS", "5000000"),
    ("HOSTCACHE_TEST_PAIRS", "1000000"),
    ("HOSTCACHE_TEST_PAIR_CUTS", "1000000"),
];

/// Takeovers within a second, and a warm start of a million items.
const OPERATIONS: [(&str, &str); 3] = [
    ("HOSTCACHE_TEST_TAKEOVERS", "200"),
    ("HOSTCACHE_TEST_TAKEOVER_LIMIT_MS", "1000"),
    ("HOSTCACHE_TEST_DUMP_ITEMS", "1000000"),
];

/// One preemption more than the models explore by default, a hundred times the executions, and a death at every access.
const EXPLORATION: [(&str, &str); 3] = [
    ("LOOM_MAX_PREEMPTIONS", "3"),
    ("HOSTCACHE_LOOM_EXECUTIONS", "3000000"),
    ("HOSTCACHE_LOOM_DEATH_STEP", "1"),
];

/// An hour each of fuzzing and of a live mutator, in either build, a stop at every instruction, and
/// every error of every call to the system.
const HOSTILITY: [(&str, &str); 3] = [
    ("HOSTCACHE_TEST_HOSTILE_SECONDS", "3600"),
    ("HOSTCACHE_TEST_HUNT_STRIDE", "1"),
    ("HOSTCACHE_TEST_FAULT_STRIDE", "1"),
];

/// The long steps. A variable that the caller has set already is left as it is.
pub(crate) fn steps() -> Vec<Step> {
    vec![
        test::system().with_env(&VOLUMES),
        test::cli().with_env(&OPERATIONS),
        test::hostile().with_env(&HOSTILITY),
        test::loom().with_env(&EXPLORATION),
    ]
}
