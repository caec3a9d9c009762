//! Caches without a name, and the clock that moves by hand.

use std::time::Duration;

use hostcache::{Cache, Lifetime, ManualClock, OpenError, PrivateCache, SetOptions};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn two_private_caches_are_two() {
    let (one, other) = (Cache::private(1 << 20).unwrap(), Cache::private(1 << 20).unwrap());
    one.set("k", "1").unwrap();
    assert_eq!(other.get("k"), None);
    let clone = one.clone();
    drop(one);
    assert_eq!(clone.get("k").as_deref(), Some(&b"1"[..]));
    assert_eq!(clone.name(), "(private)");
    assert!(!clone.path().exists());
    assert_eq!(clone.info().allocated_bytes, 1 << 20, "its memory is reserved");
    assert!(Cache::list().unwrap().iter().all(|entry| entry.name != "(private)"));
    assert!(matches!(Cache::open("(private)"), Err(OpenError::InvalidName { .. })));
    assert!(clone.check().is_sound());
}

#[test]
fn settings_are_checked() {
    let small = Cache::private(1000).expect_err("too small");
    assert!(matches!(small, OpenError::InvalidSetting { .. }), "{small}");
    assert!(PrivateCache::new(1 << 20).participants(0).create().is_err());
    let cache = PrivateCache::new(1 << 20).participants(3).default_ttl(MINUTE).max_ttl(MINUTE * 2);
    let info = cache.create().unwrap().info();
    assert_eq!(info.participant_slots, 3);
    assert_eq!((info.default_ttl, info.max_ttl), (Some(MINUTE), Some(MINUTE * 2)));
}

#[test]
fn threads_share_a_private_cache_and_leave_nothing() {
    let cache = Cache::private(1 << 20).unwrap();
    cache.set("n", "0").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    cache.increment("n", 1).unwrap();
                }
            });
        }
    });
    assert_eq!(cache.get("n").as_deref(), Some(&b"4000"[..]));
    drop(cache.take("n").unwrap());
    assert!(cache.check().is_sound());
}

#[test]
fn every_kind_of_lifetime_counts_by_the_clock() {
    let clock = ManualClock::new().unwrap();
    let settings =
        PrivateCache::new(1 << 20).clock(&clock).default_ttl(MINUTE).max_ttl(MINUTE * 10);
    let cache = settings.create().unwrap();
    let unix_ms = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let at = Lifetime::UnixMillis(unix_ms + 180_000);
    let lifetimes = [
        ("default", Lifetime::Default),
        ("forever", Lifetime::Forever),
        ("ttl", Lifetime::Ttl(MINUTE * 2)),
        ("at", at),
        ("zero", Lifetime::Ttl(Duration::ZERO)),
    ];
    for (key, lifetime) in lifetimes {
        cache.set_with(key, "v", &SetOptions::new().lifetime(lifetime)).unwrap();
    }
    let present = || {
        let mut keys: Vec<String> =
            cache.keys().map(|key| String::from_utf8(key).expect("text")).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(present(), ["at", "default", "forever", "ttl"]);
    clock.advance(MINUTE - Duration::from_nanos(1));
    assert_eq!(present(), ["at", "default", "forever", "ttl"]);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(present(), ["at", "forever", "ttl"]);
    clock.advance(MINUTE);
    assert_eq!(present(), ["at", "forever"]);
    // The wall clock was read a moment apart.
    clock.advance(MINUTE + Duration::from_secs(1));
    assert_eq!(present(), ["forever"]);
    clock.advance(MINUTE * 7);
    assert_eq!(present(), Vec::<String>::new(), "the region's limit caps even this");
    assert_eq!(clock.elapsed(), MINUTE * 10 + Duration::from_secs(1));
    // Five are reclaimed, now or at the first replacement.
    cache.maintain(&hostcache::MaintenanceBudget::default()).unwrap();
    assert_eq!((cache.stats().expired, cache.stats().curr_items), (5, 0));
}

#[test]
fn one_clock_moves_several_caches_and_others_not() {
    let clock = ManualClock::new().unwrap();
    let with = || PrivateCache::new(1 << 20).clock(&clock).create().unwrap();
    let caches = [with(), with(), Cache::private(1 << 20).unwrap()];
    let options = SetOptions::new().ttl(MINUTE);
    for cache in &caches {
        cache.set_with("k", "v", &options).unwrap();
    }
    clock.clone().advance(MINUTE);
    assert_eq!(caches.map(|cache| cache.contains("k")), [false, false, true]);
    clock.advance(Duration::MAX);
    clock.advance(Duration::MAX);
    assert!(clock.elapsed() > MINUTE * 60 * 24 * 365 * 500, "it stops at the end of time");
}
