//! The register that a key is, as a step from one state to the next.

use super::Mode;
use crate::chain;
use crate::history::{Call, Event, Outcome};
use crate::value::Id;

/// What a key holds: a value, or [`ABSENT`].
pub(super) type State = Id;

/// No item. No value has this id.
pub(super) const ABSENT: State = 0;

/// The state after `event` took effect with its outcome in `state`; `None` if it can't have.
///
/// With [`Mode::MayEnd`] the item may vanish just before. That is soon enough: an end that no
/// operation sees is the same as one that comes later or not at all. And no event has the choice:
/// what is possible both with the item and without it leads to the same state.
pub(super) fn step(mode: Mode, state: State, event: &Event) -> Option<State> {
    let after = step_undisturbed(state, event);
    match mode {
        Mode::MayEnd if after.is_none() => step_undisturbed(ABSENT, event),
        _ => after,
    }
}

/// As [`step`], without an item that vanishes.
pub(super) fn step_undisturbed(state: State, event: &Event) -> Option<State> {
    let present = state != ABSENT;
    let holds = |condition: bool, after: State| condition.then_some(after);
    match (event.call, event.outcome) {
        (Call::Get | Call::Touch, Outcome::Value(id)) => holds(present && state == id, state),
        (Call::Take, Outcome::Value(id)) => holds(present && state == id, ABSENT),

        (Call::Set { new }, Outcome::Done) => Some(new),
        (Call::Add { new }, Outcome::Done) => holds(!present, new),
        (Call::Swap { expected, new }, Outcome::Done) => holds(present && state == expected, new),
        (Call::Delete, Outcome::Done) => holds(present, ABSENT),
        (Call::Clear, Outcome::Done) => Some(ABSENT),
        (Call::Increment { by }, Outcome::Value(sum)) => {
            holds(present && state.wrapping_add(by) == sum, sum)
        }
        (Call::Extend { new, at_front }, Outcome::Value(records)) => holds(
            present && chain::count(state) + 1 == records,
            chain::extended(state, new, at_front),
        ),

        (Call::Add { .. }, Outcome::Present) => holds(present, state),
        (Call::Swap { expected, .. }, Outcome::Present) => {
            holds(present && state != expected, state)
        }
        (
            Call::Get
            | Call::Swap { .. }
            | Call::Delete
            | Call::Increment { .. }
            | Call::Extend { .. }
            | Call::Take
            | Call::Touch,
            Outcome::Absent,
        ) => holds(!present, ABSENT),

        // Without an outcome: only the change counts, for what changes nothing need not be placed.
        (Call::Set { new }, outcome) if outcome.is_open() => Some(new),
        (Call::Add { new }, outcome) if outcome.is_open() => holds(!present, new),
        (Call::Swap { expected, new }, outcome) if outcome.is_open() => {
            holds(present && state == expected, new)
        }
        (Call::Delete | Call::Clear | Call::Take, outcome) if outcome.is_open() => {
            holds(present, ABSENT)
        }
        (Call::Increment { by }, outcome) if outcome.is_open() => {
            holds(present, state.wrapping_add(by))
        }
        (Call::Extend { new, at_front }, outcome) if outcome.is_open() => {
            holds(present, chain::extended(state, new, at_front))
        }

        // An outcome that the call does not have.
        _ => None,
    }
}

/// Whether `event` changes nothing in any state, and so is best placed as soon as it fits.
///
/// A miss of [`Mode::MayEnd`] belongs here: the end that explains it is not its own doing, whoever
/// needs the item gone can have it gone without this event.
pub(super) fn is_observation(event: &Event) -> bool {
    match event.outcome {
        Outcome::Absent | Outcome::Present => true,
        Outcome::Value(_) => event.call.only_reads(),
        _ => false,
    }
}
