//! Walking over keys and items, alone and beside writers.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use hostcache::{Cache, SetOptions};

fn cache() -> Cache {
    Cache::private(4 << 20).expect("a cache")
}

#[test]
fn every_item_is_yielded_once_with_its_metadata() {
    let cache = cache();
    assert_eq!((cache.keys().count(), cache.items().count()), (0, 0));
    for number in 0..2_000u32 {
        let options = SetOptions::new().flags(number);
        cache.set_with(format!("key-{number}"), number.to_le_bytes(), &options).unwrap();
    }
    let mut seen = HashSet::new();
    for (key, item) in cache.items() {
        let number = u32::from_le_bytes(item.value.try_into().expect("four bytes"));
        assert_eq!((key, item.info.flags), (format!("key-{number}").into_bytes(), number));
        assert!(seen.insert(number), "{number} came twice");
    }
    assert_eq!(seen.len(), 2_000);
    let keys: HashSet<Vec<u8>> = cache.keys().collect();
    assert_eq!(keys.len(), 2_000);
    let stats = cache.stats();
    assert_eq!(stats.cmd_get, 0, "a walk is no get");
}

#[test]
fn a_prefix_and_a_limit_choose() {
    let cache = cache();
    for number in 0..300 {
        cache.set(format!("{}:{number}", ["a", "ab", "b"][number % 3]), "v").unwrap();
    }
    let count = |prefix: &str| cache.keys().prefix(prefix).count();
    assert_eq!(
        (count("a"), count("a:"), count("ab"), count("b"), count("c")),
        (200, 100, 100, 100, 0)
    );
    assert_eq!(count(""), 300);
    assert_eq!(count(&"a".repeat(1000)), 0);
    assert_eq!(cache.keys().limit(7).count(), 7);
    assert_eq!(cache.keys().limit(0).count(), 0);
    assert_eq!(cache.items().prefix("b").limit(30).filter(|(k, _)| k[0] == b'b').count(), 30);
    assert_eq!(cache.items().prefix("b").limit(1000).count(), 100);
}

#[test]
fn delete_prefix_ends_these_and_no_others() {
    let cache = cache();
    for number in 0..300 {
        cache.set(format!("{}:{number}", ["a", "ab", "b"][number % 3]), "v").unwrap();
    }
    assert_eq!(cache.delete_prefix("a:").unwrap(), 100);
    assert_eq!(cache.delete_prefix("a:").unwrap(), 0);
    assert_eq!(cache.keys().count(), 200);
    assert_eq!(cache.delete_prefix("").unwrap(), 200);
    assert_eq!(cache.stats().curr_items, 0);
    assert!(cache.check().is_sound());
}

/// Lets the writers end, also when the test fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_read_only_handle_walks_and_deletes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("region").display().to_string();
    let cache = Cache::builder(&path).capacity(1 << 20).create().expect("a region");
    cache.set("k", "v").unwrap();
    let reader = Cache::builder(&path).open_read_only().expect("the region");
    assert_eq!((reader.keys().count(), reader.items().count()), (1, 1));
    for prefix in ["k", "absent"] {
        let refused = reader.delete_prefix(prefix);
        assert!(matches!(refused, Err(hostcache::WriteError::ReadOnly { .. })), "{refused:?}");
    }
    assert!(cache.contains("k"));
}

#[test]
fn what_is_there_all_the_time_is_met_exactly_once_while_others_change_everything() {
    const STEADY: u32 = 400;
    for small in [false, true] {
        // Room enough that nothing is evicted: the steady keys are there throughout, though replaced all the time.
        let settings = hostcache::PrivateCache::new(16 << 20);
        let settings = if small { settings.small_counters() } else { settings };
        let cache = settings.create().expect("a cache");
        for number in 0..STEADY {
            cache.set(format!("steady-{number}"), [0; 50]).unwrap();
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for thread in 0..2u32 {
                let (cache, done) = (&cache, &done);
                scope.spawn(move || {
                    let mut state = thread + 1;
                    while !done.load(Ordering::Relaxed) {
                        state ^= state << 13;
                        state ^= state >> 17;
                        state ^= state << 5;
                        let hot = state % 8;
                        cache
                            .set(format!("steady-{hot}"), vec![1; (state % 300) as usize])
                            .unwrap();
                        cache.append(format!("steady-{}", state % STEADY), "").unwrap();
                        let coming = format!("coming-{}", state % 500);
                        match state >> 30 {
                            0 => drop(cache.delete(coming).unwrap()),
                            _ => cache.set(coming, "x").unwrap(),
                        }
                    }
                });
            }
            let _done = Done(&done);
            for round in 0..100 {
                let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
                if round % 2 == 0 {
                    cache
                        .keys()
                        .prefix("steady-")
                        .for_each(|key| *seen.entry(key).or_default() += 1);
                } else {
                    let items = cache.items().prefix("steady-");
                    items.for_each(|(key, _)| *seen.entry(key).or_default() += 1);
                }
                assert!(seen.values().all(|&times| times == 1), "round {round}: one came twice");
                assert_eq!(seen.len(), STEADY as usize, "round {round}: one was missed");
            }
        });
        assert_eq!(cache.stats().evictions, 0);
    }
}

#[test]
fn between_two_items_anything_may_be_done_with_the_cache() {
    let cache = cache();
    for number in 0..1_000 {
        cache.set(format!("key-{number}"), "v").unwrap();
    }
    let mut met = 0;
    for key in cache.keys() {
        assert!(cache.delete(&key).unwrap());
        cache.set([b"new-", &key[..]].concat(), "v").unwrap();
        met += 1;
        if met > 100_000 {
            panic!("a walk ends though items are added under it");
        }
    }
    assert!(met >= 1_000);
}
