//! Items held in place.

mod support;

use std::time::Duration;

use hostcache::{Cache, MaintenanceBudget, Pin, PinError, SetOptions, WriteError};
use support::Scratch;

const MIB: u64 = 1 << 20;

fn value(seed: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (seed.wrapping_mul(31) ^ at.wrapping_mul(131) >> 3) as u8).collect()
}

fn pin(cache: &Cache, key: impl AsRef<[u8]>) -> Pin {
    cache.pin(key).expect("within the bounds").expect("the key is there")
}

/// Sets values until the whole region was evicted several times over.
fn churn(cache: &Cache, len: usize) {
    for number in 0..2 * cache.capacity() / len as u64 {
        cache.set(format!("churn-{number}"), value(number, len)).expect("there is room");
    }
}

fn assert_sound(cache: &Cache) -> hostcache::CheckReport {
    let report = cache.check();
    assert!(report.is_sound(), "{} unaccounted: {report:#?}", report.unaccounted_bytes());
    report
}

#[test]
fn a_pin_can_go_to_any_thread() {
    const fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Pin>();
    let scratch = Scratch::new();
    let cache = scratch.cache(MIB);
    cache.set("key", value(1, 5000)).expect("there is room");
    let held = pin(&cache, "key");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(held.to_vec(), value(1, 5000)));
        }
    });
    std::thread::spawn(move || drop(held)).join().expect("the thread ends");
    assert_eq!(cache.stats().pins, 0);
}

#[test]
fn what_is_pinned_stays_whatever_becomes_of_its_key() {
    for len in [1, 100, 5000, 40_000, 200_000] {
        let scratch = Scratch::new();
        let cache = scratch.cache(2 * MIB);
        for key in ["replaced", "deleted", "evicted"] {
            cache.set(key, value(len as u64, len)).expect("there is room");
            if len == 200_000 {
                break;
            }
        }
        let pins: Vec<Pin> = ["replaced", "deleted", "evicted"]
            .iter()
            .filter_map(|key| cache.pin(key).expect("within the bounds"))
            .collect();
        cache.set("replaced", "new").expect("there is room");
        cache.delete("deleted").expect("sound");
        churn(&cache, len.max(300));
        cache.clear().expect("sound");
        churn(&cache, 700);
        let whole = value(len as u64, len);
        for held in &pins {
            assert_eq!(held.to_vec(), whole);
            // SAFETY: nobody else has this region.
            assert_eq!(unsafe { held.as_slice() }, whole);
            assert_eq!(held.as_ptr() as usize % 8, 0);
        }
        let report = assert_sound(&cache);
        assert!(report.pinned_bytes >= len as u64, "{report:?}");
        drop(pins);
        let report = assert_sound(&cache);
        assert_eq!(report.pinned_bytes, 0);
        churn(&cache, 700);
        assert_sound(&cache);
    }
}

#[test]
fn a_pin_outlives_its_handle_and_its_region() {
    let scratch = Scratch::new();
    let path = scratch.path("region");
    let cache = Cache::builder(&path).capacity(MIB).create().expect("a region");
    cache.set("key", value(7, 3000)).expect("there is room");
    let held = pin(&cache, "key");
    drop(cache);
    Cache::destroy(&path).expect("it is there");
    assert_eq!(held.to_vec(), value(7, 3000));
}

#[test]
fn an_unlinked_item_comes_back_with_its_last_pin() {
    let scratch = Scratch::new();
    let cache = scratch.cache(MIB);
    for len in [100, 30_000] {
        cache.set("key", value(1, len)).expect("there is room");
        let (first, second) = (pin(&cache, "key"), pin(&cache, "key"));
        let other =
            Cache::builder("test").directory(scratch.directory()).open().expect("it is there");
        let third = pin(&other, "key");
        assert_eq!(cache.stats().pins, 3);
        assert_eq!(assert_sound(&cache).pinned_bytes, 0, "it is in the index");
        cache.delete("key").expect("sound");
        for held in [first, second, third] {
            assert!(assert_sound(&cache).pinned_bytes >= len as u64);
            assert_eq!(held.to_vec(), value(1, len));
            drop(held);
        }
        assert_eq!(assert_sound(&cache).pinned_bytes, 0);
        assert_eq!(cache.stats().pins, 0);
    }
}

#[test]
fn an_item_that_was_pinned_once_is_reused_as_any_other() {
    let scratch = Scratch::new();
    let cache = scratch.cache(MIB);
    for round in 0..100 {
        cache.set("key", value(round, 700)).expect("there is room");
        assert_eq!(pin(&cache, "key").to_vec(), value(round, 700));
        if round % 3 == 0 {
            cache.delete("key").expect("sound");
        }
        let report = assert_sound(&cache);
        assert_eq!((report.pinned_bytes, report.held_bytes < MIB / 64 + 4096), (0, true));
    }
}

#[test]
fn parts_are_read_where_they_are() {
    let scratch = Scratch::new();
    let cache = scratch.cache(MIB);
    let options = SetOptions::new().flags(7).encoding(3).ttl(Duration::from_secs(100));
    cache.set_with("key", value(9, 1003), &options).expect("there is room");
    let held = pin(&cache, "key");
    let info = held.info();
    assert_eq!((info.value_len, info.flags, info.encoding), (1003, 7, 3));
    assert_eq!(Some(info.cas_token), cache.item_info("key").map(|info| info.cas_token));
    assert!(info.ttl.is_some_and(|ttl| ttl > Duration::from_secs(90)));
    for (offset, len) in
        [(0, 0), (0, 9), (3, 8), (8, 8), (1000, 3), (1000, 10), (1003, 4), (5000, 1)]
    {
        let mut out = vec![0; len];
        let read = held.read_at(offset, &mut out);
        let whole = value(9, 1003);
        let expected = whole.get(offset..).unwrap_or_default();
        assert_eq!(&out[..read], &expected[..len.min(expected.len())]);
    }
    let mut out = [0; 2000];
    assert_eq!(held.copy_to(&mut out), 1003);
    assert_eq!(&out[..1003], value(9, 1003));
    cache.set("empty", "").expect("there is room");
    assert!(pin(&cache, "empty").is_empty());
}

#[test]
fn only_what_is_there_can_be_pinned() {
    let scratch = Scratch::new();
    let cache = scratch.cache(MIB);
    assert!(cache.pin("missing").expect("a miss").is_none());
    cache.set_with("gone", "x", &SetOptions::new().ttl(Duration::ZERO)).expect("there is room");
    assert!(cache.pin("gone").expect("a miss").is_none());
    cache.set("cleared", "x").expect("there is room");
    cache.clear().expect("sound");
    assert!(cache.pin("cleared").expect("a miss").is_none());
    let stats = cache.stats();
    assert_eq!((stats.get_hits, stats.get_misses, stats.get_expired), (0, 3, 1));
    assert_eq!(stats.pins, 0);
    assert!(matches!(cache.pin(""), Err(PinError::InvalidKey { .. })));
    let reader = scratch.builder("test").open_read_only().expect("it is there");
    let refused = reader.pin("missing").expect_err("a pin is a record").to_string();
    assert!(refused.contains("read-only") && refused.contains("Cache::open"), "{refused}");
}

#[test]
fn pins_hold_a_quarter_of_the_capacity_together() {
    let scratch = Scratch::new();
    let cache = scratch.cache(4 * MIB);
    let other = scratch.builder("test").open().expect("it is there");
    let len = 60_000;
    let mut pins = Vec::new();
    let refused = loop {
        let key = format!("key-{}", pins.len());
        cache.set(&key, value(pins.len() as u64, len)).expect("there is room");
        let by = if pins.len() % 2 == 0 { &cache } else { &other };
        match by.pin(&key) {
            Ok(held) => pins.push(held.expect("the key is there")),
            Err(refused) => break refused,
        }
    };
    let PinError::OverBound { wanted, held, limit, .. } = refused else {
        panic!("another error: {refused}");
    };
    assert_eq!(limit, MIB);
    assert!(wanted >= len as u64 && held + wanted > limit && held <= limit);
    assert!((12..=17).contains(&pins.len()), "{} pins", pins.len());
    let text = refused.to_string();
    for number in [wanted, held, limit] {
        assert!(text.contains(&number.to_string()), "{text}");
    }
    assert_eq!(cache.stats().pins, pins.len() as u64);
    // Not for ever, and not for others.
    churn(&cache, 2000);
    for (number, held) in pins.iter().enumerate() {
        assert_eq!(held.to_vec(), value(number as u64, len));
    }
    pins.clear();
    cache.set("largest", value(1, cache.max_value_len(7))).expect("there is room");
    let held = pin(&cache, "largest");
    assert!(matches!(other.pin("churn-1"), Err(PinError::OverBound { .. }) | Ok(None)));
    drop(held);
    assert_sound(&cache);
}

#[test]
fn a_process_has_so_many_pins_and_no_more() {
    let scratch = Scratch::new();
    let cache = scratch.builder("test").capacity(4 * MIB).participants(16).create();
    let cache = cache.expect("a region");
    cache.set("key", "x").expect("there is room");
    let before = cache.participants().len();
    let mut pins = Vec::new();
    let refused = loop {
        match cache.pin("key") {
            Ok(held) => pins.push(held.expect("the key is there")),
            Err(refused) => break refused,
        }
    };
    let PinError::TooManyPins { limit, .. } = refused else { panic!("another error: {refused}") };
    assert_eq!(limit, pins.len() as u64);
    assert!(refused.to_string().contains(&limit.to_string()), "{refused}");
    let participants = cache.participants();
    assert_eq!(participants.len(), before + 2);
    assert_eq!(participants.iter().map(|p| p.pins).sum::<u64>(), limit);
    pins.truncate(1);
    let participants = cache.participants();
    assert!(participants.len() <= before + 2);
    assert_eq!(participants.iter().map(|p| p.pins).sum::<u64>(), 1);
    pins.clear();
    assert_eq!(cache.participants().len(), before + 1, "one lane is kept");
    drop(cache);
    let cache = scratch.builder("test").open().expect("it is there");
    assert_eq!(cache.participants().len(), 0);
}

#[test]
fn threads_pin_and_unpin_while_others_replace() {
    let scratch = Scratch::new();
    let cache = scratch.cache(2 * MIB);
    let keys = 20;
    std::thread::scope(|scope| {
        for writer in 0..2u64 {
            let cache = &cache;
            scope.spawn(move || {
                for round in 0..3000 {
                    let (key, len) = (round % keys, 50 + 37 * (round % 61) as usize);
                    let stamp = writer << 32 | round;
                    let mut bytes = value(stamp, len);
                    bytes.splice(0..0, stamp.to_le_bytes());
                    cache.set(format!("key-{key}"), bytes).expect("there is room");
                }
            });
        }
        for reader in 0..3u64 {
            let cache = &cache;
            scope.spawn(move || {
                let mut pins = Vec::new();
                for round in 0..3000 {
                    let key = format!("key-{}", (round + reader) % keys);
                    if let Some(held) = cache.pin(key).expect("within the bounds") {
                        pins.push((held.to_vec(), held));
                    }
                    if pins.len() > 40 {
                        let (copy, held) = pins.swap_remove((round as usize * 7) % 40);
                        assert_eq!(held.to_vec(), copy, "a pinned item changed");
                        let stamp = u64::from_le_bytes(copy[..8].try_into().expect("8 bytes"));
                        assert_eq!(copy[8..], value(stamp, copy.len() - 8));
                    }
                }
            });
        }
    });
    assert_eq!(cache.stats().pins, 0);
    assert_eq!(assert_sound(&cache).pinned_bytes, 0);
}

#[test]
fn maintenance_and_eviction_step_round_what_is_pinned() {
    let scratch = Scratch::new();
    let cache = scratch.cache(2 * MIB);
    cache.set("key", value(1, 500)).expect("there is room");
    let held = pin(&cache, "key");
    for _ in 0..20 {
        churn(&cache, 500);
        cache.maintain(&MaintenanceBudget::default()).expect("writable");
    }
    assert_eq!(held.to_vec(), value(1, 500));
    assert_eq!(cache.get("key"), Some(value(1, 500)), "evicting it would have given no memory");
    assert_sound(&cache);
}

#[test]
fn pins_in_every_page_refuse_large_values_and_say_so() {
    let scratch = Scratch::new();
    let cache = scratch.cache(2 * MIB);
    let pages = cache.info().pages;
    churn(&cache, 300);
    let keys: Vec<Vec<u8>> = cache.keys().collect();
    let step = keys.len() / pages as usize / 2;
    let mut pins: Vec<Pin> = keys.iter().step_by(step).filter_map(|k| cache.pin(k).ok()?).collect();
    let large = cache.capacity() as usize / 16;
    let mut refusals = 0;
    for _ in 0..3 {
        match cache.set("large", vec![1; large]) {
            Err(WriteError::NoRoom { pinned, .. }) => {
                assert!(pinned > 0);
                refusals += 1;
            }
            other => other.expect("no other error"),
        }
    }
    assert!(refusals > 0, "{} pins kept no page from changing hands", pins.len());
    // The classes that are there go on.
    churn(&cache, 300);
    pins.clear();
    cache.set("large", vec![1; large]).expect("the pins are gone");
    assert_sound(&cache);
}
