//! What each operation does, in one process.

mod support;

use hostcache::{
    Cache, CheckReport, CounterOptions, Lifetime, SetOptions, SetOutcome, WriteError, encoding,
};
use support::Scratch;

fn assert_sound(cache: &Cache) -> CheckReport {
    let report = cache.check();
    assert!(report.is_sound(), "{report:#?}");
    report
}

#[test]
fn a_value_is_set_read_replaced_and_deleted() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    assert_eq!(cache.get("k"), None);
    cache.set("k", "v").unwrap();
    assert_eq!(cache.get("k").as_deref(), Some(&b"v"[..]));
    cache.set("k", "longer").unwrap();
    let mut buffer = vec![9; 100];
    assert!(cache.get_into("k", &mut buffer));
    assert_eq!(buffer, b"longer");
    let mut start = [0; 4];
    assert_eq!(cache.get_slice("k", &mut start), Some(6));
    assert_eq!(&start, b"long");
    assert!(cache.contains("k"));
    assert!(cache.delete("k").unwrap());
    assert!(!cache.delete("k").unwrap());
    assert!(!cache.get_into("k", &mut buffer) && buffer.is_empty());
    assert_sound(&cache);
}

#[test]
fn empty_values_and_all_bytes_are_values() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    let key: Vec<u8> = (0..=255).collect();
    cache.set(&key, []).unwrap();
    assert_eq!(cache.get(&key), Some(Vec::new()));
    for len in [1, 7, 8, 9, 63, 64, 65, 4095, 70_000] {
        let value: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
        cache.set(&key, &value).unwrap();
        assert_eq!(cache.get(&key), Some(value));
    }
    assert_sound(&cache);
}

#[test]
fn conditions_have_outcomes_of_their_own() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    assert!(!cache.replace("k", "0").unwrap());
    assert!(cache.add("k", "1").unwrap());
    assert!(!cache.add("k", "2").unwrap());
    assert!(cache.replace("k", "3").unwrap());
    let item = cache.get_item("k").expect("it was stored");
    assert_eq!(item.value, b"3");
    let token = item.info.cas_token;
    assert!(cache.compare_and_swap("k", "4", token).unwrap().is_stored());
    assert_eq!(cache.compare_and_swap("k", "5", token).unwrap(), SetOutcome::TokenMismatch);
    assert_eq!(cache.compare_and_swap("other", "5", token).unwrap(), SetOutcome::Missing);
    let outcome = cache.set_with("k", "6", &SetOptions::new().only_if_absent()).unwrap();
    assert_eq!(outcome, SetOutcome::Exists);
    assert_eq!(cache.get("k").as_deref(), Some(&b"4"[..]));
    let stats = cache.stats();
    assert_eq!((stats.cas_hits, stats.cas_badval, stats.cas_misses), (1, 1, 1));
}

#[test]
fn flags_and_encoding_come_back_with_the_item() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    let options = SetOptions::new().flags(0xdead_beef).encoding(encoding::JSON);
    cache.set_with("k", "{}", &options).unwrap();
    let info = cache.item_info("k").expect("it was stored");
    assert_eq!((info.flags, info.encoding, info.value_len), (0xdead_beef, encoding::JSON, 2));
    assert_eq!(info.ttl, None);
}

#[test]
fn counters_count_as_memcached_does() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    assert_eq!(cache.increment("n", 1).unwrap(), None);
    cache.set("n", "41").unwrap();
    assert_eq!(cache.increment("n", 1).unwrap(), Some(42));
    assert_eq!(cache.get("n").as_deref(), Some(&b"42"[..]));
    assert_eq!(cache.decrement("n", 50).unwrap(), Some(0));
    cache.set("n", u64::MAX.to_string()).unwrap();
    assert_eq!(cache.increment("n", 2).unwrap(), Some(1));
    let initial = CounterOptions::new().initial(7);
    assert_eq!(cache.increment_with("fresh", 5, &initial).unwrap(), Some(7));
    assert_eq!(cache.increment_with("fresh", 5, &initial).unwrap(), Some(12));
    let integer = initial.encoding(encoding::INTEGER);
    let encoding_of = |key| cache.item_info(key).map(|info| info.encoding);
    cache.increment_with("fresh", 5, &integer).unwrap();
    assert_eq!(encoding_of("fresh"), Some(encoding::BYTES), "an existing one keeps its own");
    cache.decrement_with("made", 5, &integer).unwrap();
    assert_eq!(encoding_of("made"), Some(encoding::INTEGER));
    cache.set("n", "word").unwrap();
    assert!(matches!(cache.increment("n", 1), Err(WriteError::NotANumber { .. })));
    assert_eq!(cache.get("n").as_deref(), Some(&b"word"[..]));
}

#[test]
fn clear_ends_every_item_and_new_ones_live() {
    let scratch = Scratch::new();
    for cache in [
        scratch.builder("wide").capacity(1 << 20).create().unwrap(),
        scratch.builder("small").capacity(1 << 20).small_counters().create().unwrap(),
    ] {
        for round in 0..20u32 {
            for key in 0..50u32 {
                cache.set(key.to_le_bytes(), round.to_le_bytes()).unwrap();
            }
            assert_eq!(cache.keys().count(), 50 + usize::from(round > 0));
            cache.clear().unwrap();
            assert_eq!(cache.keys().count(), 0);
            assert!((0..50u32).all(|key| cache.get(key.to_le_bytes()).is_none()), "round {round}");
            assert_eq!(cache.stats().curr_items, 0);
            cache.set("kept", "1").unwrap();
            assert!(cache.contains("kept"));
        }
        assert_sound(&cache);
    }
}

#[test]
fn a_full_cache_takes_every_size_and_loses_no_byte() {
    let scratch = Scratch::new();
    let cache = scratch.cache(4 << 20);
    let size = |seed: u32, spread: u32| (seed.wrapping_mul(2_654_435_761) >> 8) % spread;
    for key in 0..60_000u32 {
        let value = vec![key as u8; size(key, 600) as usize];
        cache.set(key.to_le_bytes(), &value).unwrap();
        assert_eq!(cache.get(key.to_le_bytes()), Some(value));
    }
    assert_sound(&cache);
    for key in 0..300u32 {
        let value = vec![key as u8; 10_000 + size(key, 55_000) as usize];
        cache.set(key.to_le_bytes(), &value).unwrap();
        assert_eq!(cache.get(key.to_le_bytes()), Some(value));
    }
    let largest = cache.max_value_len(1);
    cache.set("k", vec![7; largest]).unwrap();
    assert_eq!(cache.get("k").map(|v| v.len()), Some(largest));
    let report = assert_sound(&cache);
    assert_eq!(report.arena_bytes, cache.info().arena_bytes);
    assert!(cache.stats().evictions > 0);
}

#[test]
fn a_read_only_handle_reads_and_writes_nothing() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    cache.set("k", "v").unwrap();
    let before = std::fs::read(cache.path()).unwrap();
    let reader = scratch.builder("test").open_read_only().unwrap();
    assert_eq!(reader.get("k").as_deref(), Some(&b"v"[..]));
    assert_eq!(reader.get("absent"), None);
    assert!(matches!(reader.set("k", "w"), Err(WriteError::ReadOnly { .. })));
    assert!(matches!(reader.delete("k"), Err(WriteError::ReadOnly { .. })));
    assert!(!reader.stats().counts_own_reads);
    assert_eq!(std::fs::read(cache.path()).unwrap(), before);
}

/// Sets, deletes and reads 64 keys at random; a key's value is its number, repeated.
fn churn(cache: &Cache, seed: u32) {
    let mut state = seed;
    for _ in 0..50_000 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let key = (state % 64).to_le_bytes();
        let value = vec![key[0]; (state >> 8) as usize % 300];
        match state >> 29 {
            0..=3 => cache.set(key, value).expect("there is room"),
            4 => drop(cache.delete(key).expect("it is sound")),
            _ => {
                let value = cache.get(key).unwrap_or_default();
                assert!(value.iter().all(|&byte| byte == key[0]));
            }
        }
    }
}

#[test]
fn threads_share_a_handle() {
    let scratch = Scratch::new();
    let cache = scratch.cache(2 << 20);
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let cache = cache.clone();
            std::thread::spawn(move || churn(&cache, thread + 1))
        })
        .collect();
    for thread in threads {
        thread.join().expect("it met no wrong value");
    }
    let report = assert_sound(&cache);
    assert_eq!(report.held_bytes, 0, "the threads have gone, and with them their magazines");
}

#[test]
fn touch_keeps_value_and_token() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    assert!(!cache.touch("k", Lifetime::Forever).unwrap());
    cache.set_with("k", "v", &SetOptions::new().flags(3)).unwrap();
    let before = cache.item_info("k").expect("it was stored");
    let hour = std::time::Duration::from_secs(3600);
    assert!(cache.touch("k", Lifetime::Ttl(hour)).unwrap());
    let after = cache.item_info("k").expect("it is there");
    assert_eq!((after.cas_token, after.flags), (before.cas_token, before.flags));
    assert!(after.ttl.is_some_and(|ttl| ttl <= hour + std::time::Duration::from_millis(20)));
    assert!(cache.touch("k", Lifetime::Forever).unwrap());
    assert_eq!(cache.item_info("k").expect("it is there").ttl, None);
}
