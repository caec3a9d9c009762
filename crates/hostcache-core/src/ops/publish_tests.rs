//! What becomes of a value made in place that is overtaken again and again.

use std::cell::{Cell, RefCell};

use super::store::{Change, Draft, Present, Verdict};
use super::{Condition, Deadline, SetRequest, Value};
use crate::fixture::{Fixture, Still};
use crate::fuel::Fuel;
use crate::layout::{Identity, record};
use crate::sync::Ordering;
use crate::table::{Lookup, Probe};
use crate::word::SlotWord;
use crate::{Failure, Got, Lane, Region, Session};

/// Times that another lane is first.
const OVERTAKEN: u32 = 24;

/// A publication under which another lane sets or deletes the key, and whose deadline comes and goes.
struct Overtaken<'a> {
    region: &'a Region,
    other: RefCell<Lane>,
    round: Cell<u32>,
}

impl Overtaken<'_> {
    fn deadline(&self) -> Option<u64> {
        (self.round.get() % 3 == 1).then_some(5_000)
    }
}

impl Change for Overtaken<'_> {
    const READS_VALUE: bool = false;

    fn decide(&mut self, _: Option<Present<'_>>) -> Result<Verdict, Failure> {
        Ok(Verdict::Put { revised: true })
    }

    fn draft(&self) -> Draft<'_> {
        let draft =
            Draft { value: &[], flags: 7, encoding: 0, deadline: self.deadline(), token: None };
        let round = self.round.get();
        if round < OVERTAKEN {
            self.round.set(round + 1);
            let mut other = self.other.borrow_mut();
            let mut other = Session::new(self.region, &mut other, &Still);
            if round.is_multiple_of(2) {
                other.delete(b"key").expect("a sound region");
            } else {
                other.set(b"key", &request(b"other")).expect("there is room");
            }
        }
        draft
    }
}

fn request(value: &[u8]) -> SetRequest<'_> {
    let (deadline, condition) = (Deadline::At(None), Condition::Always);
    SetRequest { value, flags: 0, encoding: 0, deadline, condition }
}

/// How many blocks hold the value in turn, if somebody names the first or nobody does.
fn blocks_used(named: bool) -> usize {
    let Fixture { region, .. } = &Fixture::with_generations(2);
    let mut lane = Lane::attach(region, 0, &Identity::default());
    let other = RefCell::new(Lane::attach(region, 1, &Identity::default()));
    let mut session = Session::new(region, &mut lane, &Still);
    session.set(b"key", &request(b"old")).expect("there is room");
    let value: Vec<u8> = (0..300u32).map(|at| (at * 7) as u8).collect();
    let reserved = session.reserve(3, value.len() as u64, true).expect("there is room");
    region.fill_reserved(&reserved, 0, &value);
    let private = reserved.into_private();
    let first = private.owned.location;
    if named {
        let word = SlotWord::tentative(1, 0, false, first).bits();
        region.lane_word(2, record::OLD).store(word, Ordering::Relaxed);
    }

    let mut change = Overtaken { region, other, round: Cell::new(0) };
    let stored = session.apply_with(b"key", &mut change, Some(private));
    assert!(matches!(stored, Ok(Some(_))), "{stored:?}");
    assert_eq!(change.round.get(), OVERTAKEN);
    session.end_reservation();

    let mut read = |item: &Value<'_>| {
        let mut bytes = Vec::new();
        item.copy_to_vec(&mut bytes);
        (bytes, item.head().flags)
    };
    assert_eq!(region.get(&Still, b"key", false, &mut read), Ok(Got::Hit((value, 7))));
    let account = region.check(&Still, |_| false);
    assert!(account.problems.is_empty(), "{account:?}");
    let probe = Probe::new(&region.geometry, b"key");
    let Ok(Lookup::Found(found)) = region.find(&probe, b"key", &mut Fuel::operation()) else {
        panic!("it was read");
    };
    1 + usize::from(found.location() != first)
}

#[test]
fn a_value_stays_whole_and_in_its_block_however_often_it_is_overtaken() {
    assert_eq!(blocks_used(false), 1);
}

#[test]
fn a_value_moves_where_somebody_still_expects_its_block_in_the_generation_to_come() {
    assert_eq!(blocks_used(true), 2);
}
