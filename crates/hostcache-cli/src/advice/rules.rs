//! The rules, the weightiest first.

use std::time::Duration;

use super::{Advice, Facts};
use crate::bytes::printable;
use crate::classes::round;
use crate::figures::hit_ratio;
use crate::units::format_size;

/// Fewer gets say nothing of a hit ratio.
const MIN_GETS: u64 = 1000;

/// A cache that misses more than one get in five is worth a look; many are meant to hit far more often.
pub(super) const GOOD_HIT_RATIO: f64 = 0.8;

/// Evictions by stores, in percent, from which on memory is what is missing. A warm cache that is a little
/// too small evicts a few items in a hundred stores and does no harm by it.
const MANY_EVICTIONS_PERCENT: u64 = 20;

/// The index takes no more where both buckets of a key are full; that begins at about this load, in percent.
const FULL_INDEX_PERCENT: u64 = 85;

/// Slots of participants in use, in percent, from which on the next pool of workers may find none.
const FULL_REGISTRY_PERCENT: u64 = 90;

/// What pins and reservations may hold together, in percent of that, from which on the next one may be refused.
const FULL_PINS_PERCENT: u64 = 90;

/// Gets that gave up, in a thousand: one item is replaced faster than it can be copied.
const MANY_CONTENDED_PER_MILLE: u64 = 1;

/// How long people want items to stay, from short to long: the next one above what they have is proposed.
const STAYS: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(3600),
    Duration::from_secs(6 * 3600),
    Duration::from_secs(86_400),
];

/// No more than so many times the present capacity is proposed: beyond that, the estimate is a guess.
const MOST_GROWTH: u128 = 16;

/// What stands out in a region. Empty: nothing.
pub(crate) fn advice(facts: &Facts) -> Vec<Advice> {
    let rules = [
        no_room,
        stopped_holders,
        pins_full,
        dead_holders,
        not_reserved,
        index_full,
        low_hit_ratio,
        contended,
        registry_full,
        no_daemon,
    ];
    rules.into_iter().filter_map(|rule| rule(facts)).collect()
}

fn no_room(facts: &Facts) -> Option<Advice> {
    let stats = &facts.stats;
    (stats.no_room > 0).then(|| Advice {
        finding: "no_room",
        text: format!(
            "{} writes were refused for want of room; {} are held by writers in flight and magazines, {} by pins",
            stats.no_room,
            format_size(stats.held_bytes),
            format_size(stats.pinned_bytes)
        ),
        remedy: "end stopped processes, hold fewer pins, or create the region anew with more capacity".to_owned(),
    })
}

fn stopped_holders(facts: &Facts) -> Option<Advice> {
    let stopped: Vec<_> = facts
        .participants
        .iter()
        .filter(|one| one.state == "stopped" && one.held_bytes > 0)
        .collect();
    let first = stopped.first()?;
    let bytes: u64 = stopped.iter().map(|one| one.held_bytes).sum();
    let names = stopped
        .iter()
        .take(3)
        .map(|one| format!("{} ({})", one.pid, printable(one.command.as_bytes())))
        .collect::<Vec<_>>();
    let more = if stopped.len() > 3 { ", …" } else { "" };
    Some(Advice {
        finding: "stopped_participants",
        text: format!(
            "stopped participants hold {}: {}{more}",
            format_size(bytes),
            names.join(", ")
        ),
        remedy: format!("continue them (kill -CONT {}) or end them", first.pid),
    })
}

/// All together may hold a quarter of the capacity: the next pin is refused, and `no_room` does not count it.
fn pins_full(facts: &Facts) -> Option<Advice> {
    let stats = &facts.stats;
    let bound = facts.capacity / 4;
    let held = stats.pinned_bytes.saturating_add(stats.reserved_bytes);
    let is_full = held.saturating_mul(100) >= bound.saturating_mul(FULL_PINS_PERCENT);
    (is_full && held > 0).then(|| {
        let mut holders: Vec<_> = facts.participants.iter().filter(|one| one.pinned_bytes > 0).collect();
        holders.sort_by_key(|one| std::cmp::Reverse(one.pinned_bytes));
        let names: Vec<_> = holders
            .iter()
            .take(3)
            .map(|one| format!("{} ({})", one.pid, printable(one.command.as_bytes())))
            .collect();
        let by = if names.is_empty() { String::new() } else { format!(", most by {}", names.join(", ")) };
        Advice {
            finding: "pins_full",
            text: match (format_size(held), format_size(bound)) {
                // A single value may be larger than all may be together.
                (held_size, size) if held > bound => {
                    format!("a single value of {held_size} is held in place, where all together may hold {size}{by}")
                }
                (held, bound) => format!("pins and reservations hold {held} of the {bound} that they may{by}"),
            },
            remedy: "before further ones are refused, drop some, or copy values out; a value that is replaced or \
                     deleted stays as long as it is pinned"
                .to_owned(),
        }
    })
}

fn dead_holders(facts: &Facts) -> Option<Advice> {
    let dead = facts.participants.iter().filter(|one| one.state == "dead");
    let (count, bytes) = dead.fold((0_u64, 0_u64), |(n, sum), one| (n + 1, sum + one.held_bytes));
    // A daemon has them within a second.
    (count > 0 && facts.is_led != Some(true)).then(|| Advice {
        finding: "dead_participants",
        text: match count {
            1 => format!("a dead participant is not recovered yet and holds {}", format_size(bytes)),
            _ => format!("{count} dead participants are not recovered yet and hold {}", format_size(bytes)),
        },
        remedy: format!(
            "the next allocation that needs their memory takes it; at once: hostcache serve {} --once",
            facts.region
        ),
    })
}

fn not_reserved(facts: &Facts) -> Option<Advice> {
    (facts.allocated_bytes < facts.capacity).then(|| Advice {
        finding: "not_reserved",
        text: format!(
            "only {} of {} are allocated: somebody punched holes into the file or copied it sparsely",
            format_size(facts.allocated_bytes),
            format_size(facts.capacity)
        ),
        remedy: "when the filesystem is full, writers will be killed by SIGBUS: destroy the region and create \
                 it anew"
            .to_owned(),
    })
}

fn index_full(facts: &Facts) -> Option<Advice> {
    let stats = &facts.stats;
    let is_full = stats.curr_items.saturating_mul(100)
        >= facts.index_slots.saturating_mul(FULL_INDEX_PERCENT);
    (is_full && stats.evictions > 0 && stats.curr_items > 0).then(|| {
        let mean = stats.bytes.div_ceil(stats.curr_items);
        Advice {
            finding: "index_full",
            text: format!(
                "the index is full before the memory is: {} items in {} slots, of {mean} bytes on average",
                stats.curr_items, facts.index_slots
            ),
            remedy: format!(
                "create the region anew with --expected-item-size {mean}, which gives it a larger index"
            ),
        }
    })
}

fn low_hit_ratio(facts: &Facts) -> Option<Advice> {
    let stats = &facts.stats;
    let gets = stats.get_hits.saturating_add(stats.get_misses);
    let ratio = hit_ratio(stats).filter(|ratio| gets >= MIN_GETS && *ratio < GOOD_HIT_RATIO)?;
    let percent = format!("hit ratio {:.0} %", ratio * 100.0);
    let many_evictions =
        stats.evictions.saturating_mul(100) >= stats.cmd_set.saturating_mul(MANY_EVICTIONS_PERCENT);
    if stats.evictions > stats.expired && many_evictions {
        return Some(too_small(facts, &percent));
    }
    let advice = |finding, text: &str, remedy: &str| Advice {
        finding,
        text: format!("{percent}: {text}"),
        remedy: remedy.to_owned(),
    };
    let half_of = |part: u64, whole: u64| part.saturating_mul(2) >= whole;
    Some(if half_of(stats.expired.max(stats.get_expired), stats.get_misses) {
        advice(
            "short_ttl",
            "most items that are missed ended by their deadline",
            "give them a longer TTL, or touch those that are still right",
        )
    } else if !half_of(stats.cmd_set, stats.get_misses) {
        advice(
            "misses_not_stored",
            "fewer than half of the misses are followed by a store",
            "let workers store what they computed; for keys that do not exist, store that",
        )
    } else {
        advice(
            "cold",
            "memory and lifetimes suffice: keys are asked for before they are stored, or only once",
            "warm it (hostcache load), or see whether keys carry something that changes each time",
        )
    })
}

/// How long what is evicted was there: by what classes tell, each weighed by what it evicts.
fn age_at_eviction(facts: &Facts) -> Option<u128> {
    let known = facts
        .classes
        .iter()
        .filter_map(|class| Some((u128::from(class.evictions), class.eviction_age?.as_millis())));
    let (evictions, sum) = known.fold((0u128, 0u128), |(count, sum), (evictions, age)| {
        (count + evictions, sum.saturating_add(age.saturating_mul(evictions)))
    });
    sum.checked_div(evictions)
}

/// Where no class tells: items leave at the rate at which others come, so how long they stay follows from how many there are
/// (Little's law), and staying longer takes memory in proportion. Never too low: a higher hit ratio means
/// fewer stores.
fn too_small(facts: &Facts, percent: &str) -> Advice {
    let stats = &facts.stats;
    let mean = stats.bytes.checked_div(stats.curr_items).unwrap_or(0);
    let stay_ms = age_at_eviction(facts).unwrap_or_else(|| {
        u128::from(stats.curr_items) * facts.period.as_millis() / u128::from(stats.evictions.max(1))
    });
    let wanted = STAYS.iter().find(|stay| stay.as_millis() >= 2 * stay_ms.max(1));
    let (times, goal) = match wanted {
        Some(stay) if stay.as_millis() <= MOST_GROWTH * stay_ms => {
            (stay.as_millis().div_ceil(stay_ms.max(1)), format!("for {}", round(stay.as_millis())))
        }
        _ => (2, "twice as long".to_owned()),
    };
    let capacity = u128::from(facts.capacity).saturating_mul(times);
    let capacity = u64::try_from(capacity).unwrap_or(u64::MAX);
    Advice {
        finding: "too_small",
        text: format!(
            "{percent}: items of {} on average are evicted {} after they were stored",
            format_size(mean),
            round(stay_ms)
        ),
        remedy: format!("{} would hold them {goal}", format_size(capacity)),
    }
}

fn contended(facts: &Facts) -> Option<Advice> {
    let stats = &facts.stats;
    let gets = stats.get_hits.saturating_add(stats.get_misses);
    let many =
        stats.get_contended.saturating_mul(1000) >= gets.saturating_mul(MANY_CONTENDED_PER_MILLE);
    (gets >= MIN_GETS && many).then(|| Advice {
        finding: "contended",
        text: format!(
            "{} gets gave up because their item was replaced during every copy",
            stats.get_contended
        ),
        remedy: "write the hot item less often, or make it smaller: split it over several keys"
            .to_owned(),
    })
}

fn registry_full(facts: &Facts) -> Option<Advice> {
    let used = facts.stats.participants;
    let is_full =
        used.saturating_mul(100) >= facts.participant_slots.saturating_mul(FULL_REGISTRY_PERCENT);
    (is_full && used > 0).then(|| Advice {
        finding: "participants_full",
        text: format!("{used} of {} participant slots are taken", facts.participant_slots),
        remedy: format!(
            "before the next threads are refused, create the region anew with --participants {}; \
             readers need none with open_read_only",
            facts.participant_slots.saturating_mul(2)
        ),
    })
}

fn no_daemon(facts: &Facts) -> Option<Advice> {
    let stats = &facts.stats;
    let has_work = stats.evictions > 0 || stats.expired > 0 || stats.get_expired > 0;
    (facts.is_led == Some(false) && has_work).then(|| Advice {
        finding: "no_daemon",
        text: "no daemon runs: writers evict by themselves, and expired items keep their memory until it is \
               needed"
            .to_owned(),
        remedy: format!("hostcache serve {}", facts.region),
    })
}
