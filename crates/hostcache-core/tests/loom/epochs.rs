//! Clears, with stamps of two bits.

use crate::world::{KEY, explore};
use hostcache_core::Got;

/// EPOCH: an item that a clear ended stays ended when the epoch comes to where its stamp would count again.
#[test]
fn a_cleared_item_never_shows_again() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        world.with(0, |me| me.clear());
        let clearer = world.spawn(1, |mut me| {
            // The first of these enters the other half of the stamps, behind a walk that unlinks the item. As seen
            // from the second, the item's stamp would be one of the future.
            me.clear();
            me.clear();
        });
        let reader = world.spawn(2, |me| {
            assert_eq!(me.get(KEY), Got::Miss, "an item that was cleared before the reader began");
        });
        clearer.join().expect("the clearer ends");
        reader.join().expect("the reader ends");
        assert_eq!(world.value(KEY), None);
        world.verify();
    });
}
