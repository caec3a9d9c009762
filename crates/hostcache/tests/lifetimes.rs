//! TTLs, deadlines and defaults. Nothing here asserts how long something took, only what an ended deadline means.

mod support;

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hostcache::{Lifetime, MaintenanceBudget, SetOptions};
use support::Scratch;

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(20);
/// Long enough for a short TTL to end on any clock tick.
const LATER: Duration = Duration::from_millis(60);

#[test]
fn an_expired_item_is_never_returned_and_its_memory_comes_back() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    cache.set_with("k", "v", &SetOptions::new().ttl(SHORT)).unwrap();
    cache.set("other", "v").unwrap();
    sleep(LATER);
    assert_eq!(cache.get("k"), None);
    assert!(!cache.contains("k") && !cache.delete("k").unwrap());
    cache.set_with("k", "v", &SetOptions::new().ttl(SHORT)).unwrap();
    sleep(LATER);
    let mut budget = MaintenanceBudget::default();
    budget.buckets = u32::MAX;
    let report = cache.maintain(&budget).unwrap();
    assert_eq!(report.expired, 1);
    assert_eq!(cache.check().items, 1);
    assert!(cache.check().is_sound());
}

#[test]
fn an_expired_key_counts_as_absent() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    let short = SetOptions::new().ttl(SHORT);
    for key in ["add", "replace", "count", "touch"] {
        cache.set_with(key, "1", &short).unwrap();
    }
    sleep(LATER);
    assert!(cache.add("add", "2").unwrap());
    assert!(!cache.replace("replace", "2").unwrap());
    assert_eq!(cache.increment("count", 1).unwrap(), None);
    assert!(!cache.touch("touch", Lifetime::Forever).unwrap());
    assert_eq!(cache.get("add").as_deref(), Some(&b"2"[..]));
}

#[test]
fn a_ttl_of_zero_and_a_past_instant_end_at_once() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    cache.set_with("zero", "v", &SetOptions::new().ttl(Duration::ZERO)).unwrap();
    cache.set_with("past", "v", &SetOptions::new().expires_at_unix_millis(1)).unwrap();
    assert_eq!((cache.get("zero"), cache.get("past")), (None, None));
}

#[test]
fn a_wall_clock_instant_becomes_a_remaining_time() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    let at = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970") + HOUR;
    let options = SetOptions::new().expires_at_unix_millis(at.as_millis() as u64);
    cache.set_with("k", "v", &options).unwrap();
    let ttl = cache.item_info("k").and_then(|info| info.ttl).expect("it ends");
    assert!(ttl <= HOUR + Duration::from_secs(1) && ttl > HOUR - Duration::from_secs(600));
}

#[test]
fn a_replaced_item_can_hand_its_deadline_on() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    cache.set_with("k", "v", &SetOptions::new().ttl(HOUR)).unwrap();
    cache.set_with("k", "w", &SetOptions::new().keep_ttl()).unwrap();
    assert!(cache.item_info("k").is_some_and(|info| info.ttl.is_some()));
    cache.set("k", "x").unwrap();
    assert!(cache.item_info("k").is_some_and(|info| info.ttl.is_none()));
}

#[test]
fn counters_keep_their_deadline() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    cache.set_with("n", "1", &SetOptions::new().ttl(HOUR)).unwrap();
    assert_eq!(cache.increment("n", 1).unwrap(), Some(2));
    assert!(cache.item_info("n").is_some_and(|info| info.ttl.is_some()));
}

#[test]
fn defaults_hold_for_the_region_and_can_be_set_for_a_handle() {
    let scratch = Scratch::new();
    let builder = scratch.builder("test").capacity(1 << 20);
    let made = builder.default_ttl(HOUR).max_ttl(2 * HOUR).create().unwrap();
    made.set("k", "v").unwrap();
    let ttl = |key: &str| made.item_info(key).and_then(|info| info.ttl);
    assert!(ttl("k").is_some_and(|ttl| ttl <= HOUR + LATER));
    let opened = scratch.builder("test").open().unwrap();
    opened.set_with("long", "v", &SetOptions::new().ttl(100 * HOUR)).unwrap();
    assert!(ttl("long").is_some_and(|ttl| ttl <= 2 * HOUR + LATER));
    opened.set_with("for ever", "v", &SetOptions::new().lifetime(Lifetime::Forever)).unwrap();
    assert!(ttl("for ever").is_some_and(|ttl| ttl <= 2 * HOUR + LATER));
    let own = opened.with_default_ttl(Some(SHORT));
    own.set("short", "v").unwrap();
    sleep(LATER);
    assert_eq!(own.get("short"), None);
    assert_eq!(own.info().default_ttl, Some(HOUR));
}
