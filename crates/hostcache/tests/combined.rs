//! Operations that read and change in one: append, prepend, take, get-and-touch.

use std::time::Duration;

use hostcache::{Cache, Lifetime, ManualClock, PrivateCache, SetOptions, WriteError};

const MINUTE: Duration = Duration::from_secs(60);

fn cache() -> Cache {
    Cache::private(1 << 20).expect("a cache")
}

#[test]
fn append_and_prepend_change_the_value_and_the_token_and_nothing_else() {
    let clock = ManualClock::new().expect("a clock");
    let cache = PrivateCache::new(1 << 20).clock(&clock).create().expect("a cache");
    assert_eq!(cache.append("k", "x").unwrap(), None);
    assert_eq!(cache.prepend("k", "x").unwrap(), None);
    assert!(!cache.contains("k"));
    cache.set_with("k", "mid", &SetOptions::new().ttl(MINUTE).flags(9).encoding(5)).unwrap();
    let before = cache.item_info("k").expect("it was stored");
    clock.advance(MINUTE / 2);
    assert_eq!(cache.append("k", "-end").unwrap(), Some(7));
    assert_eq!(cache.prepend("k", "start-").unwrap(), Some(13));
    let after = cache.get_item("k").expect("it is there");
    assert_eq!(after.value, b"start-mid-end");
    assert_eq!((after.info.flags, after.info.encoding), (9, 5));
    assert_eq!(after.info.ttl, Some(MINUTE / 2));
    assert_ne!(after.info.cas_token, before.cas_token);
    let token = after.info.cas_token;
    assert_eq!(cache.append("k", "").unwrap(), Some(13));
    assert_ne!(cache.item_info("k").expect("it is there").cas_token, token);
    clock.advance(MINUTE / 2);
    assert_eq!(cache.append("k", "x").unwrap(), None, "it has expired");
    let stats = cache.stats();
    assert_eq!((stats.append_hits, stats.append_misses, stats.cmd_set), (3, 3, 7));
    assert!(cache.check().is_sound());
}

#[test]
fn a_value_that_would_outgrow_the_limit_stays_as_it_was() {
    let cache = cache();
    let limit = cache.max_value_len(1);
    // A value and its successor lie beside each other for a moment.
    cache.set("k", vec![1; limit / 2 - 1]).unwrap();
    assert_eq!(cache.append("k", [2]).unwrap(), Some(limit / 2));
    cache.set("k", vec![2; limit]).unwrap();
    let refused = cache.append("k", [3]).expect_err("one byte too many");
    assert!(
        matches!(refused, WriteError::TooLarge { len, limit: l, .. } if len == limit + 1 && l == limit),
        "{refused}"
    );
    assert!(matches!(cache.prepend("k", vec![0; limit + 1]), Err(WriteError::TooLarge { .. })));
    let value = cache.get("k").expect("it is there");
    assert_eq!((value.len(), value[limit - 1]), (limit, 2));
    assert!(cache.check().is_sound());
}

#[test]
fn take_gives_the_item_that_it_ends() {
    let clock = ManualClock::new().expect("a clock");
    let cache = PrivateCache::new(1 << 20).clock(&clock).create().expect("a cache");
    assert_eq!(cache.take("k").unwrap(), None);
    cache.set_with("k", "v", &SetOptions::new().flags(3).ttl(MINUTE)).unwrap();
    clock.advance(MINUTE / 4);
    let item = cache.take_item("k").unwrap().expect("it was there");
    assert_eq!((item.value.as_slice(), item.info.flags), (&b"v"[..], 3));
    assert_eq!(item.info.ttl, Some(MINUTE * 3 / 4));
    assert_eq!(cache.take("k").unwrap(), None);
    cache.set_with("k", "v", &SetOptions::new().ttl(MINUTE)).unwrap();
    clock.advance(MINUTE);
    assert_eq!(cache.take("k").unwrap(), None, "it has expired");
    cache.set("k", "v").unwrap();
    cache.clear().unwrap();
    assert_eq!(cache.take("k").unwrap(), None, "a clear ended it");
    let stats = cache.stats();
    assert_eq!((stats.get_hits, stats.get_misses, stats.get_expired), (1, 4, 1));
    assert_eq!((stats.delete_hits, stats.delete_misses), (1, 4));
    assert!(cache.check().is_sound());
}

#[test]
fn get_and_touch_gives_the_value_and_moves_the_deadline() {
    let clock = ManualClock::new().expect("a clock");
    let cache = PrivateCache::new(1 << 20).clock(&clock).create().expect("a cache");
    assert_eq!(cache.get_and_touch("k", Lifetime::Ttl(MINUTE)).unwrap(), None);
    cache.set_with("k", "v", &SetOptions::new().ttl(MINUTE).flags(4)).unwrap();
    let token = cache.item_info("k").expect("it was stored").cas_token;
    for _ in 0..5 {
        clock.advance(MINUTE - Duration::from_millis(1));
        let value = cache.get_and_touch("k", Lifetime::Ttl(MINUTE)).unwrap();
        assert_eq!(value.as_deref(), Some(&b"v"[..]));
    }
    let item = cache.get_item_and_touch("k", Lifetime::Keep).unwrap().expect("it is there");
    assert_eq!((item.info.ttl, item.info.flags, item.info.cas_token), (Some(MINUTE), 4, token));
    let item = cache.get_item_and_touch("k", Lifetime::Forever).unwrap().expect("it is there");
    assert_eq!((item.info.ttl, item.info.cas_token), (None, token));
    clock.advance(MINUTE * 1000);
    assert_eq!(
        cache.get_item_and_touch("k", Lifetime::Forever).unwrap().map(|i| i.info.ttl),
        Some(None)
    );
    let gone = cache.get_and_touch("k", Lifetime::Ttl(Duration::ZERO)).unwrap();
    assert_eq!(gone.as_deref(), Some(&b"v"[..]), "the one who ends it still reads it");
    assert_eq!(cache.get("k"), None);
    let stats = cache.stats();
    assert_eq!((stats.touch_hits, stats.touch_misses, stats.cmd_touch), (9, 1, 10));
    assert_eq!((stats.get_hits, stats.get_expired), (9, 1));
}

#[test]
fn of_threads_that_take_one_key_exactly_one_gets_each_value() {
    const VALUES: u64 = 5_000;
    let cache = cache();
    let taken: Vec<u64> = std::thread::scope(|scope| {
        let takers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut taken = Vec::new();
                    loop {
                        let Some(value) = cache.take("k").expect("it is sound") else { continue };
                        let value = u64::from_le_bytes(value.try_into().expect("eight bytes"));
                        if value == u64::MAX {
                            return taken;
                        }
                        taken.push(value);
                    }
                })
            })
            .collect();
        for value in (0..VALUES).chain([u64::MAX; 3]) {
            while !cache.add("k", value.to_le_bytes()).expect("there is room") {}
        }
        takers.into_iter().flat_map(|taker| taker.join().expect("a taker")).collect()
    });
    let mut taken = taken;
    taken.sort_unstable();
    assert!(taken.iter().copied().eq(0..VALUES), "{} values taken", taken.len());
}

#[test]
fn what_threads_append_at_once_is_all_there_and_in_each_ones_order() {
    const EACH: u16 = 500;
    // The log outgrows one class after the other: there is a page for each of them,
    // so that none is taken from the class in which the log lives (which may evict it, P2).
    let cache = Cache::private(16 << 20).expect("a cache");
    cache.set("log", "").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..3u16 {
            let cache = &cache;
            scope.spawn(move || {
                for number in 0..EACH {
                    let record = [thread.to_le_bytes(), number.to_le_bytes()].concat();
                    let len = cache.append("log", record).expect("there is room");
                    assert!(len.is_some_and(|len| len % 4 == 0), "{len:?}");
                }
            });
        }
    });
    assert_eq!(cache.stats().evictions, 0, "there was a page for each class");
    let log = cache.get("log").expect("it is there");
    assert_eq!(log.len(), 3 * 4 * usize::from(EACH));
    let mut next = [0u16; 3];
    for record in log.chunks(4) {
        let (thread, number) = (record[0] as usize, u16::from_le_bytes([record[2], record[3]]));
        assert_eq!(number, next[thread], "thread {thread}");
        next[thread] += 1;
    }
}

#[test]
fn reading_by_touching_is_a_use_that_eviction_respects() {
    let cache = Cache::private(1 << 20).expect("a cache");
    cache.set("session", vec![1; 100]).unwrap();
    for key in 0..200_000u32 {
        cache.set(key.to_le_bytes(), [0; 100]).unwrap();
        if key % 50 == 0 {
            cache.get_and_touch("session", Lifetime::Forever).unwrap();
        }
    }
    assert!(cache.stats().evictions > 10_000);
    assert!(cache.contains("session"), "what is read all the time outlives what is not");
}
