//! Words of a region that no honest process wrote.

use super::{Condition, Deadline, Got, SetOutcome, SetRequest, Value};
use crate::fixture::{Fixture, Still};
use crate::layout::{Identity, record};
use crate::sync::Ordering;
use crate::{Lane, Session};

fn request(value: &[u8]) -> SetRequest<'_> {
    let (deadline, condition) = (Deadline::At(None), Condition::Always);
    SetRequest { value, flags: 0, encoding: 0, deadline, condition }
}

#[test]
fn lengths_that_change_during_a_read_are_told_as_they_were_checked() {
    let fixture = Fixture::new();
    let region = &fixture.region;
    let mut lane = Lane::attach(region, 0, &Identity::default());
    let mut session = Session::new(region, &mut lane, &Still);
    session.set(b"key", &request(&[1; 100])).expect("there is room");
    let g = region.geometry();
    let slots = g.buckets_at..g.classes_at;
    let is_slot = |at: &u64| (at - g.buckets_at) % 8 < 6;
    let slot = slots.filter(is_slot).map(|at| region.word(at).load(Ordering::Relaxed));
    let location = slot.into_iter().find(|&word| word != 0).expect("the item") & ((1 << 34) - 1);
    let mut sink = |value: &Value<'_>| {
        region.word(location + 1).store(u64::MAX, Ordering::Relaxed);
        (value.len(), value.head().sizes)
    };
    let Ok(Got::Hit((len, sizes))) = region.get(&Still, b"key", false, &mut sink) else {
        panic!("the header did not change");
    };
    assert_eq!((len, sizes.value_len, sizes.key_len), (100, 100, 3));
}

#[test]
fn a_token_mark_and_refills_at_their_end_come_round() {
    let fixture = Fixture::new();
    let region = &fixture.region;
    let mut lane = Lane::attach(region, 0, &Identity::default());
    region.lane_word(0, record::TOKENS).store(u64::MAX, Ordering::Relaxed);
    let mut session = Session::new(region, &mut lane, &Still);
    for n in 0..4u8 {
        let stored = session.set(&[n], &request(b"value"));
        assert!(matches!(stored, Ok(SetOutcome::Stored(_))), "{stored:?}");
    }
    // Full, so that eviction ahead of need looks at the classes.
    for n in 0..3_000u32 {
        let _ = session.set(&n.to_le_bytes(), &request(&[7; 400]));
    }
    let g = region.geometry();
    for word in g.classes_at..g.hints_at {
        region.word(word).store(u64::MAX / 2, Ordering::Relaxed);
    }
    session.evict_ahead(10);
}
