//! The protocol of pages (`docs/protocol.md` §4), explored state by state.
//!
//! # The idea
//!
//! Up to three processes run short programs over an arena of two pages. A page is cut into two small chunks or one
//! large, or both pages are one run. Processes claim, fill, seal and link chunks; meet blocks by their headers
//! and evict them; empty pages and cut them for another class; make runs and end them. The search makes every move
//! that is possible in every state: the next access of each, the death of one, its recovery by another. Every
//! state is checked:
//!
//! - nothing is stored into a block or a page but by its owner, and nothing into a linked one;
//! - a linked block is the one that was linked, in a page that is cut for it, a run whole;
//! - no data is taken for a header (PAGE-CUT);
//! - no generation is linked twice in one place, however often its page was cut (GENERATIONS-GROW), and no slot word
//!   that somebody expects comes round with another meaning (HAZARD);
//! - when all is quiet, each page is free, or cut into chunks that are free or linked, or part of a linked run.
//!
//! Beside the programs that must pass stand mutations: one rule left out, and the search must find what it was for.
//!
//! # How faithful it is
//!
//! Each load, store and compare-exchange of a shared word is a step. These are one step each: naming a word with its
//! header; looking at both names of one lane; the look at head and header before a run is freed, which nobody else
//! changes then. A cell that holds no header holds data, which never equals a header that was loaded before: generations
//! start at random for that. The table is a slot for every place: what it does is explored in `protocol_model`.
//! Hints are left out; programs say where they look. Short generations have one bit; headers and versions do not wrap.

#[path = "page_model/blocks.rs"]
mod blocks;
#[path = "page_model/check.rs"]
mod check;
#[path = "page_model/config.rs"]
mod config;
mod explore;
#[path = "page_model/mutations.rs"]
mod mutations;
#[path = "page_model/pages.rs"]
mod pages;
#[path = "page_model/recover.rs"]
mod recover;
#[path = "page_model/runs.rs"]
mod runs;
#[path = "page_model/state.rs"]
mod state;
#[path = "page_model/step.rs"]
mod step;

use config::Config;
use config::Start::{Cut, Free, Run, Used};
use explore::holds;
use state::Op::{Evict, EvictRun, Put, PutRun, Recut};
use state::{LARGE, SMALL};

#[test]
fn pages_change_class_under_claims_and_evictions() {
    holds(
        "claims against a cut",
        &Config::new(
            [Cut(SMALL), Free],
            &[&[Put(0, 1, SMALL)], &[Recut(0, LARGE), Put(0, 0, LARGE)]],
        )
        .kills(1, &[0, 1]),
    );
    holds(
        "an eviction against a cut",
        &Config::new([Used(SMALL), Free], &[&[Evict(0, 0)], &[Recut(0, LARGE), Put(0, 0, LARGE)]])
            .kills(1, &[0, 1]),
    );
    holds(
        "two cuts of one page",
        &Config::new([Used(SMALL), Free], &[&[Recut(0, LARGE)], &[Recut(0, SMALL)]])
            .kills(1, &[0, 1]),
    );
}

#[test]
fn runs_come_and_go() {
    holds(
        "a run over items",
        &Config::new([Used(SMALL), Used(LARGE)], &[&[PutRun], &[Put(0, 1, SMALL), EvictRun]])
            .kills(1, &[0, 1]),
    );
    holds(
        "a run against a cut",
        &Config::new([Run, Run], &[&[EvictRun], &[Recut(1, SMALL), Put(1, 0, SMALL)]])
            .kills(1, &[0, 1]),
    );
    holds(
        "two runs",
        &Config::new([Used(LARGE), Free], &[&[PutRun], &[PutRun, EvictRun]]).kills(1, &[0, 1]),
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of states: run with --release")]
fn three_processes_on_two_pages() {
    let small_and_large = [Recut(0, LARGE), Put(0, 0, LARGE), Recut(0, SMALL), Put(0, 1, SMALL)];
    holds(
        "claim, evict, cut",
        &Config::new(
            [Used(SMALL), Free],
            &[&[Put(0, 1, SMALL)], &[Evict(0, 0), Put(0, 0, SMALL)], &small_and_large],
        )
        .kills(1, &[0, 1, 2]),
    );
    holds(
        "two cut, one makes a run",
        &Config::new(
            [Used(SMALL), Used(LARGE)],
            &[
                &[Recut(0, LARGE), Put(0, 0, LARGE)],
                &[Recut(1, SMALL), Put(1, 1, SMALL)],
                &[PutRun],
            ],
        )
        .kills(1, &[0, 1, 2]),
    );
    holds(
        "recoverers die",
        &Config::new(
            [Used(SMALL), Free],
            &[&[Recut(0, LARGE), Put(0, 0, LARGE)], &[Evict(0, 0), Recut(0, SMALL)], &[]],
        )
        .kills(2, &[0, 1]),
    );
    holds(
        "recoverers of runs die",
        &Config::new([Run, Run], &[&[EvictRun, PutRun], &[PutRun], &[]]).kills(2, &[0, 1]),
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of states: run with --release")]
fn generations_come_round_in_pages_cut_again() {
    for base in [0, 1] {
        holds(
            "an eviction over rounds",
            &Config::new(
                [Used(SMALL), Free],
                &[
                    &[Evict(0, 0), Evict(0, 0)],
                    &[Recut(0, LARGE), Put(0, 0, LARGE), Recut(0, SMALL), Put(0, 0, SMALL)],
                    &[Evict(0, 0), Put(0, 0, SMALL)],
                ],
            )
            .base(base),
        );
        holds(
            "a run over rounds",
            &Config::new(
                [Run, Run],
                &[&[EvictRun], &[Recut(0, LARGE), Put(0, 0, LARGE), PutRun], &[EvictRun, PutRun]],
            )
            .base(base),
        );
        holds(
            "rounds, and one dies",
            &Config::new(
                [Used(LARGE), Free],
                &[
                    &[Evict(0, 0), Put(0, 0, LARGE)],
                    &[Evict(0, 0), Recut(0, LARGE), Put(0, 0, LARGE), PutRun],
                ],
            )
            .base(base)
            .kills(1, &[0, 1]),
        );
    }
}
