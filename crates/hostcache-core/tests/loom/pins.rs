//! Models of pins: an item that is held does not change, and what nobody holds comes back.

use hostcache_core::Pinned;

use crate::world::{self, KEY, Me, OTHER, World, explore, pinned_before};

/// Lanes of the two threads.
const HOLDER: usize = 1;
const WRITER: usize = 2;

impl Me {
    /// What is held: both halves, which every writer writes alike.
    fn held(&self, pinned: &Pinned) -> u64 {
        let mut bytes = [0; 16];
        pinned.value(&self.region).expect("its own region").copy_to(&mut bytes);
        let [first, second] = [0, 8].map(|at| {
            let mut half = [0; 8];
            half.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(half)
        });
        assert_eq!(first, second, "a held item is torn");
        first
    }

    /// Holds an item, looks at it twice, lets go.
    fn hold(&self, key: &[u8]) {
        if let Some(pinned) = self.pin(key) {
            let first = self.held(&pinned);
            assert!(first != 0, "nobody wrote this");
            assert_eq!(first, self.held(&pinned), "a held item changed");
            self.region.unpin(&pinned);
        }
    }
}

fn hold_against(writer: impl Fn(&mut Me) + Copy + Send + Sync + 'static) {
    explore(2, move |world| {
        world.set(0, KEY, 1);
        let holder = world.spawn(HOLDER, |me| me.hold(KEY));
        let writer = world.spawn(WRITER, move |mut me| writer(&mut me));
        holder.join().expect("the holder ends");
        writer.join().expect("the writer ends");
        world.verify();
    });
}

/// The writer has a block at hand, so the one of the first value is the next that it fills.
fn replace_twice(world: &mut World) -> impl FnOnce(Me) + 'static {
    world.set(WRITER, OTHER, 1);
    world.delete(WRITER, OTHER);
    |mut me| {
        me.set(KEY, 2);
        me.set(KEY, 3);
    }
}

#[test]
fn a_held_item_is_not_reused_by_a_replacement() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        let writer = replace_twice(world);
        let holder = world.spawn(HOLDER, |me| me.hold(KEY));
        let writer = world.spawn(WRITER, writer);
        holder.join().expect("the holder ends");
        writer.join().expect("the writer ends");
        world.verify();
    });
}

#[test]
fn a_held_item_is_not_reused_after_a_delete() {
    hold_against(|me| {
        me.delete(KEY);
        me.set(OTHER, 2);
    });
}

#[test]
fn a_held_item_is_not_reused_after_an_eviction() {
    hold_against(|me| {
        me.evict();
        // Its chunk is the second of those that this takes, and the next filled.
        me.set(OTHER, 2);
        me.set(OTHER, 3);
    });
}

/// The bit is there from an earlier pin, so the holder stores nothing but its record.
#[test]
fn a_held_item_is_not_reused_where_it_was_held_before() {
    explore(2, |world| {
        world.set(0, KEY, 1);
        world.with(HOLDER, |me| me.hold(KEY));
        let writer = replace_twice(world);
        let holder = world.spawn(HOLDER, |me| me.hold(KEY));
        let writer = world.spawn(WRITER, writer);
        holder.join().expect("the holder ends");
        writer.join().expect("the writer ends");
        world.verify();
    });
}

#[test]
fn the_last_of_holder_and_unlinker_adopts() {
    explore(3, |world| {
        world.set(0, KEY, 1);
        let pinned = pinned_before(world, HOLDER);
        let holder = world.spawn(HOLDER, move |me| {
            assert_eq!(me.held(&pinned), 1);
            me.region.unpin(&pinned);
        });
        let writer = world.spawn(WRITER, |mut me| {
            me.delete(KEY);
            me.set(OTHER, 2);
        });
        holder.join().expect("the holder ends");
        writer.join().expect("the writer ends");
        world.verify();
    });
}

#[test]
fn the_last_of_two_holders_adopts() {
    explore(3, |world| {
        world.set(0, KEY, 1);
        let threads = [HOLDER, WRITER].map(|lane| {
            let pinned = pinned_before(world, lane);
            (lane, pinned)
        });
        world.with(0, |me| {
            me.delete(KEY);
        });
        let threads = threads.map(|(lane, pinned)| {
            world.spawn(lane, move |me| {
                assert_eq!(me.held(&pinned), 1);
                me.region.unpin(&pinned);
            })
        });
        for thread in threads {
            thread.join().expect("a holder ends");
        }
        world.verify();
    });
}

/// A holder dies at some access; what it held comes back with its recovery.
#[test]
fn a_holder_may_die_at_any_access() {
    for accesses in world::deaths_within(60) {
        explore(1, move |world| {
            world.set(0, KEY, 1);
            let dying = world.spawn_dying(HOLDER, accesses, |me| me.hold(KEY));
            let living = world.spawn(WRITER, |mut me| {
                me.set(KEY, 2);
                me.delete(KEY);
            });
            dying.join().expect("the dying one is caught");
            living.join().expect("the living one ends");
            world.recover(HOLDER as u16);
            world.verify();
        });
    }
}

/// A writer dies at some access of ending an item that is held.
#[test]
fn an_unlinker_of_what_is_held_may_die_at_any_access() {
    for accesses in world::deaths_within(90) {
        explore(1, move |world| {
            world.set(0, KEY, 1);
            let pinned = pinned_before(world, HOLDER);
            let dying = world.spawn_dying(WRITER, accesses, |mut me| {
                me.delete(KEY);
                me.set(KEY, 2);
            });
            let holder = world.spawn(HOLDER, move |me| {
                assert_eq!(me.held(&pinned), 1);
                me.region.unpin(&pinned);
            });
            dying.join().expect("the dying one is caught");
            holder.join().expect("the holder ends");
            world.recover(WRITER as u16);
            world.verify();
        });
    }
}
