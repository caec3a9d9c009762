//! One rule left out: the search must find what it is for.

use crate::config::Op::{Clear, Set};
use crate::config::{Config, Mutations, Op};
use crate::{K, M, explore};

const SHOWS_AGAIN: &str = "an item that a clear ended would be taken for a living one";

fn is_needed(programs: &[&[Op]], expected: &'static str, mutate: impl FnOnce(&mut Mutations)) {
    let config = Config::new(programs);
    explore::is_needed("mutation", &config, &config.but(mutate), expected);
}

#[test]
fn the_other_half_is_entered_behind_a_walk() {
    is_needed(&[&[Set(K), Clear, Clear, Clear]], SHOWS_AGAIN, |m| m.no_walk = true);
}

#[test]
fn the_walk_goes_twice() {
    // Committed before its control word is bumped, into a bucket that the walk has passed.
    is_needed(&[&[Clear; 3], &[Set(M)]], SHOWS_AGAIN, |m| m.one_walk = true);
}

#[test]
fn control_words_are_bumped() {
    is_needed(&[&[Clear; 3], &[Set(K)]], SHOWS_AGAIN, |m| m.no_bump = true);
}

#[test]
fn the_walk_looks_at_the_epoch_behind_an_item() {
    // An item so much newer that it looks old.
    let others = [Clear, Clear, Clear, Set(K)];
    is_needed(&[&[Clear, Clear], &others], "a clear unlinks a living item", |m| {
        m.walk_ignores_epoch = true;
    });
}

#[test]
fn a_writer_looks_at_the_epoch_behind_an_item() {
    is_needed(
        &[&[Set(K)], &[Clear, Clear, Set(K)]],
        "a living item is replaced by a dead one",
        |m| m.writer_ignores_epoch = true,
    );
}

#[test]
fn a_placed_word_takes_the_stamp_of_its_commit() {
    is_needed(&[&[Set(K)], &[Clear; 3]], SHOWS_AGAIN, |m| m.no_restamp = true);
}
