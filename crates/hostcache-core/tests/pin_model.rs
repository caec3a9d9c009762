//! The protocol of pins (`docs/protocol.md` §7), explored state by state.
//!
//! # The idea
//!
//! Up to three processes run short programs of *hold*, *replace* and *delete* on one key, over two or three blocks. The
//! search makes every move that is possible in every state: the next access of each process, the death of one, the
//! recovery of a dead one by another. A process that is stopped for ever is one that is never moved again. Checked in
//! every state:
//!
//! - a block that somebody holds is of the incarnation that was found, PUBLISHED or an ORPHAN, with the value that its
//!   owner wrote;
//! - nothing is stored into a block but by its owner; a linked block is not free and in no other hands;
//! - when all is quiet, every block is free or linked: nothing waits for a holder that is gone.
//!
//! Beside the programs that must pass stand mutations: one step left out or moved, and the search must find what it was
//! for. A failure prints every move that leads to it.
//!
//! # How faithful it is
//!
//! Each load, store and compare-exchange of a shared word is a step, each record that a scan looks at is one, too. Slots
//! name whole generations here: short ones are the other model's business, and so are insertion and helping. Magazines
//! are left out: a retired block goes back at once. Memory orderings are `loom`'s.

#[path = "pin_model/mutations.rs"]
mod mutations;
#[path = "pin_model/recover.rs"]
mod recover;
#[path = "pin_model/search.rs"]
mod search;
#[path = "pin_model/state.rs"]
mod state;
#[path = "pin_model/step.rs"]
mod step;

use state::Op::{Delete, Hold, Replace};
use state::{Config, Op};

/// Explores a program in which nothing may go wrong.
fn holds(config: &Config) {
    let outcome = search::explore(config);
    if let Some((violation, path)) = outcome.violation {
        panic!("{}: {violation}, after {} states:\n{path}", config.name, outcome.states);
    }
    println!("{}: {} states", config.name, outcome.states);
}

#[test]
fn a_hold_against_replacements() {
    holds(&Config::new("hold, replace twice", &[&[Hold], &[Replace, Replace]]));
    holds(&Config::new("hold twice, replace, delete", &[&[Hold, Hold], &[Replace, Delete]]));
}

#[test]
fn two_holds_against_a_replacement() {
    let programs: &[&[Op]] = &[&[Hold], &[Hold], &[Replace, Delete]];
    holds(&Config::new("two holds, replace, delete", programs));
    holds(&Config::new("hold, delete, hold", &[&[Hold], &[Hold, Delete], &[Replace]]));
}

#[test]
fn a_hold_against_two_writers() {
    holds(&Config::new("hold, two writers", &[&[Hold], &[Replace], &[Replace, Delete]]));
}

#[test]
fn deaths_lose_nothing() {
    let kills = |name, programs: &[&[Op]]| holds(&Config::new(name, programs).kills(1));
    kills("one death: hold, replace", &[&[Hold], &[Replace, Replace], &[]]);
    kills("one death: two holds, delete", &[&[Hold], &[Hold], &[Delete]]);
    kills("one death: hold, delete and replace", &[&[Hold], &[Delete, Replace], &[]]);
}

#[test]
fn a_recoverer_may_die_too() {
    let programs: &[&[Op]] = &[&[Hold], &[Delete], &[]];
    holds(&Config::new("two deaths: hold, delete", programs).kills(2));
    let programs: &[&[Op]] = &[&[Hold], &[Replace], &[]];
    holds(&Config::new("two deaths: hold, replace", programs).kills(2));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "hundreds of thousands of states: run with --release")]
fn two_writers_and_deaths() {
    let programs: &[&[Op]] = &[&[Hold], &[Replace], &[Delete]];
    holds(&Config::new("one death: hold, replace, delete", programs).kills(1));
    holds(&Config::new("two deaths: hold, replace, delete", programs).kills(2).pinned_before());
    let programs: &[&[Op]] = &[&[Hold], &[Hold], &[Delete, Replace]];
    holds(&Config::new("two deaths: two holds, delete and replace", programs).kills(2));
}
