//! What stands in a block is what its generation says: small models, explored to the end.

use crate::world::{KEY, OTHER, explore};
use hostcache_core::Got;

/// A reader that stands behind its second look at the slot, and a writer that ends the item and fills its block anew.
#[test]
fn a_copy_under_which_its_block_is_refilled_does_not_count() {
    explore(3, |world| {
        world.set(0, KEY, 1);
        let region = world.region.clone();
        let aim = region.aim(KEY).expect("just set");
        let writer = world.spawn(1, |mut me| {
            // The lane's magazine is empty until it has this block.
            me.delete(KEY);
            me.set(OTHER, 2);
        });
        let reader = loom::thread::spawn(move || {
            let mut bytes = [0; 16];
            if region.copy_aimed(&aim, &mut bytes) {
                let mut expected = [0; 16];
                expected[0] = 1;
                expected[8] = 1;
                assert_eq!(bytes, expected, "a copy counts that is not the item's");
            }
        });
        writer.join().expect("the writer ends");
        reader.join().expect("the reader ends");
        world.verify();
    });
}

/// A walker that meets a sealed block by its header reads the item that was sealed, not what the block held before.
#[test]
fn a_walker_reads_what_was_sealed() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        let location = world.region.aim(KEY).expect("just set").location();
        // Into the magazine of the writer's lane, which holds nothing else.
        world.delete(1, KEY);
        let before = world.region.block_word(location).generation();
        let writer = world.spawn(1, |mut me| me.set(KEY, 2));
        let walker = world.spawn(2, move |mut me| {
            if let Some(aim) = me.session().locate_block(location) {
                assert_eq!(aim.header().generation(), before, "nobody deletes");
                assert_eq!(aim.flags(), 2, "an item of an earlier generation");
            }
        });
        writer.join().expect("the writer ends");
        walker.join().expect("the walker ends");
        world.verify();
    });
}

/// A replacement in a block that held an older value of the same key.
#[test]
fn a_reader_behind_a_new_slot_sees_the_new_item() {
    explore(2, |world| {
        // The writer's magazine holds a block that once held 9, and nothing else.
        world.set(0, KEY, 9);
        world.delete(1, KEY);
        world.set(0, KEY, 1);
        let writer = world.spawn(1, |mut me| me.set(KEY, 2));
        let reader = world.spawn(2, |me| {
            let got = me.get(KEY);
            assert!(matches!(got, Got::Hit(1 | 2)), "{got:?}");
        });
        writer.join().expect("the writer ends");
        reader.join().expect("the reader ends");
        world.verify();
    });
}

/// MOVED-ASIDE: a reader finds the item all the while.
#[test]
fn an_item_that_is_moved_aside_is_always_there() {
    explore(3, |world| {
        world.set(0, KEY, 1);
        let aim = world.region.aim(KEY).expect("just set");
        let mover = world.spawn(1, move |mut me| me.session().shift(&aim));
        let reader = world.spawn(2, |me| assert_eq!(me.get(KEY), Got::Hit(1)));
        assert!(mover.join().expect("the mover ends"), "nobody is in the way");
        reader.join().expect("the reader ends");
        world.verify();
    });
}

/// MOVED-ASIDE: a move never brings back what was replaced or deleted meanwhile.
#[test]
fn a_move_undoes_nothing() {
    for is_deleted in [false, true] {
        explore(2, move |world| {
            world.set(0, KEY, 1);
            let aim = world.region.aim(KEY).expect("just set");
            let mover = world.spawn(1, move |mut me| _ = me.session().shift(&aim));
            let writer = world.spawn(2, move |mut me| match is_deleted {
                true => _ = me.delete(KEY),
                false => me.set(KEY, 2),
            });
            mover.join().expect("the mover ends");
            writer.join().expect("the writer ends");
            assert_eq!(world.value(KEY), (!is_deleted).then_some(2));
            world.verify();
        });
    }
}

/// MOVED-ASIDE: nor what a clear ended, and a clear leaves nothing of it behind.
#[test]
fn a_move_beside_a_clear_brings_nothing_back() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        let aim = world.region.aim(KEY).expect("just set");
        let mover = world.spawn(1, move |mut me| _ = me.session().shift(&aim));
        let clearer = world.spawn(2, |mut me| me.clear());
        mover.join().expect("the mover ends");
        clearer.join().expect("the clearer ends");
        assert_eq!(world.value(KEY), None);
    });
}
