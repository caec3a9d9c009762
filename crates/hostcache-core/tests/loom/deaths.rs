//! One thread at a time: a death before every access of an operation, then one before every access of its recovery.
//!
//! Nobody else works meanwhile, so there is one execution for each pair of deaths, and all of them are looked at. What is
//! left must be exact: the key as it showed itself before the recovery, and not a block that nobody can reach.

use hostcache_core::word::{BlockState, BlockWord, PageState};
use hostcache_core::{Condition, Lane, layout::Identity};

use crate::world::{KEY, Me, OTHER, Plan, Still, World, deaths_within, explore_in, pinned_before};

/// The lane that dies.
const VICTIM: usize = 1;
/// Room for a run of two pages beside a page of chunks.
const THREE_PAGES: Plan = Plan { pages: 3, ..Plan::USUAL };
/// A value that takes two pages.
const LARGE: [u8; 240] = [7; 240];

/// Words of the smallest chunk.
const CHUNK: u64 = 8;

/// Every word of the arena at which a header may be.
fn headers(world: &World) -> Vec<BlockWord> {
    let geometry = world.region.geometry();
    let chunks = geometry.arena_bytes() / 8 / CHUNK;
    (0..chunks).map(|at| world.region.block_word(geometry.page_start(0) + at * CHUNK)).collect()
}

/// Which generations ended with what a dead lane held.
fn assert_generations_grew(before: &[BlockWord], after: &[BlockWord]) {
    for (at, (before, after)) in before.iter().zip(after).enumerate() {
        let ended = before.state() == BlockState::Published && after.state() == BlockState::Free;
        assert!(
            !ended || after.generation() > before.generation(),
            "block {at} goes on in a generation that was sealed: {before:?}, {after:?}"
        );
    }
}

/// Runs `operation` on the victim's lane to every access, and for each of these its recovery to every access.
fn die_everywhere<T: 'static>(
    plan: Plan,
    prepare: impl Fn(&mut World) -> T + Copy + Send + Sync + 'static,
    operation: impl Fn(&mut Me, &T) + Copy + Send + Sync + 'static,
    is_right: impl Fn(Option<u64>) -> bool + Copy + Send + Sync + 'static,
) {
    let death = move |at: u32, second: Option<u32>| {
        let died = std::sync::Arc::new(std::sync::Mutex::new((false, false)));
        let told = std::sync::Arc::clone(&died);
        explore_in(plan, 0, move |world| {
            let prepared = prepare(world);
            let first = world.dies(VICTIM, at, |me| operation(me, &prepared));
            let before = (world.value_or_len(KEY), headers(world));
            let again = first && second.is_some_and(|second| world.recovery_dies(VICTIM, second));
            if first {
                // Who takes the lane next recovers what is left.
                let identity = Identity::default();
                let lane = Lane::attach(&world.region, VICTIM as u16, &identity);
                lane.detach(&world.region, &Still);
            }
            let after = world.value_or_len(KEY);
            assert_eq!(
                after, before.0,
                "the recovery changed what was there (died at {at}, {second:?})"
            );
            assert!(is_right(after), "{after:?} after a death at {at}, {second:?}");
            assert_generations_grew(&before.1, &headers(world));
            world.leave_all();
            world.verify_empty_handed();
            // What was committed is finished by whoever comes next; nothing else is left of an insertion.
            world.attach(0);
            world.set(0, KEY, 9);
            assert!(
                !world.has_tentative_word(),
                "nobody's word stands in a slot ({at}, {second:?})"
            );
            world.leave_all();
            world.verify_empty_handed();
            *told.lock().expect("one thread") = (first, again);
        });
        *died.lock().expect("one thread")
    };
    let mut deaths = 0;
    for at in 0.. {
        if !death(at, None).0 {
            break;
        }
        deaths += 1;
        for second in deaths_within(10_000) {
            if !death(at, Some(second)).1 {
                break;
            }
        }
    }
    assert!(deaths > 10, "{deaths} deaths");
}

#[test]
fn inserting() {
    die_everywhere(
        Plan::USUAL,
        |_| (),
        |me, ()| me.set(KEY, 2),
        |value| matches!(value, None | Some(2)),
    );
}

#[test]
fn replacing() {
    let prepare = |world: &mut World| world.set(0, KEY, 1);
    die_everywhere(
        Plan::USUAL,
        prepare,
        |me, ()| me.set(KEY, 2),
        |value| matches!(value, Some(1 | 2)),
    );
}

/// From the lane's own magazine, and with a second item beside it.
#[test]
fn replacing_twice() {
    let prepare = |world: &mut World| {
        world.set(0, OTHER, 1);
        world.set(VICTIM, KEY, 1);
    };
    let operation = |me: &mut Me, (): &()| {
        me.set(KEY, 2);
        me.set(KEY, 3);
    };
    die_everywhere(Plan::USUAL, prepare, operation, |value| matches!(value, Some(1..=3)));
}

#[test]
fn deleting() {
    let prepare = |world: &mut World| world.set(0, KEY, 1);
    let operation = |me: &mut Me, (): &()| {
        me.delete(KEY);
    };
    die_everywhere(Plan::USUAL, prepare, operation, |value| matches!(value, None | Some(1)));
}

#[test]
fn moving_aside() {
    let prepare = |world: &mut World| world.set(0, KEY, 1);
    let operation = |me: &mut Me, (): &()| {
        let aim = me.region.aim(KEY).expect("just set");
        assert!(me.session().shift(&aim), "nobody is in the way");
    };
    die_everywhere(Plan::USUAL, prepare, operation, |value| value == Some(1));
}

#[test]
fn evicting() {
    let prepare = |world: &mut World| world.set(0, KEY, 1);
    let operation = |me: &mut Me, (): &()| me.evict();
    die_everywhere(Plan::USUAL, prepare, operation, |value| matches!(value, None | Some(1)));
}

/// A full set: the new word goes over a victim's.
#[test]
fn inserting_over_a_victim() {
    let prepare = |world: &mut World| {
        world.set(0, OTHER, 1);
        world.set(0, b"3", 1);
    };
    let operation = |me: &mut Me, (): &()| me.set(KEY, 2);
    die_everywhere(Plan::USUAL, prepare, operation, |value| matches!(value, None | Some(2)));
}

/// The page changes hands.
#[test]
fn emptying_a_page() {
    let prepare = |world: &mut World| world.set(0, KEY, 1);
    let operation = |me: &mut Me, (): &()| {
        let owned = me.session().empty(0).expect("nobody else holds a block");
        me.session().release(0, owned);
    };
    die_everywhere(Plan::USUAL, prepare, operation, |value| matches!(value, None | Some(1)));
}

#[test]
fn cutting_a_page() {
    let plan = Plan { is_cut: false, ..Plan::USUAL };
    die_everywhere(plan, |_| (), |me, ()| me.set(KEY, 2), |value| matches!(value, None | Some(2)));
}

/// A page in which somebody holds a block is left as it was.
#[test]
fn emptying_a_page_in_vain() {
    let prepare = |world: &mut World| {
        world.set(0, KEY, 1);
        // Into the magazine of a lane that lives.
        world.set(2, OTHER, 2);
        world.delete(2, OTHER);
    };
    let operation = |me: &mut Me, (): &()| {
        assert!(me.session().empty(0).is_none(), "a block is held");
        assert_eq!(me.region.page_word(0).state(), PageState::Slab);
    };
    die_everywhere(Plan::USUAL, prepare, operation, |value| matches!(value, None | Some(1)));
}

#[test]
fn inserting_a_run() {
    let operation = |me: &mut Me, (): &()| {
        me.store_bytes(KEY, &LARGE, 0, Condition::Always);
    };
    die_everywhere(THREE_PAGES, |_| (), operation, |value| matches!(value, None | Some(240)));
}

/// Made by one lane, ended by another.
#[test]
fn deleting_a_run() {
    let prepare = |world: &mut World| {
        world.with(0, |me| me.store_bytes(KEY, &LARGE, 0, Condition::Always));
    };
    let operation = |me: &mut Me, (): &()| {
        me.delete(KEY);
    };
    die_everywhere(THREE_PAGES, prepare, operation, |value| matches!(value, None | Some(240)));
}

/// The last holder of an item that is gone.
#[test]
fn letting_go() {
    let prepare = |world: &mut World| {
        world.set(0, KEY, 1);
        let pinned = pinned_before(world, VICTIM);
        world.delete(0, KEY);
        pinned
    };
    die_everywhere(
        Plan::USUAL,
        prepare,
        |me, pinned| me.region.unpin(pinned),
        |value| value.is_none(),
    );
}
