//! One rule left out: the search must find what it is for.

use crate::config::Start::{Cut, Free, Run, Used};
use crate::config::{Config, Mutations};
use crate::explore;
use crate::state::Op::{Evict, EvictRun, Put, Recut};
use crate::state::{LARGE, SMALL};

fn is_needed(config: &Config, expected: &'static str, mutate: impl FnOnce(&mut Mutations)) {
    explore::is_needed("mutation", config, &config.but(mutate), expected);
}

/// A page is cut for small chunks, for large ones, of which one is filled, and for small ones again.
fn data_in_between() -> Config {
    let cutter = [Recut(0, SMALL), Recut(0, LARGE), Put(0, 0, LARGE), Recut(0, SMALL)];
    Config::new([Free, Free], &[&[Put(0, 1, SMALL)], &cutter])
}

#[test]
fn a_walker_looks_at_the_page_again() {
    is_needed(&data_in_between(), "a walker takes data for a header", |m| {
        m.walker_trusts_headers = true;
    });
}

#[test]
fn every_change_of_a_page_is_a_new_word() {
    is_needed(&data_in_between(), "a walker takes data for a header", |m| {
        m.no_page_versions = true;
    });
}

#[test]
fn a_cut_starts_above_what_was_there() {
    let config = Config::new([Used(SMALL), Free], &[&[Recut(0, LARGE), Put(0, 0, LARGE)]]);
    is_needed(&config, "a generation is linked again, or an earlier one", |m| {
        m.cut_ignores_base = true;
    });
}

#[test]
#[cfg_attr(debug_assertions, ignore = "many states: run with --release")]
fn a_cut_starts_where_nobody_names_an_earlier_word() {
    let config = Config::new(
        [Used(SMALL), Free],
        &[&[Evict(0, 0)], &[Evict(0, 0), Recut(0, SMALL), Put(0, 0, SMALL)]],
    );
    is_needed(&config, "an expected slot word came round with another meaning", |m| {
        m.cut_ignores_names = true;
    });
}

#[test]
fn a_block_is_named_before_it_is_claimed() {
    let config = Config::new([Cut(SMALL), Free], &[&[Put(0, 0, SMALL)], &[]]).kills(1, &[0]);
    is_needed(&config, "quiet, and a block or page is lost", |m| m.named_after_claim = true);
}

#[test]
fn a_sealed_block_is_not_drained() {
    let config = Config::new([Cut(SMALL), Free], &[&[Put(0, 0, SMALL)], &[Recut(0, LARGE)]]);
    is_needed(&config, "a linked block is not the one that was linked", |m| {
        m.drain_takes_sealed = true;
    });
}

#[test]
fn a_page_that_is_drained_says_so() {
    let config = Config::new([Cut(SMALL), Free], &[&[Recut(0, LARGE)], &[]]).kills(1, &[0]);
    is_needed(&config, "quiet, and a block or page is lost", |m| m.drains_unmarked = true);
}

#[test]
fn recovery_looks_again_at_a_header_whose_page_changes() {
    // A drain begins and ends beside it, and is rolled back because of the very block.
    let config = Config::new([Cut(SMALL), Free], &[&[Put(0, 0, SMALL)], &[Recut(0, LARGE)], &[]])
        .kills(1, &[0]);
    is_needed(&config, "quiet, and a block or page is lost", |m| m.recovery_looks_once = true);
}

#[test]
fn a_run_is_given_away_from_its_tails() {
    let config = Config::new([Run, Run], &[&[EvictRun], &[Recut(0, SMALL)]]).kills(1, &[0]);
    is_needed(&config, "quiet, and a block or page is lost", |m| m.head_freed_first = true);
}

#[test]
fn recovery_sees_to_pages() {
    let config = Config::new([Used(SMALL), Free], &[&[Recut(0, LARGE)], &[]]).kills(1, &[0]);
    is_needed(&config, "quiet, and a block or page is lost", |m| m.recovery_leaves_pages = true);
}
