//! Records that change hands.

use std::sync::Arc;

use crate::world::{KEY, Me, Still, explore};
use hostcache_core::Lane;
use hostcache_core::layout::Identity;
use loom::sync::atomic::{AtomicU64, Ordering};

/// A lane is given up by one thread and taken by another, which dies. The byte lock between them is a stand-in that
/// orders nothing (the kernel's does), so what orders the two owners' stores is the record itself.
#[test]
fn a_lane_given_up_is_the_next_owners_alone() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        // The lane's magazine holds a block, named by its first entry.
        world.delete(1, KEY);
        let byte = Arc::new(AtomicU64::new(1));
        let unlocked = Arc::clone(&byte);
        let first = world.spawn(1, move |me| {
            let Me { region, lane } = me;
            lane.detach(&region, &Still);
            unlocked.store(0, Ordering::Relaxed);
        });
        let region = world.region.clone();
        let second = loom::thread::spawn(move || {
            let locked = byte.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            // What looks attached would be recovered, and that needs the kernel's order.
            if locked && !region.is_attached(1) {
                let lane = Lane::attach(&region, 1, &Identity::default());
                let mut me = Me { region, lane };
                // Dies with a claimed chunk, named by the same entry.
                me.session().claim(0, 0, 3);
            }
        });
        first.join().expect("the first ends");
        second.join().expect("the second ends");
        if world.region.is_attached(1) {
            world.recover(1);
        }
        world.verify();
    });
}
