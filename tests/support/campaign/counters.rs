//! The sum of increments is the counter, whatever else the checker says.

use crate::history::{Call, Event, Outcome};

/// Asserts that the last value read of a counter that only grew is its start plus all addends that
/// were acknowledged, and perhaps some of those whose worker was killed.
pub(super) fn assert_sum(key: u32, events: &[Event]) {
    let (mut start, mut sum, mut pending, mut last) = (0, 0, 0, None);
    for event in events {
        match (event.call, event.outcome) {
            (Call::Set { new }, Outcome::Done) => start = new,
            (Call::Increment { by }, Outcome::Value(_)) => sum += by,
            (Call::Increment { by }, Outcome::Pending) => pending += by,
            (Call::Get, Outcome::Value(value)) => last = Some(value),
            _ => {}
        }
    }
    let least = start + sum;
    assert!(
        last.is_some_and(|last| (least..=least + pending).contains(&last)),
        "counter {key} is {last:?}: it began with {start}, {sum} were added for certain and {pending} \
         by workers that were killed meanwhile"
    );
}
