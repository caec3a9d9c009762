//! What a reader looks at again behind its copy, and what it stores.

use super::{Condition, Deadline, IntoVec, SetRequest, Value};
use crate::fixture::{Fixture, Still};
use crate::fuel::Fuel;
use crate::layout::Identity;
use crate::sync::{AtomicU64, Ordering};
use crate::table::{Lookup, Probe};
use crate::{Got, Lane, Region, Session};

fn set(region: &Region, lane: &mut Lane, value: &[u8]) {
    let (deadline, condition) = (Deadline::At(None), Condition::Always);
    let request = SetRequest { value, flags: 0, encoding: 0, deadline, condition };
    Session::new(region, lane, &Still).set(b"key", &request).expect("there is room");
}

#[test]
fn no_later_incarnation_of_a_block_is_taken_for_the_one_that_was_found() {
    let Fixture { region, .. } = &Fixture::with_generations(2);
    let mut lane = Lane::attach(region, 0, &Identity::default());
    // The magazine is full after this, and from then on has room for the block that is used.
    set(region, &mut lane, b"before");
    Session::new(region, &mut lane, &Still).delete(b"key").expect("a sound region");
    set(region, &mut lane, b"first");
    let probe = Probe::new(&region.geometry, b"key");
    let find = || match region.find(&probe, b"key", &mut Fuel::operation()) {
        Ok(Lookup::Found(found)) => found,
        other => panic!("{other:?}"),
    };
    let first = find();
    assert!(first.is_whole());
    for _ in 0..20 {
        Session::new(region, &mut lane, &Still).delete(b"key").expect("a sound region");
        set(region, &mut lane, b"later");
        assert_eq!(find().location(), first.location(), "the block given last");
        assert!(!first.is_whole(), "{:?} is not {:?}", find().header, first.header);
    }
}

/// The second look at the slot: what stands in a block may be of another incarnation than the slot's word, and says nothing
/// about the key then.
#[test]
fn a_key_that_is_there_is_found_whatever_replaces_its_item() {
    const LOOKUPS: u32 = if cfg!(debug_assertions) { 20_000 } else { 8_000_000 };
    let Fixture { region, .. } = &Fixture::new();
    let mut lane = Lane::attach(region, 0, &Identity::default());
    set(region, &mut lane, b"value");
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while done.load(Ordering::Relaxed) == 0 {
                set(region, &mut lane, b"value");
            }
        });
        let misses = (0..LOOKUPS).filter(|_| {
            let got = region.get(&Still, b"key", true, &mut |_: &Value<'_>| ());
            matches!(got, Ok(Got::Miss | Got::Expired))
        });
        let misses = misses.count();
        done.store(1, Ordering::Relaxed);
        assert_eq!(misses, 0, "of {LOOKUPS} lookups of a key that was there all the time");
    });
}

#[test]
fn a_read_stores_nothing_into_the_arena() {
    let Fixture { region, .. } = &Fixture::new();
    let mut lane = Lane::attach(region, 0, &Identity::default());
    set(region, &mut lane, b"value");
    let geometry = &region.geometry;
    let arena = || {
        let words = geometry.arena_at..geometry.arena_end;
        words.map(|at| region.word(at).load(Ordering::Relaxed)).collect::<Vec<_>>()
    };
    let before = arena();
    let mut value = Vec::new();
    for _ in 0..5 {
        let quickly = region.get_quickly(&Still, b"key", &mut IntoVec(&mut value));
        assert_eq!(quickly, Some(Some(())));
        assert!(arena() == before);
        let got = region.get(&Still, b"key", true, &mut IntoVec(&mut value));
        assert_eq!(got, Ok(Got::Hit(())));
        assert!(arena() == before);
    }
}
