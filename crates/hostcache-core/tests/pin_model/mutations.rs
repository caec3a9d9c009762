//! One step left out or moved: the search must find what it was for. Each test explores the same program with the rule,
//! where it must pass, and without.

use crate::search;
use crate::state::Op::{Delete, Hold, Replace};
use crate::state::{Config, Mutations};

fn is_needed(config: &Config, expected: &str, mutate: impl FnOnce(&mut Mutations)) {
    crate::holds(config);
    let mutated = config.clone().but(mutate);
    let outcome = search::explore(&mutated);
    let Some((violation, path)) = outcome.violation else {
        panic!("{}: {} states without the rule, and nothing broke", config.name, outcome.states);
    };
    println!("{}: without the rule, after {} states: {violation}", config.name, outcome.states);
    assert_eq!(violation, expected, "{path}");
}

#[test]
fn the_record_comes_before_the_bit() {
    is_needed(
        &Config::new("record after bit", &[&[Hold], &[Delete]]),
        "a held block is given away",
        |m| m.record_after_bit = true,
    );
}

#[test]
fn the_header_is_looked_at_behind_the_record() {
    is_needed(
        &Config::new("no re-check", &[&[Hold], &[Delete]]).pinned_before(),
        "a held block is given away",
        |m| m.no_recheck = true,
    );
}

#[test]
fn who_unlinks_a_pinned_block_scans() {
    is_needed(
        &Config::new("adopt without scan", &[&[Hold], &[Delete]]),
        "a held block is given away",
        |m| m.no_scan = true,
    );
}

#[test]
fn the_scan_comes_after_orphan() {
    is_needed(
        &Config::new("scan before ORPHAN", &[&[Hold], &[Delete]]).pinned_before(),
        "a held block is given away",
        |m| m.scan_before_orphan = true,
    );
}

#[test]
fn who_lets_go_looks() {
    is_needed(
        &Config::new("no look after release", &[&[Hold], &[Delete]]),
        "a block is lost",
        |m| m.no_look_after_release = true,
    );
}

#[test]
fn who_did_not_come_to_hold_looks_too() {
    // The scan met its record, and left the block to it.
    is_needed(
        &Config::new("a failed hold just clears", &[&[Hold], &[Delete]]).pinned_before(),
        "a block is lost",
        |m| m.failed_hold_just_clears = true,
    );
}

#[test]
fn a_record_is_marked_before_it_is_cleared() {
    // Dead between the clear and the look, and nothing says where to look.
    is_needed(
        &Config::new("cleared before the look", &[&[Hold], &[Delete], &[]]).kills(1),
        "a block is lost",
        |m| m.cleared_before_look = true,
    );
}

#[test]
fn recovery_clears_a_record_last() {
    is_needed(
        &Config::new("recovery clears first", &[&[Hold], &[Delete], &[]]).kills(2),
        "a block is lost",
        |m| m.recovery_clears_first = true,
    );
}

#[test]
fn recovery_takes_nothing_that_is_held() {
    is_needed(
        &Config::new("recovery ignores pins", &[&[Hold], &[Replace], &[]]).kills(1),
        "a held block is given away",
        |m| m.recovery_ignores_pins = true,
    );
}

#[test]
fn a_marked_record_holds_nothing() {
    // Each of two holders leaves the block to the other.
    is_needed(
        &Config::new("marked counts", &[&[Hold], &[Hold], &[Delete]]).pinned_before(),
        "a block is lost",
        |m| m.marked_counts = true,
    );
}
