//! The protocol of clears (`docs/protocol.md` §6), explored state by state, with stamps of two bits.
//!
//! # The idea
//!
//! Up to three processes set and get two keys and clear everything, over two buckets of one slot each, so that either
//! key may lie in either bucket and is ordered by its own control word. Clears go on until the stamps have come round.
//! The search makes every move that is possible in every state. Every state is checked:
//!
//! - EPOCH: no item that a clear ended would be taken for a living one;
//! - a get never hits an item that was ended before the get began, and misses only what was absent at some moment since;
//! - no living item is unlinked by a clear, or replaced by one that is dead.
//!
//! # How faithful it is
//!
//! Each load, store and compare-exchange of the epoch, a control word or a slot is a step; reading a slot takes in the item
//! whole, and a commit makes its word visible at once: how that comes about is explored in `protocol_model`. An item has a
//! number, so an exchange mistakes none. Deaths are left out: nobody waits for a process that clears, so its death is
//! like a stop, which is a process that gets no more moves.

#[path = "epoch_model/config.rs"]
mod config;
mod explore;
#[path = "epoch_model/mutations.rs"]
mod mutations;
#[path = "epoch_model/step.rs"]
mod step;

use config::Config;
use config::Op::{Clear, Get, Set};
use explore::holds;

/// The keys; each has the bucket of its number as its primary one.
const K: u8 = 0;
const M: u8 = 1;

#[test]
fn a_cleared_item_never_shows_again() {
    holds("clear, set, get", &Config::new(&[&[Clear; 3], &[Set(K), Set(K)], &[Get(K)]]));
    holds("stamps come round", &Config::new(&[&[Clear; 5], &[Set(K), Set(M)]]));
    holds("two clear", &Config::new(&[&[Clear, Clear], &[Clear, Clear], &[Set(K)]]));
    holds("in the other bucket", &Config::new(&[&[Clear; 3], &[Set(K)], &[Set(M)]]).at(1));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of states: run with --release")]
fn stamps_come_round_under_everybody() {
    for epoch in [0, 1] {
        holds(
            "set and clear",
            &Config::new(&[&[Clear, Clear, Clear], &[Set(K), Clear, Set(K)], &[Set(M)]]).at(epoch),
        );
        holds(
            "set, get and clear",
            &Config::new(&[&[Clear, Set(K), Clear], &[Clear, Set(K), Clear], &[Get(K)]]).at(epoch),
        );
        holds(
            "a slow writer",
            &Config::new(&[&[Set(K)], &[Clear, Clear, Set(K), Clear, Clear, Set(M), Clear]])
                .at(epoch),
        );
    }
}
