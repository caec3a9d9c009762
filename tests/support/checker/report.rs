//! The verdict over a whole campaign, and what to show of a violation.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Mode, Verdict, check_key};
use crate::history::{Event, Histories};

/// Events shown before the one that can't be explained.
const SHOWN: usize = 16;

/// The history of one key that no order explains.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The key's number.
    pub key: usize,
    /// What is wrong.
    pub verdict: Verdict,
    /// The events around it.
    pub text: String,
}

/// What the checker found in all histories.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Operations checked.
    pub operations: usize,
    /// Keys with a history that can't be explained.
    pub violations: Vec<Violation>,
    /// Keys on which too much ran at once to tell.
    pub undecided: Vec<usize>,
    /// Operations that ended with an error.
    pub failed: u64,
}

impl Report {
    /// Whether every history was explained and no operation refused.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty() && self.undecided.is_empty() && self.failed == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} operations, {} keys in violation, {} undecided, {} operations refused",
            self.operations,
            self.violations.len(),
            self.undecided.len(),
            self.failed
        )?;
        self.violations.iter().take(5).try_for_each(|violation| write!(f, "\n{}", violation.text))
    }
}

/// Checks the history of every key, on all processors.
#[must_use]
pub fn check_all(histories: &Histories, mode: Mode) -> Report {
    let next = AtomicUsize::new(0);
    let check = || {
        let mut found = Vec::new();
        loop {
            let key = next.fetch_add(1, Ordering::Relaxed);
            if key >= histories.keys() {
                return found;
            }
            let events = histories.events(key);
            let verdict = check_key(&events, mode);
            if verdict != Verdict::Linearizable {
                found.push(Violation { key, verdict, text: describe(key, &events, verdict) });
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let found: Vec<Violation> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(check)).collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().expect("the checker panicked"))
            .collect()
    });
    let (violations, undecided): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|found| found.verdict.is_violation());
    Report {
        operations: histories.len(),
        violations,
        undecided: undecided.into_iter().map(|found| found.key).collect(),
        failed: histories.failed(),
    }
}

fn describe(key: usize, events: &[Event], verdict: Verdict) -> String {
    let (at, what) = match verdict {
        Verdict::Torn(at) => (at, "a value that nobody wrote"),
        Verdict::Foreign(at) => (at, "a value of another key"),
        Verdict::NotLinearizable(at) => (at, "no order of the operations explains this one"),
        Verdict::Undecided(at) => (at, "too much at once"),
        Verdict::Linearizable => (0, "nothing wrong"),
    };
    let culprit = events[at];
    let mut text = format!("key {key}: {what} (nanoseconds from its start; > marks it)");
    let beside = |event: &Event| event.start <= culprit.end && event.end >= culprit.start;
    for (index, event) in events.iter().enumerate() {
        if index + SHOWN >= at && index <= at + SHOWN || index < at && beside(event) {
            let from = event.start.wrapping_sub(culprit.start).cast_signed();
            let to = event.end.wrapping_sub(culprit.start).cast_signed();
            let mark = if index == at { '>' } else { ' ' };
            // Writing to a string can't fail.
            let _ = write!(
                text,
                "\n{mark} {from:>9} ..{to:>9}  {:?} -> {:?}",
                event.call, event.outcome
            );
        }
    }
    text
}
