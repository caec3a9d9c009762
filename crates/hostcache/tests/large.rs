//! Values of up to half the capacity.

mod support;

use std::time::Duration;

use hostcache::{Cache, Lifetime, PinError, SetOptions, WriteError};
use support::Scratch;

const MIB: u64 = 1 << 20;

fn assert_sound(cache: &Cache) {
    let report = cache.check();
    assert!(report.is_sound(), "{} unaccounted: {report:#?}", report.unaccounted_bytes());
}

fn value(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|at| seed.wrapping_add((at % 251) as u8)).collect()
}

/// Fills a region with small items of some sizes, three times over.
fn fill(cache: &Cache, capacity: u64) {
    let mut bytes = 0;
    let mut number = 0u64;
    while bytes < 3 * capacity {
        let len = 60 + (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize;
        cache.set(format!("small-{number}"), value(number as u8, len)).expect("there is room");
        bytes += len as u64;
        number += 1;
    }
}

#[test]
fn half_the_capacity_is_set_over_and_over() {
    let scratch = Scratch::new();
    for capacity in [MIB, 4 * MIB, 12 * MIB] {
        let name = format!("half-{capacity}");
        let cache = scratch.builder(&name).capacity(capacity).create().expect("a region");
        let len = cache.max_value_len("large".len());
        assert!(len as u64 * 100 >= capacity * 49, "{len} of {capacity}");
        for round in 0..4 {
            if round % 2 == 0 {
                fill(&cache, capacity);
            }
            // The old value goes first: both have no room.
            cache.set("large", value(round, len)).expect("there is room");
            assert!(cache.get("large").as_ref() == Some(&value(round, len)), "round {round}");
        }
        let refused = cache.set("large", value(0, len + 1)).expect_err("too large").to_string();
        assert!(refused.contains(&len.to_string()), "{refused}");
        assert!(cache.delete("large").expect("a sound region"));
        assert_sound(&cache);
    }
}

#[test]
fn half_the_capacity_is_reserved_published_and_pinned() {
    let scratch = Scratch::new();
    let cache = scratch.cache(4 * MIB);
    let len = cache.max_value_len("large".len());
    for round in 0..4 {
        fill(&cache, 4 * MIB);
        let mut made = cache.reserve("large", len, &SetOptions::new()).expect("there is room");
        let refused = cache.reserve("other", 1 << 18, &SetOptions::new());
        assert!(matches!(refused, Err(WriteError::OverBound { .. })), "{refused:?}");
        made.write_at(0, &value(round, len)).expect("inside");
        assert!(made.publish().expect("there is room").is_stored());
        let held = cache.pin("large").expect("nothing else is held").expect("it is there");
        cache.set("other", "x").expect("there is room");
        let refused = cache.pin("other").map(|held| held.is_some());
        assert!(matches!(refused, Err(PinError::OverBound { .. })), "{refused:?}");
        // What is left is for others: nothing of a 64th is refused.
        for number in 0..40u64 {
            let other = value(number as u8, (4 * MIB / 64) as usize);
            cache.set(format!("middle-{number}"), other).expect("there is room");
        }
        let refused = cache.set("large", value(9, len)).expect_err("its place is pinned");
        let WriteError::NoRoom { needed, pinned, .. } = refused else {
            panic!("another error: {refused}")
        };
        assert!(needed > len as u64 && pinned > len as u64, "{refused}");
        assert!(cache.stats().pinned_bytes > len as u64);
        assert!(held.to_vec() == value(round, len), "round {round}");
        drop(held);
        assert_sound(&cache);
    }
}

/// What is stored depends on what is there: it must not go to make room for its own successor.
#[test]
fn what_cannot_lie_beside_its_successor_is_kept() {
    let scratch = Scratch::new();
    let cache = scratch.cache(4 * MIB);
    let len = cache.max_value_len("large".len());
    let whole = value(1, len - 10);
    cache.set("large", &whole).expect("there is room");
    let token = cache.get_item("large").expect("it is there").info.cas_token;
    let keep = SetOptions::new().keep_ttl();
    let refused = [
        cache.replace("large", &whole).map(drop),
        cache.compare_and_swap("large", &whole, token).map(drop),
        cache.append("large", "tail").map(drop),
        cache.prepend("large", "head").map(drop),
        cache.touch("large", Lifetime::Ttl(Duration::from_secs(60))).map(drop),
        cache.set_with("large", &whole, &keep).map(drop),
    ];
    for (at, outcome) in refused.into_iter().enumerate() {
        let refused = outcome.expect_err("no room for both");
        assert!(matches!(refused, WriteError::NoRoom { .. }), "{at}: {refused}");
        assert!(cache.get("large").as_ref() == Some(&whole), "after {at}");
    }
    assert!(!cache.add("large", &whole).expect("nothing is stored"));
    // Two of a quarter have room, wherever the first one lies.
    let quarter = value(2, MIB as usize);
    cache.delete("large").expect("a sound region");
    for round in 0..6 {
        fill(&cache, 4 * MIB);
        cache.set("large", &quarter).expect("there is room");
        assert!(cache.replace("large", &quarter).expect("there is room"), "round {round}");
        assert_eq!(cache.append("large", "x").expect("there is room"), Some(quarter.len() + 1));
        let touched = cache.touch("large", Lifetime::Ttl(Duration::from_secs(60)));
        assert!(touched.expect("there is room"), "round {round}");
    }
    assert_sound(&cache);
}
