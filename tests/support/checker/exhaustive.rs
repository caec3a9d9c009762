//! The definition of linearizability, tried out: every order of a few operations.
//!
//! Nothing is shared with the checker that it stands beside, the specification included: here an
//! operation is *carried out* on an `Option`, and its result compared with the recorded outcome.

use super::Mode;
use crate::chain;
use crate::history::{Call, Event, Outcome};
use crate::value::Id;

/// Whether some order of `events` explains them all. Tries up to `n!` orders: for a few events.
#[must_use]
pub fn is_linearizable(events: &[Event], mode: Mode) -> bool {
    let unread = events.iter().any(|e| matches!(e.outcome, Outcome::Torn | Outcome::Foreign(_)));
    !unread && search(&mut events.to_vec(), None, mode)
}

/// Whether some order of the `left` events explains them, from `state` on.
fn search(left: &mut Vec<Event>, state: Option<Id>, mode: Mode) -> bool {
    if left.iter().all(|event| event.outcome.is_open()) {
        return true;
    }
    for index in 0..left.len() {
        let event = left[index];
        // An event that ended before this one began must come first.
        if left.iter().any(|other| other.end < event.start) {
            continue;
        }
        left.swap_remove(index);
        let mut before = vec![state];
        if mode == Mode::MayEnd {
            before.push(None);
        }
        let explained = before.into_iter().any(|state| {
            let (after, outcome) = carry_out(event.call, state);
            (event.outcome == outcome || event.outcome.is_open()) && search(left, after, mode)
        });
        // An event without an outcome may also never take effect.
        let explained = explained || event.outcome.is_open() && search(left, state, mode);
        left.push(event);
        let last = left.len() - 1;
        left.swap(index, last);
        if explained {
            return true;
        }
    }
    false
}

/// What a cache does that serves one operation at a time.
pub(super) fn carry_out(call: Call, state: Option<Id>) -> (Option<Id>, Outcome) {
    match (call, state) {
        (Call::Get, None) => (None, Outcome::Absent),
        (Call::Get, Some(id)) => (Some(id), Outcome::Value(id)),
        (Call::Set { new }, _) => (Some(new), Outcome::Done),
        (Call::Add { new }, None) => (Some(new), Outcome::Done),
        (Call::Add { .. }, Some(id)) => (Some(id), Outcome::Present),
        (Call::Delete, None) => (None, Outcome::Absent),
        (Call::Delete, Some(_)) => (None, Outcome::Done),
        (Call::Swap { .. }, None) => (None, Outcome::Absent),
        (Call::Swap { expected, new }, Some(id)) if id == expected => (Some(new), Outcome::Done),
        (Call::Swap { .. }, Some(id)) => (Some(id), Outcome::Present),
        (Call::Increment { .. }, None) => (None, Outcome::Absent),
        (Call::Increment { by }, Some(n)) => {
            let sum = n.wrapping_add(by);
            (Some(sum), Outcome::Value(sum))
        }
        (Call::Clear, _) => (None, Outcome::Done),
        (Call::Extend { .. } | Call::Take | Call::Touch, None) => (None, Outcome::Absent),
        (Call::Extend { new, at_front }, Some(name)) => {
            let longer = chain::extended(name, new, at_front);
            (Some(longer), Outcome::Value(chain::count(longer)))
        }
        (Call::Take, Some(id)) => (None, Outcome::Value(id)),
        (Call::Touch, Some(id)) => (Some(id), Outcome::Value(id)),
    }
}
