//! `cargo xtask header`: writes what is generated from the C functions' source.

use crate::step::Step;
use crate::workspace::cargo;

/// Writes it, then reads it as the tests do.
pub(crate) fn steps() -> Vec<Step> {
    let header = ["test", "-p", "hostcache-c", "--test", "header", "--"];
    let write = ["--ignored", "--nocapture"];
    vec![Step::commands(
        "header",
        "hostcache.h and the list of its symbols",
        [cargo(header.into_iter().chain(write)), cargo(header)],
    )]
}
