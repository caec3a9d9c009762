//! Torture: a process is stepped through an operation instruction by instruction (ptrace), and at every instruction
//! that changed the region it is treated as killed, or left standing while others work.
//!
//! The victim is a forked child of this very (release) build that works on a shared mapping. A kill costs no process:
//! the region's bytes behind a store, with the victim's lane free to be recovered, are all that a killed process
//! leaves, so they are copied to a laboratory (`judge`), and the victim goes on to its next store. That makes an
//! operation linear in its instructions. A stopped victim really stands still (`stops`).
//!
//! Death is told by a desk beside the region instead of byte locks of the kernel; everything else is production code.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod act;
mod arena;
mod bench;
mod case;
mod cast;
mod churn;
mod code;
mod content;
mod coverage;
mod entry;
mod judge;
mod kills;
mod order;
mod pairs;
mod real;
mod replay;
mod report;
mod schedule;
mod shape;
mod spec;
mod start;
mod steps;
mod stops;
mod tracee;

pub use bench::Finding;
pub use case::Case;
pub use coverage::Coverage;
pub use entry::Entry;
pub use pairs::{Pairs, Schedules, duel};
pub use real::{Forking, Real, real_deaths};
pub use replay::replay;
pub use report::{Totals, Work, run};
pub use steps::Costs;
pub(crate) use tracee::{Halt, Tracee, Untraceable};
