//! Loom models of the production code: publish, replace, delete, evict, allocate and reuse, with threads that may die
//! at any access. Run with `RUSTFLAGS="--cfg loom" cargo test --release -p hostcache-core --test loom`.
//!
//! Here are models of whole operations, bounded in their executions. The modules have small ones, which put threads
//! where it matters and are explored to the end: with them `cargo xtask weaken` tells for each ordering who notices.
//!
//! The geometry is the smallest that has everything: one bucket of two slots (so both of a key's buckets are one), one
//! page, few chunks, slot generations of two bits. Payload is atomics, as in production. Each model states a property;
//! `HOSTCACHE_WEAKEN=<site>` weakens one ordering: `docs/orderings.md` says which model notices.

#![cfg(loom)]

#[path = "loom/deaths.rs"]
mod deaths;
#[path = "loom/epochs.rs"]
mod epochs;
#[path = "loom/items.rs"]
mod items;
#[path = "loom/lanes.rs"]
mod lanes;
#[path = "loom/pages.rs"]
mod pages;
#[path = "loom/pins.rs"]
mod pins;
#[path = "loom/rounds.rs"]
mod rounds;
#[path = "loom/world.rs"]
mod world;

use hostcache_core::Got;
use world::{KEY, OTHER, explore};

/// For `cargo xtask weaken`.
#[test]
#[ignore = "a list, not a test"]
fn the_names_of_all_sites() {
    for site in hostcache_core::SITES.iter().chain(hostcache_core::FENCES) {
        println!("site {site}");
    }
}

/// A reader meets whole values of its own key, whatever writers do to the blocks.
#[test]
fn a_reader_never_sees_a_torn_or_foreign_value() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        let writer = world.spawn(1, |mut me| {
            me.set(KEY, 2);
            me.set(KEY, 3);
        });
        let reader = world.spawn(2, |me| {
            if let Got::Hit(value) = me.get(KEY) {
                assert!((1..=3).contains(&value), "{value} was never written");
            }
        });
        writer.join().expect("the writer ends");
        reader.join().expect("the reader ends");
        assert_eq!(world.value(KEY), Some(3));
        world.verify();
    });
}

/// Reads of one thread never go back.
#[test]
fn a_replaced_value_never_comes_back() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        let writer = world.spawn(1, |mut me| me.set(KEY, 2));
        let reader = world.spawn(2, |me| {
            let first = me.get(KEY);
            let second = me.get(KEY);
            assert!(!(first == Got::Hit(2) && second == Got::Hit(1)), "an older value came back");
            assert!(first != Got::Miss && second != Got::Miss, "the key is always there");
        });
        writer.join().expect("the writer ends");
        reader.join().expect("the reader ends");
        world.verify();
    });
}

/// Two insertions of one absent key leave one instance.
#[test]
fn insertions_of_one_key_leave_one_instance() {
    explore(2, |world| {
        let first = world.spawn(1, |mut me| me.set(KEY, 1));
        let second = world.spawn(2, |mut me| me.set(KEY, 2));
        first.join().expect("the first ends");
        second.join().expect("the second ends");
        assert!(world.value(KEY).is_some(), "the key was set");
        world.verify();
    });
}

/// Of two `add`s of an absent key one succeeds.
#[test]
fn one_add_of_two_succeeds() {
    explore(2, |world| {
        let first = world.spawn(1, |mut me| me.add(KEY, 1));
        let second = world.spawn(2, |mut me| me.add(KEY, 2));
        let first = first.join().expect("the first ends");
        let second = second.join().expect("the second ends");
        assert!(first != second, "added: {first} and {second}");
        assert_eq!(world.value(KEY), Some(if first { 1 } else { 2 }));
        world.verify();
    });
}

/// A delete and a set: what is left is the set's value or nothing, and a delete that ended an item ended one that was
/// there.
#[test]
fn delete_and_set_end_in_one_order() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        let setter = world.spawn(1, |mut me| me.set(KEY, 2));
        let deleter = world.spawn(2, |mut me| me.delete(KEY));
        setter.join().expect("the setter ends");
        assert!(deleter.join().expect("the deleter ends"), "there was an item all the time");
        let value = world.value(KEY);
        assert!(value.is_none() || value == Some(2), "{value:?} came back");
        world.verify();
    });
}

/// An insertion that is under way while another thread deletes what was inserted before.
#[test]
fn insert_delete_and_insert_leave_at_most_one_instance() {
    explore(2, |world| {
        let first = world.spawn(1, |mut me| {
            me.set(KEY, 1);
            me.delete(KEY);
        });
        let second = world.spawn(2, |mut me| me.set(KEY, 2));
        first.join().expect("the first ends");
        second.join().expect("the second ends");
        let value = world.value(KEY);
        assert!(value.is_none() || value == Some(2), "{value:?} came back");
        world.verify();
    });
}

/// A full set: inserting a third key evicts one of two, and no key twice.
#[test]
fn eviction_for_want_of_slots_keeps_the_table_sound() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        world.set(0, OTHER, 2);
        let evictor = world.spawn(1, |mut me| me.set(b"3", 3));
        let writer = world.spawn(2, |mut me| me.set(KEY, 4));
        evictor.join().expect("the evictor ends");
        writer.join().expect("the writer ends");
        let value = world.value(KEY);
        assert!(value.is_none() || value == Some(4), "{value:?} came back");
        world.verify();
    });
}

/// The hand of the evictor against a replacement of its victim.
#[test]
fn eviction_for_want_of_memory_keeps_the_table_sound() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        let evictor = world.spawn(1, |mut me| me.evict());
        let writer = world.spawn(2, |mut me| me.set(KEY, 2));
        evictor.join().expect("the evictor ends");
        writer.join().expect("the writer ends");
        let value = world.value(KEY);
        assert!(value.is_none() || value == Some(2), "{value:?} came back");
        world.verify();
    });
}

/// Chunks are claimed by one lane each, and come back.
#[test]
fn allocation_gives_no_chunk_to_two() {
    explore(2, |world| {
        let first = world.spawn(1, |mut me| {
            me.set(KEY, 1);
            me.delete(KEY);
        });
        let second = world.spawn(2, |mut me| {
            me.set(OTHER, 2);
            me.delete(OTHER);
        });
        first.join().expect("the first ends");
        second.join().expect("the second ends");
        assert_eq!((world.value(KEY), world.value(OTHER)), (None, None));
        world.verify();
    });
}

/// Short generations come round while another thread is about to replace: it must not mistake a later incarnation.
#[test]
fn a_slot_word_that_comes_round_is_not_mistaken() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        let slow = world.spawn(1, |mut me| me.replace(KEY, 9));
        let churner = world.spawn(2, |mut me| {
            for value in 2..7 {
                me.set(KEY, value);
            }
            me.delete(KEY);
            me.set(OTHER, 7);
        });
        slow.join().expect("the slow one ends");
        churner.join().expect("the churner ends");
        assert_eq!(world.value(OTHER), Some(7), "another key's item was replaced");
        let value = world.value(KEY);
        assert!(value.is_none() || value == Some(9), "{value:?} came back");
        world.verify();
    });
}

/// A writer dies at some access; another works on the same key; then the dead one is recovered.
#[test]
fn a_death_at_any_access_loses_nothing() {
    for (victim, accesses) in world::deaths() {
        explore(1, move |world| {
            world.set(0, KEY, 1);
            let dying = world.spawn_dying(1, accesses, move |mut me| victim.run(&mut me));
            let living = world.spawn(2, |mut me| me.set(KEY, 5));
            dying.join().expect("the dying one is caught");
            living.join().expect("the living one ends");
            world.recover(1);
            let value = world.value(KEY);
            assert!(
                matches!(value, None | Some(2 | 5)),
                "{value:?} after {victim:?} died at {accesses}"
            );
            world.verify();
        });
    }
}
