//! Each rule speaks when it should, and only then.

use std::time::Duration;

use super::{Advice, Facts, advice};
use crate::command::ps::Participant;

/// A region of 64 MiB in good order after an hour.
fn healthy() -> Facts {
    let mut facts = Facts {
        region: "catalog".to_owned(),
        period: Duration::from_secs(3600),
        index_slots: 100_000,
        participant_slots: 100,
        capacity: 64 << 20,
        allocated_bytes: 64 << 20,
        is_led: Some(true),
        ..Facts::default()
    };
    let stats = &mut facts.stats;
    (stats.get_hits, stats.get_misses, stats.cmd_set) = (95_000, 5_000, 6_000);
    (stats.curr_items, stats.bytes) = (10_000, 40 << 20);
    stats.participants = 8;
    facts
}

fn one(change: impl FnOnce(&mut Facts)) -> Advice {
    let mut facts = healthy();
    change(&mut facts);
    let mut found = advice(&facts);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

fn nothing(change: impl FnOnce(&mut Facts)) {
    let mut facts = healthy();
    change(&mut facts);
    assert_eq!(advice(&facts), []);
}

fn holder(state: &'static str, held_bytes: u64) -> Participant {
    let command = "worker\u{7}".to_owned();
    Participant { pid: 4711, command, state, held_bytes, ..Participant::default() }
}

#[test]
fn a_region_in_good_order_or_without_use_gets_no_advice() {
    nothing(|_| {});
    let unused = Facts { index_slots: 7, participant_slots: 1, ..Facts::default() };
    assert_eq!(advice(&unused), []);
}

#[test]
fn a_region_that_evicts_what_is_missed_is_too_small() {
    let found = one(|facts| {
        (facts.stats.get_hits, facts.stats.get_misses) = (41_000, 59_000);
        (facts.stats.cmd_set, facts.stats.evictions) = (59_000, 50_000);
    });
    // 10,000 items stay while 50,000 leave in an hour: 12 minutes, a fifth of an hour.
    assert_eq!(found.finding, "too_small");
    assert_eq!(
        found.to_string(),
        "hit ratio 41 %: items of 4KiB on average are evicted 12 min after they were stored: \
         320MiB would hold them for 1 h"
    );
}

#[test]
fn what_classes_tell_of_ages_goes_before_an_estimate() {
    let found = one(|facts| {
        (facts.stats.get_hits, facts.stats.get_misses) = (41_000, 59_000);
        (facts.stats.cmd_set, facts.stats.evictions) = (59_000, 50_000);
        let class = |evictions, secs| {
            let mut class = hostcache::ClassInfo::default();
            class.evictions = evictions;
            class.eviction_age = Some(Duration::from_secs(secs));
            class
        };
        facts.classes = vec![class(30_000, 10), Default::default(), class(10_000, 50)];
    });
    assert_eq!(
        found.to_string(),
        "hit ratio 41 %: items of 4KiB on average are evicted 20 s after they were stored: \
         192MiB would hold them for 1 min"
    );
}

#[test]
fn no_more_is_proposed_than_can_be_said() {
    let tiny = |evictions| {
        one(|facts| {
            (facts.stats.get_hits, facts.stats.get_misses) = (10_000, 90_000);
            (facts.stats.cmd_set, facts.stats.evictions) = (90_000, evictions);
            facts.period = Duration::from_secs(1);
        })
    };
    // 10 ms: a minute would take six thousand times the memory.
    let found = tiny(1_000_000);
    assert!(found.text.ends_with("10 ms after they were stored"), "{found}");
    assert_eq!(found.remedy, "128MiB would hold them twice as long");
    assert!(tiny(u64::MAX).text.contains("0 ms after"), "no division by nothing");
}

#[test]
fn a_low_hit_ratio_is_explained_by_what_else_there_is() {
    let because = |change: fn(&mut Facts)| {
        one(|facts| {
            (facts.stats.get_hits, facts.stats.get_misses) = (50_000, 50_000);
            facts.stats.cmd_set = 50_000;
            change(facts);
        })
        .finding
    };
    assert_eq!(because(|facts| facts.stats.expired = 30_000), "short_ttl");
    assert_eq!(because(|facts| facts.stats.get_expired = 30_000), "short_ttl");
    assert_eq!(because(|facts| facts.stats.cmd_set = 20_000), "misses_not_stored");
    assert_eq!(because(|_| {}), "cold");
    assert_eq!(
        because(|facts| facts.stats.evictions = 5_000),
        "cold",
        "a few evictions do no harm"
    );
    nothing(|facts| (facts.stats.get_hits, facts.stats.get_misses) = (1, 900));
    nothing(|facts| (facts.stats.get_hits, facts.stats.get_misses) = (80_000, 20_000));
}

#[test]
fn writes_that_were_refused_are_named() {
    let found = one(|facts| (facts.stats.no_room, facts.stats.pinned_bytes) = (3, 8 << 20));
    assert!(found.text.starts_with("3 writes were refused"), "{found}");
    assert!(found.text.contains("8MiB by pins"), "{found}");
}

#[test]
fn who_is_stopped_and_holds_something_is_named() {
    let found =
        one(|facts| facts.participants = vec![holder("stopped", 1 << 20), holder("alive", 99)]);
    assert_eq!(found.text, "stopped participants hold 1MiB: 4711 (worker\\u{7})");
    assert!(found.remedy.contains("kill -CONT 4711"), "{found}");
    nothing(|facts| facts.participants = vec![holder("stopped", 0)]);
}

#[test]
fn pins_that_hold_all_that_they_may_are_told_with_who_holds_them() {
    let found = one(|facts| {
        (facts.stats.pinned_bytes, facts.stats.reserved_bytes) = (14 << 20, 1 << 20);
        facts.participants = [(1, 0), (2, 2 << 20), (3, 12 << 20)]
            .map(|(pid, pinned_bytes)| Participant { pid, pinned_bytes, ..holder("alive", 0) })
            .into();
    });
    assert_eq!(
        found.text,
        "pins and reservations hold 15MiB of the 16MiB that they may, most by 3 (worker\\u{7}), 2 (worker\\u{7})"
    );
    let found = one(|facts| facts.stats.pinned_bytes = 30 << 20);
    assert!(found.text.starts_with("a single value of 30MiB is held in place"), "{found}");
    nothing(|facts| facts.stats.pinned_bytes = 14 << 20);
    nothing(|facts| facts.capacity = 0);
}

#[test]
fn the_dead_are_named_where_no_daemon_recovers_them() {
    let found = one(|facts| {
        facts.participants = vec![holder("dead", 1 << 10), holder("dead", 0)];
        facts.is_led = None;
    });
    assert!(found.text.starts_with("2 dead participants"), "{found}");
    assert!(found.remedy.ends_with("hostcache serve catalog --once"), "{found}");
    let found = one(|facts| {
        facts.participants = vec![holder("dead", 1 << 10)];
        facts.is_led = None;
    });
    assert!(
        found.text.starts_with("a dead participant is not recovered yet and holds 1KiB"),
        "{found}"
    );
    nothing(|facts| facts.participants = vec![holder("dead", 1 << 10)]);
}

#[test]
fn a_full_index_gets_a_larger_one_proposed() {
    let found = one(|facts| {
        (facts.stats.curr_items, facts.stats.bytes) = (90_000, 900_000);
        facts.stats.evictions = 10;
    });
    assert_eq!(found.finding, "index_full");
    assert!(found.remedy.contains("--expected-item-size 10,"), "{found}");
    nothing(|facts| facts.stats.curr_items = 90_000);
}

#[test]
fn memory_that_is_not_reserved_is_noticed() {
    let found = one(|facts| facts.allocated_bytes -= 1 << 20);
    assert!(found.text.starts_with("only 63MiB of 64MiB"), "{found}");
}

#[test]
fn a_full_registry_is_noticed_before_it_refuses() {
    let found = one(|facts| facts.stats.participants = 90);
    assert!(found.remedy.contains("--participants 200"), "{found}");
    nothing(|facts| facts.stats.participants = 89);
}

#[test]
fn gets_that_give_up_are_noticed() {
    assert_eq!(one(|facts| facts.stats.get_contended = 100).finding, "contended");
    nothing(|facts| facts.stats.get_contended = 99);
}

#[test]
fn a_missing_daemon_is_missed_where_it_would_have_work() {
    assert_eq!(
        one(|facts| (facts.is_led, facts.stats.expired) = (Some(false), 1)).finding,
        "no_daemon"
    );
    nothing(|facts| facts.is_led = Some(false));
    nothing(|facts| facts.is_led = None);
}

#[test]
fn counters_can_be_taken_since_an_earlier_look() {
    let earlier = healthy().stats;
    let mut facts = healthy();
    facts.stats.get_misses += 10_000;
    facts.stats.cmd_set += 10_000;
    let since = facts.since(&earlier, Duration::from_secs(1));
    assert_eq!((since.stats.get_hits, since.stats.get_misses), (0, 10_000));
    assert_eq!(advice(&since)[0].finding, "cold");
}
