//! `cargo xtask golden`: writes `tests/data/region-v<N>.zst`, N the present layout version.

use crate::step::Step;
use crate::workspace::cargo;

/// Writes it, then reads it as the tests do.
pub(crate) fn steps() -> Vec<Step> {
    let layout = ["test", "-p", "hostcache-tests", "--test", "layout", "--"];
    let write = ["--ignored", "--exact", "write_the_golden_region", "--nocapture"];
    vec![Step::commands(
        "golden",
        "the golden region of the present layout version",
        [cargo(layout.into_iter().chain(write)), cargo(layout)],
    )]
}
