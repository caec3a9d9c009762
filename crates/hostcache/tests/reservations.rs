//! Values made in place.

mod support;

use std::io::Write;
use std::time::Duration;

use hostcache::{Bound, Cache, Reservation, SetOptions, SetOutcome, WriteError};
use support::Scratch;

const MIB: u64 = 1 << 20;

fn value(seed: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (seed.wrapping_mul(31) ^ at.wrapping_mul(131) >> 3) as u8).collect()
}

fn reserve(cache: &Cache, key: &str, len: usize) -> Reservation {
    cache.reserve(key, len, &SetOptions::new()).expect("there is room")
}

fn assert_sound(cache: &Cache) -> hostcache::CheckReport {
    let report = cache.check();
    assert!(report.is_sound(), "{} unaccounted: {report:#?}", report.unaccounted_bytes());
    report
}

#[test]
fn what_was_made_in_place_is_what_is_read() {
    let scratch = Scratch::new();
    let cache = scratch.cache(2 * MIB);
    for len in [0, 1, 7, 8, 100, 5000, 200_000] {
        let whole = value(len as u64, len);
        // At an offset, as a stream, by pointer: over an item that is there, and over none.
        for round in 0..6 {
            let mut made = reserve(&cache, "key", len);
            assert_eq!((made.len(), made.is_empty()), (len, len == 0));
            match round % 3 {
                0 => {
                    for (at, part) in whole.chunks(13).enumerate().rev() {
                        made.write_at(13 * at, part).expect("inside");
                    }
                }
                1 => {
                    for part in whole.chunks(977) {
                        made.write_all(part).expect("inside");
                    }
                    assert_eq!(made.write(b"x").expect("the end is no error"), 0);
                }
                _ => {
                    // SAFETY: nobody else has this region.
                    unsafe { made.as_mut_slice() }.copy_from_slice(&whole);
                }
            }
            let before = cache.get("key");
            assert!(made.publish().expect("there is room").is_stored());
            assert_eq!(cache.get("key").as_ref(), Some(&whole));
            assert!(round % 2 == 1 || before.is_none());
            if round % 2 == 1 {
                cache.delete("key").expect("sound");
            }
        }
    }
    assert_eq!(cache.stats().reserved_bytes, 0);
    assert_sound(&cache);
}

#[test]
fn bytes_that_were_not_written_are_zero() {
    let scratch = Scratch::new();
    let cache = scratch.cache(MIB);
    for number in 0..2000 {
        cache.set(format!("old-{number}"), vec![0xff; 600]).expect("there is room");
    }
    let mut made = reserve(&cache, "key", 601);
    made.write_at(13, b"here").expect("inside");
    made.write_at(300, b"and there").expect("inside");
    made.write_at(2, b"and back").expect("inside");
    made.publish().expect("there is room");
    let mut expected = vec![0; 601];
    expected[13..17].copy_from_slice(b"here");
    expected[300..309].copy_from_slice(b"and there");
    expected[2..10].copy_from_slice(b"and back");
    assert_eq!(cache.get("key"), Some(expected));
    reserve(&cache, "empty", 601).publish().expect("there is room");
    assert_eq!(cache.get("empty"), Some(vec![0; 601]));
    let mut made = reserve(&cache, "by pointer", 601);
    // SAFETY: the pointer leads to 601 bytes of this reservation.
    assert_eq!(unsafe { std::slice::from_raw_parts(made.as_mut_ptr(), 601) }, [0; 601]);
}

#[test]
fn nothing_is_written_beyond_the_end() {
    let scratch = Scratch::new();
    let cache = scratch.cache(MIB);
    let mut made = reserve(&cache, "key", 10);
    for (offset, len) in [(0, 11), (10, 1), (11, 1), (usize::MAX, 2)] {
        let refused = made.write_at(offset, &vec![1; len]).expect_err("beyond the end");
        assert!(matches!(refused, WriteError::TooLarge { limit: 10, .. }), "{refused}");
    }
    made.write_at(10, b"").expect("nothing is beyond nothing");
    made.publish().expect("there is room");
    assert_eq!(cache.get("key"), Some(vec![0; 10]));
}

#[test]
fn a_reservation_is_invisible_and_comes_back() {
    let scratch = Scratch::new();
    let cache = scratch.cache(2 * MIB);
    cache.set("key", "old").expect("there is room");
    let free = |report: &hostcache::CheckReport| report.free_page_bytes + report.free_chunk_bytes;
    for len in [100, 5000, 300_000] {
        let before = assert_sound(&cache);
        for end in 0..2 {
            let mut made = reserve(&cache, "key", len);
            made.write_at(0, &vec![1; len]).expect("inside");
            assert_eq!(cache.get("key").as_deref(), Some(&b"old"[..]));
            let held = assert_sound(&cache);
            assert!(held.reserved_bytes >= len as u64, "{held:?}");
            // Charged by lines, exactly the block and nothing beside it.
            assert_eq!(cache.stats().reserved_bytes, held.reserved_bytes.next_multiple_of(64));
            let reserving = cache.participants();
            assert_eq!(reserving.iter().filter(|p| p.reserved_bytes > 0).count(), 1);
            if end == 0 { made.cancel() } else { drop(made) }
        }
        let after = assert_sound(&cache);
        assert_eq!(after.reserved_bytes, 0);
        // This thread may have given back what it kept, the slot that waits for the next one holds nothing.
        assert!(after.held_bytes <= before.held_bytes, "{before:?} {after:?}");
        assert!(free(&after) + after.tail_bytes >= free(&before), "{before:?} {after:?}");
    }
}

#[test]
fn conditions_count_when_it_is_published() {
    let scratch = Scratch::new();
    let cache = scratch.cache(MIB);
    let publish = |key: &str, options: &SetOptions, meanwhile: &dyn Fn()| {
        let mut made = cache.reserve(key, 3, options).expect("there is room");
        made.write_at(0, b"new").expect("inside");
        meanwhile();
        made.publish().expect("there is room")
    };
    let set = || cache.set("key", "old").expect("there is room");
    let delete = || assert!(cache.delete("key").expect("sound"));
    let absent = SetOptions::new().only_if_absent();
    assert_eq!(publish("key", &absent, &set), SetOutcome::Exists);
    assert!(publish("key", &absent, &|| delete()).is_stored());
    let present = SetOptions::new().only_if_present();
    assert_eq!(publish("key", &present, &delete), SetOutcome::Missing);
    set();
    assert!(publish("key", &present, &|| ()).is_stored());
    let token = cache.item_info("key").expect("it is there").cas_token;
    let swap = SetOptions::new().only_if_token(token);
    assert_eq!(publish("key", &swap, &set), SetOutcome::TokenMismatch);
    assert_eq!(cache.get("key").as_deref(), Some(&b"old"[..]));
    let token = cache.item_info("key").expect("it is there").cas_token;
    let swap = SetOptions::new().only_if_token(token).flags(9).encoding(2);
    let SetOutcome::Stored(stored) = publish("key", &swap, &|| ()) else { panic!("not stored") };
    let info = cache.item_info("key").expect("it is there");
    assert_eq!((info.cas_token, info.flags, info.encoding), (stored, 9, 2));
    assert_eq!(publish("key", &swap, &delete), SetOutcome::Missing);
    assert_eq!(cache.stats().cas_badval, 1);
    assert_sound(&cache);
}

#[test]
fn lifetimes_count_when_it_is_published() {
    let scratch = Scratch::new();
    let cache = scratch.cache(MIB);
    let ttl = |key: &str| cache.item_info(key).expect("it is there").ttl;
    let forever = SetOptions::new();
    let hour = SetOptions::new().ttl(Duration::from_secs(3600));
    let keep = SetOptions::new().keep_ttl();
    for len in [0, 1, 9, 4000] {
        let whole = value(1, len);
        let publish = |options: &SetOptions| {
            let mut made = cache.reserve("key", len, options).expect("there is room");
            made.write_at(0, &whole).expect("inside");
            assert!(made.publish().expect("there is room").is_stored());
            assert_eq!(cache.get("key").as_ref(), Some(&whole));
        };
        publish(&hour);
        assert!(ttl("key").is_some());
        publish(&keep);
        assert!(ttl("key").is_some_and(|ttl| ttl > Duration::from_secs(3000)));
        publish(&forever);
        assert_eq!(ttl("key"), None);
        // What was kept is "for ever": the word of the deadline is not there.
        publish(&keep);
        assert_eq!(ttl("key"), None);
    }
    assert_sound(&cache);
}

#[test]
fn reservations_of_a_process_are_bounded() {
    let scratch = Scratch::new();
    let cache = scratch.cache(4 * MIB);
    // A single one may be as large as a value may be.
    let largest = cache.max_value_len(3);
    let one = reserve(&cache, "key", largest);
    let refused = cache.reserve("other", 1, &SetOptions::new()).expect_err("over the bound");
    assert!(matches!(refused, WriteError::OverBound { bound: Bound::Process, .. }), "{refused}");
    // With pins they hold a quarter together.
    cache.set("small", "x").expect("there is room");
    let pin = cache.pin("small").expect_err("over the bound");
    assert!(matches!(pin, hostcache::PinError::OverBound { .. }), "{pin}");
    drop(one);
    let pin = cache.pin("small").expect("within the bound").expect("it is there");
    let refused = cache.reserve("key", largest, &SetOptions::new()).expect_err("over the bound");
    let WriteError::OverBound { wanted, held, limit, bound: Bound::Region, .. } = refused else {
        panic!("another error: {refused}");
    };
    assert!(wanted + held > limit && limit == MIB && held > 0);
    for number in [wanted, held, limit] {
        assert!(refused.to_string().contains(&number.to_string()), "{refused}");
    }
    drop(pin);
    reserve(&cache, "key", largest).publish().expect("there is room");
    let too_large = cache.reserve("key", largest + 1, &SetOptions::new()).expect_err("too large");
    assert!(matches!(too_large, WriteError::TooLarge { .. }));
    let mut made = Vec::new();
    let refused = loop {
        match cache.reserve(format!("key-{}", made.len()), 8, &SetOptions::new()) {
            Ok(one) => made.push(one),
            Err(refused) => break refused,
        }
    };
    let WriteError::TooManyReservations { limit, .. } = refused else {
        panic!("another error: {refused}");
    };
    assert_eq!(limit, made.len() as u64);
    made.clear();
    assert_sound(&cache);
    drop(cache);
    let cache = scratch.builder("test").open().expect("it is there");
    assert_eq!(cache.participants().len(), 0);
}

#[test]
fn a_reservation_can_be_made_and_published_on_other_threads() {
    let scratch = Scratch::new();
    let cache = scratch.cache(MIB);
    let mut made = reserve(&cache, "key", 5000);
    let made = std::thread::spawn(move || {
        made.write_at(0, &value(3, 5000)).expect("inside");
        made
    });
    let made = made.join().expect("the thread ends");
    let other = cache.clone();
    drop(cache);
    std::thread::spawn(move || assert!(made.publish().expect("there is room").is_stored()))
        .join()
        .expect("the thread ends");
    assert_eq!(other.get("key"), Some(value(3, 5000)));
    assert_sound(&other);
}

#[test]
fn a_read_only_handle_reserves_nothing() {
    let scratch = Scratch::new();
    let _cache = scratch.cache(MIB);
    let reader = scratch.builder("test").open_read_only().expect("it is there");
    let refused = reader.reserve("key", 1, &SetOptions::new()).expect_err("read-only");
    assert!(matches!(refused, WriteError::ReadOnly { .. }));
}
