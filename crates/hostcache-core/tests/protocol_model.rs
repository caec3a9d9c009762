//! The protocol of `docs/protocol.md` (§1 to §3, §5), explored state by state.
//!
//! # The idea
//!
//! Up to three processes run short programs of `set`, `delete`, `get`, `evict` and `walk` over one bucket of
//! one to three slots and two to four blocks. The search makes every move that is possible in every
//! state: the next access of each process, the death of one, the recovery of a dead one by another.
//! A process that is stopped for ever is one that is never moved again, so stops need no move of
//! their own; a recoverer can be killed, too, and be recovered by the third. Every state is checked:
//!
//! - no two visible instances of a key, and none that its owner has not committed;
//! - a linked block is whole, of the incarnation that was linked, not free and in no other hands;
//! - nothing is stored into a block but by its owner, and nothing into a linked one at all;
//! - a value that was replaced, deleted or evicted never shows again, nor does one whose writer was
//!   recovered before it showed; nothing goes that nobody removed;
//! - a reader accepts only whole items of its key that were visible when it looked for the second
//!   time; a get or delete misses only a key that was absent at some moment since it began;
//! - each block is free, or linked, or named in the record of its holder; and when all is quiet, free
//!   plus linked plus in the magazine of a living process is all;
//! - each process ends its operation while all others stand still (on a sample of the states).
//!
//! Beside the programs that must pass stand mutations: one rule left out, and the search must find
//! what it was for. A failure prints every move that leads to it.
//!
//! # The state
//!
//! One control word, slots, block headers with key and value, and of each process the record in
//! shared memory and the private rest with a program counter (`state`). Generations of headers and
//! versions of control words do not wrap here, as 48 bits do not. A slot word has one or two bits of
//! generation, so it comes round after two or four incarnations. Ghosts, which no step looks at, say
//! which incarnation a slot word stands for, whether it was committed, and which values are over.
//!
//! # How faithful it is
//!
//! Each load, store and compare-exchange of a shared word is a step. These are one step each:
//! choosing a free block and naming it in the record (the walk there is over hints); the two words of
//! an intent's name, but where a program stores it word by word; dropping all names at the end of an
//! operation, and of a recovery (what is left of names dropped in part has been seen to already);
//! loading a name of a dead lane and the header it leads to (nobody changes the names of a dead lane
//! but its recoverer). A helper re-reads the control word and not the slot, an unlinker the header
//! and not the slot: the code may do both. Both keys have one tag and one pair of buckets, the
//! hardest case; victims are the first committed words, free blocks are taken in order.
//!
//! # What it leaves out
//!
//! Memory orderings: steps happen in one order that all see (`loom` is for that). Two buckets, tags
//! and hashes. Pages and runs (`page_model`). Clear epochs (`epoch_model`). Pins (`pin_model`). Expiry is an
//! eviction here. Hints, counters and use marks, which decide nothing. Locks held by a process that
//! is alive but has lost its lane. Without room an operation ends; it does not evict inline.

#[path = "protocol_model/allocate.rs"]
mod allocate;
#[path = "protocol_model/change.rs"]
mod change;
#[path = "protocol_model/check.rs"]
mod check;
#[path = "protocol_model/config.rs"]
mod config;
#[path = "protocol_model/look.rs"]
mod look;
#[path = "protocol_model/mutations.rs"]
mod mutations;
#[path = "protocol_model/recover.rs"]
mod recover;
#[path = "protocol_model/search.rs"]
mod search;
#[path = "protocol_model/state.rs"]
mod state;
#[path = "protocol_model/step.rs"]
mod step;
#[path = "protocol_model/walk.rs"]
mod walk;

use config::Op::{Delete, Evict, Get, Set, Walk};
use config::{Config, K, M, X};

/// Explores a program to the end; every property holds.
fn holds(config: &Config) {
    let outcome = search::explore(config);
    println!("{}: {} states", config.name, outcome.states);
    if let Some((violation, path)) = outcome.violation {
        panic!("{}: {violation}\n{path}", config.name);
    }
}

#[test]
fn two_processes_do_everything() {
    holds(&Config::new("set, delete twice", &[&[Set(K), Delete(K)], &[Set(K), Delete(K)]]));
    holds(
        &Config::new("all against two items", &[&[Set(K), Evict(0)], &[Delete(M), Set(M)]])
            .item(0, K, 0, 1)
            .item(1, M, 1, 1)
            .generations(&[1; 4]),
    );
    holds(
        &Config::new("set and get, one dies", &[&[Set(K), Set(K)], &[Get(K), Set(K)]])
            .kills(1, &[0, 1])
            .reattach(),
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of states: run with --release")]
fn insertions_of_one_key_leave_one_instance() {
    holds(&Config::new("three sets", &[&[Set(K)], &[Set(K)], &[Set(M)]]));
    holds(&Config::new("set, set, delete", &[&[Set(K), Delete(K)], &[Set(K)], &[Delete(K)]]));
    holds(&Config::new(
        "sets and deletes",
        &[&[Set(K), Delete(K)], &[Set(K), Delete(K)], &[Delete(K)]],
    ));
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of states: run with --release")]
fn a_full_set_makes_room_and_loses_nothing_else() {
    holds(&Config::new("three keys, one slot", &[&[Set(K)], &[Set(M)], &[Set(X)]]).slots(1));
    holds(
        &Config::new("victims and evictions", &[&[Set(K)], &[Set(M), Set(K)], &[Evict(0)]])
            .slots(1)
            .item(0, M, 0, 1),
    );
    holds(
        &Config::new("three keys, two slots", &[&[Set(K)], &[Set(M)], &[Set(X), Delete(K)]])
            .item(0, K, 0, 1),
    );
    holds(
        &Config::new("walkers", &[&[Set(K)], &[Set(M), Set(M)], &[Walk(0), Walk(1)]])
            .slots(1)
            .kills(1, &[0, 1, 2]),
    );
    holds(
        &Config::new("victims of the dead", &[&[Set(K)], &[Set(M)], &[Evict(0)]])
            .slots(1)
            .kills(2, &[0, 1, 2]),
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of states: run with --release")]
fn readers_see_each_item_whole_and_in_its_time() {
    holds(&Config::new(
        "two writers and a reader",
        &[&[Set(K), Delete(K)], &[Set(K), Delete(K)], &[Get(K), Get(K)]],
    ));
    holds(
        &Config::new("two keys and a reader", &[&[Set(K)], &[Set(M), Delete(K)], &[Get(K)]])
            .slots(1)
            .item(0, M, 0, 1),
    );
    holds(
        &Config::new("a dying writer and a reader", &[&[Set(K)], &[Set(K)], &[Get(K)]])
            .item(0, K, 0, 1)
            .kills(1, &[0, 1]),
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of states: run with --release")]
fn what_the_dead_held_comes_back() {
    holds(&Config::new("three sets, one dies", &[&[Set(K)], &[Set(K)], &[Set(K)]]).kills(1, &[0]));
    holds(
        &Config::new("replace, delete, two die", &[&[Set(K)], &[Set(K)], &[Delete(K)]])
            .item(0, K, 0, 1)
            .kills(2, &[0, 1, 2])
            .magazines(),
    );
    holds(
        &Config::new("everybody dies", &[&[Set(K), Delete(K)], &[Set(K), Delete(K)], &[]])
            .kills(3, &[0, 1, 2])
            .reattach(),
    );
    holds(
        &Config::new("magazines and new lives", &[&[Set(K), Set(K)], &[Set(K), Delete(K)], &[]])
            .kills(2, &[0, 1, 2])
            .magazines()
            .reattach(),
    );
    holds(
        &Config::new("names in words", &[&[Delete(K)], &[Set(K), Set(M)], &[Set(K)]])
            .item(0, K, 1, 4)
            .generations(&[5, 4, 5])
            .kills(1, &[0])
            .names_in_words(),
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of states: run with --release")]
fn short_generations_come_round_unnoticed() {
    let wrapping = |name, programs: &[&[config::Op]]| {
        Config::new(name, programs).item(0, K, 0, 1).generations(&[1; 3]).short_bits(1)
    };
    holds(&wrapping("one round", &[&[Set(K), Delete(K)], &[Set(K), Set(M), Delete(K), Set(K)]]));
    holds(
        &wrapping(
            "one round, one dies",
            &[&[Set(K)], &[Delete(K), Set(M), Delete(M), Set(K)], &[]],
        )
        .kills(1, &[0, 1]),
    );
    holds(&wrapping("three processes", &[&[Set(K)], &[Set(K), Delete(K)], &[Set(M)]]));
    holds(&wrapping("one round, read", &[&[Get(K)], &[Set(K), Delete(K), Set(M)], &[Delete(K)]]));
    holds(&wrapping("magazines", &[&[Set(K); 4], &[Set(K), Delete(K)]]).magazines());
    holds(
        &Config::new("two bits", &[&[Set(K), Delete(K)], &[Set(K); 5]])
            .item(0, K, 0, 3)
            .generations(&[3, 3]),
    );
}
