//! HAZARD: one-bit generations, so that a slot word comes round at the second incarnation.

use crate::world::{KEY, Plan, explore_in};

const ONE_BIT: Plan = Plan { generation_bits: 1, ..Plan::USUAL };

/// A thread has found an item and is about to unlink it; another takes the slot word round to the same bits.
fn round(short: u64) {
    explore_in(ONE_BIT, 2, move |world| {
        world.set_in_generation(0, KEY, 1, short);
        let aim = world.region.aim(KEY).expect("just set");
        let slow = world.spawn(1, move |mut me| me.session().shoot(&aim));
        let churner = world.spawn(2, |mut me| {
            // From the first delete on its magazine holds this block and no other.
            let deleted = me.delete(KEY);
            me.set(KEY, 2);
            me.delete(KEY);
            me.set(KEY, 3);
            deleted
        });
        let shot = slow.join().expect("the slow one ends");
        let deleted = churner.join().expect("the churner ends");
        assert!(shot != deleted, "the first item ends once: {shot} and {deleted}");
        assert_eq!(world.value(KEY), Some(3), "a later item was taken for the one aimed at");
        world.verify();
    });
}

/// The scan stands between the first and the second incarnation.
#[test]
fn a_word_that_comes_round_behind_a_scan_is_not_mistaken() {
    round(1);
}

/// The scan stands right before the word is the same again.
#[test]
fn a_word_that_comes_round_at_a_scan_is_not_mistaken() {
    round(0);
}
