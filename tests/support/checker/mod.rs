//! Is there one order of the recorded operations that explains every outcome?
//!
//! That is linearizability, and it is checked key by key: an order exists for all keys together if
//! and only if one exists for each key. The order must keep what real time fixed: an operation that
//! returned before another one began comes first.
//!
//! # The method
//!
//! The checker walks through a key's history in time and keeps *every* situation the cache could be
//! in: which of the running operations have taken effect, and what is stored (`frontier`). When
//! an operation returns, situations in which it can't have taken effect with the recorded outcome
//! are dropped; when none is left, no order exists. Nothing is guessed and nothing left out, so the
//! answer is exact for histories of any length: a history that can be explained is never flagged,
//! one that can't always is. (The method is Wing and Gong's search with the memory of Lowe's
//! just-in-time variant, run breadth first.)
//!
//! Its cost is what makes this usable for millions of operations. The number of situations depends
//! on how many operations on one key run at once, at most one per worker and one per worker that is
//! being killed, not on the length of the history. Where that bound fails, the
//! verdict is *undecided*, which no test accepts.
//!
//! # The specification
//!
//! A key is a register that holds one value or nothing. In [`Mode::NoSpontaneousEnd`] only the
//! recorded operations change it. In [`Mode::MayEnd`] the item may also vanish at any moment (it is
//! evicted, or expires); nothing older ever shows again then either, because a vanished item is as
//! good as a deleted one. All written values differ, so a value read names its writer.
//!
//! An operation of a killed worker took effect once or never, at any time from its start to the
//! worker's death (strict linearizability). A refused operation likewise, until it returned.
//!
//! [`exhaustive`] decides the same question for a few operations by trying all orders, with a
//! specification written a second time: the two must agree.

pub mod exhaustive;
mod frontier;
mod report;
pub mod simulate;
mod specification;

pub use report::{Report, Violation, check_all};

use crate::history::{Event, Outcome};
use frontier::{Frontier, Overflow};

/// What may happen to an item that no recorded operation touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: every miss must be explained by a delete or a clear.
    NoSpontaneousEnd,
    /// It may vanish at any moment, for good.
    MayEnd,
}

/// What a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Some order explains it.
    Linearizable,
    /// A get returned what nobody wrote: the event with this index.
    Torn(usize),
    /// A get returned another key's value: the event with this index.
    Foreign(usize),
    /// No order explains the events up to the return of the one with this index.
    NotLinearizable(usize),
    /// Too many operations ran at once: the event with this index was one too many.
    Undecided(usize),
}

impl Verdict {
    /// Whether the history breaks a promise.
    #[must_use]
    pub fn is_violation(self) -> bool {
        !matches!(self, Self::Linearizable | Self::Undecided(_))
    }
}

/// Checks the history of one key, ordered by start.
#[must_use]
pub fn check_key(events: &[Event], mode: Mode) -> Verdict {
    debug_assert!(events.is_sorted_by_key(|event| event.start));
    let mut frontier = Frontier::new(mode);
    for (index, &event) in events.iter().enumerate() {
        match event.outcome {
            Outcome::Torn => return Verdict::Torn(index),
            Outcome::Foreign(_) => return Verdict::Foreign(index),
            // A read without an answer says nothing.
            outcome if outcome.is_open() && event.call.only_reads() => continue,
            _ => {}
        }
        // What ends at the very moment when another operation starts counts as running beside it.
        if let Err(verdict) = close_before(&mut frontier, event.start) {
            return verdict;
        }
        if let Err(Overflow) = frontier.begin(index, event) {
            return Verdict::Undecided(index);
        }
    }
    close_before(&mut frontier, u64::MAX).err().unwrap_or(Verdict::Linearizable)
}

fn close_before(frontier: &mut Frontier, time: u64) -> Result<(), Verdict> {
    while frontier.earliest_end() < time {
        let index =
            frontier.close_earliest().map_err(|(index, Overflow)| Verdict::Undecided(index))?;
        if frontier.is_empty() {
            return Err(Verdict::NotLinearizable(index));
        }
    }
    Ok(())
}
