//! The replay against stores that are right, and wrong in one way each.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::*;
use crate::shared::SharedArray;
use crate::tally::PhaseTally;
use crate::trace::load_text;

/// A map that can be told to misbehave.
#[derive(Default)]
struct MapStore {
    items: RefCell<HashMap<Vec<u8>, Vec<u8>>>,
    /// Applied to what a get finds.
    damage: Option<fn(&mut Vec<u8>)>,
    /// Sets of longer values fail.
    limit: Option<usize>,
    /// Deletes are answered with success and not done.
    deaf_to_delete: bool,
    sets_with_ttl: Cell<u64>,
}

impl Store for MapStore {
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool, String> {
        let items = self.items.borrow();
        let Some(found) = items.get(key) else { return Ok(false) };
        value.clone_from(found);
        if let Some(damage) = self.damage {
            damage(value);
        }
        Ok(true)
    }

    fn set(&self, key: &[u8], value: &[u8], ttl_secs: u32) -> Result<(), String> {
        if self.limit.is_some_and(|limit| value.len() > limit) {
            return Err("too large".into());
        }
        self.sets_with_ttl.update(|count| count + u64::from(ttl_secs > 0));
        self.items.borrow_mut().insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn delete(&self, key: &[u8]) -> Result<(), String> {
        if !self.deaf_to_delete {
            self.items.borrow_mut().remove(key);
        }
        Ok(())
    }
}

/// Lets everything in; its clock advances by a millisecond at each look.
#[derive(Default)]
struct OpenGate {
    millis: Cell<u64>,
    idled: u64,
    stop_after: Option<u64>,
}

impl Gate for OpenGate {
    fn enter(&mut self, request: u64) -> Result<(), Stopped> {
        if self.stop_after == Some(request) { Err(Stopped) } else { Ok(()) }
    }

    fn leave(&mut self, _request: u64) {}

    fn elapsed(&self) -> Duration {
        self.millis.update(|millis| millis + 1);
        Duration::from_millis(self.millis.get())
    }

    fn idle(&mut self) -> Result<(), Stopped> {
        self.idled += 1;
        Ok(())
    }
}

struct Outcome {
    result: Result<(), Fault>,
    tally: Tally,
    first_set_error: Option<String>,
}

fn replay(text: &str, store: &MapStore) -> Outcome {
    let trace = load_text(text).expect("good trace");
    let lengths = SharedArray::new(trace.key_ids.len()).expect("map");
    let mut replayer = Replayer::new(&trace, store, &lengths);
    let result = replayer.run(&mut OpenGate::default(), Share { first: 0, step: 1 }, false);
    Outcome { result, tally: replayer.tally, first_set_error: replayer.first_set_error }
}

const TWICE: &str = "1,100,g,0\n2,17,g,0\n1,100,g,0\n2,17,g,0\n";

fn wrong_value_of(text: &str, store: &MapStore) -> String {
    match replay(text, store).result {
        Err(Fault::WrongValue(detail)) => detail,
        other => panic!("a wrong value was planted, the replay ended with {other:?}"),
    }
}

fn damaged(damage: fn(&mut Vec<u8>)) -> MapStore {
    MapStore { damage: Some(damage), ..MapStore::default() }
}

#[test]
fn a_get_that_misses_sets_and_then_hits() {
    let outcome = replay(TWICE, &MapStore::default());
    assert_eq!(outcome.result, Ok(()));
    let expected = PhaseTally { gets: 4, misses: 2, get_bytes: 234, missed_bytes: 117 };
    assert_eq!(outcome.tally.total(), expected);
}

#[test]
fn sets_and_deletes_are_done_and_not_counted_as_gets() {
    let store = MapStore::default();
    let outcome = replay("1,40,s,9\n1,40,g,9\n1,40,d,0\n1,40,g,9\n1,60,s,0\n1,60,g,0\n", &store);
    assert_eq!(outcome.result, Ok(()));
    let expected = PhaseTally { gets: 3, misses: 1, get_bytes: 140, missed_bytes: 40 };
    assert_eq!(outcome.tally.total(), expected);
    assert_eq!(store.sets_with_ttl.get(), 2);
}

#[test]
fn phases_are_counted_apart() {
    let outcome = replay("1,20,g,0\n#phase a\n1,20,g,0\n2,30,g,0\n", &MapStore::default());
    let seen: Vec<_> = outcome.tally.phases.iter().map(|p| (p.gets, p.misses)).collect();
    assert_eq!(seen, [(1, 1), (2, 1)]);
}

#[test]
fn a_hit_has_the_length_that_was_set_even_where_a_get_names_another_size() {
    let outcome = replay("1,100,g,0\n1,200,g,0\n1,300,s,0\n1,50,g,0\n", &MapStore::default());
    assert_eq!(outcome.result, Ok(()));
}

#[test]
fn planted_wrong_bytes_end_the_replay() {
    let first = wrong_value_of(TWICE, &damaged(|value| value[0] ^= 1));
    assert!(first.contains("request 3 (key_id 1, key 910a2dec89025cc1)"), "{first}");
    assert!(first.contains("begins with"), "{first}");
    let last = wrong_value_of(TWICE, &damaged(|value| *value.last_mut().expect("bytes") ^= 0x80));
    assert!(last.contains("ends with"), "{last}");
    let cut = wrong_value_of(TWICE, &damaged(|value| value.truncate(80)));
    assert!(cut.contains("has 80 bytes, 84 were set"), "{cut}");
    wrong_value_of(TWICE, &damaged(|value| value.push(0)));
    wrong_value_of(TWICE, &damaged(|value| item::fill(2, value)));
}

#[test]
fn a_value_that_survives_its_delete_is_wrong() {
    let store = MapStore { deaf_to_delete: true, ..MapStore::default() };
    let detail = wrong_value_of("1,100,s,0\n1,100,d,0\n1,100,g,0\n", &store);
    assert!(detail.contains("deleted"), "{detail}");
}

#[test]
fn a_set_that_fails_is_counted_and_leaves_a_miss() {
    let store = MapStore { limit: Some(50), ..MapStore::default() };
    let outcome = replay("1,40,s,0\n1,100,s,0\n1,40,g,0\n1,40,g,0\n2,90,g,0\n2,90,g,0\n", &store);
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.tally.set_errors, 3);
    let total = outcome.tally.total();
    assert_eq!((total.gets, total.misses), (4, 3));
    let first = outcome.first_set_error.expect("one failed");
    assert!(first.contains("setting in request 2") && first.contains("too large"), "{first}");
}

#[test]
fn a_paced_request_waits_until_it_is_due() {
    let trace = load_text("1,20,g,0,0\n1,20,g,0,5\n").expect("good trace");
    let lengths = SharedArray::new(1).expect("map");
    let store = MapStore::default();
    let mut gate = OpenGate::default();
    let mut replayer = Replayer::new(&trace, &store, &lengths);
    replayer.run(&mut gate, Share { first: 0, step: 1 }, true).expect("good replay");
    // Looks 1 (due at once), 2, 3, 4 (too early) and 5.
    assert_eq!((gate.millis.get(), gate.idled), (5, 3));
}

#[test]
fn a_stop_ends_the_replay() {
    let trace = load_text(TWICE).expect("good trace");
    let lengths = SharedArray::new(2).expect("map");
    let store = MapStore::default();
    let mut gate = OpenGate { stop_after: Some(1), ..OpenGate::default() };
    let mut replayer = Replayer::new(&trace, &store, &lengths);
    let result = replayer.run(&mut gate, Share { first: 0, step: 1 }, false);
    assert_eq!(result, Err(Fault::Stopped));
    assert_eq!(replayer.tally.total().gets, 1);
}
