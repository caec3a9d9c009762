//! Four processes on one region: every recorded history can be explained, and nothing is lost.
//!
//! Each test is one campaign. Four regions, each undisturbed, with workers stopped and with workers
//! killed: 64 hot keys in a region so small that it evicts; 100,000 keys that don't fit; values from
//! some bytes to many pages; and a region that can't evict, where every miss must be explained and
//! counters must be sums.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hostcache_tests::campaign::{Campaign, Disturbance};
use hostcache_tests::checker::Mode;
use hostcache_tests::driver::Mix;
use hostcache_tests::volume;

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// One campaign at a time: the log of one can take half a gibibyte.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 64 hot keys, and enough cold ones to make the region evict.
fn hot_keys(name: &'static str, disturbance: Disturbance) -> Campaign {
    let mix = Mix {
        hot_keys: 64,
        cold_keys: 12_000,
        hot_percent: 90,
        counter_every: 4,
        chain_every: 3,
        counters_only_grow: false,
        clear_one_in: 50_000,
        largest_value: 4 << 10,
    };
    let capacity = 2 << 20;
    Campaign { name, program: WORKER, capacity, mix, mode: Mode::MayEnd, disturbance }
}

/// 100,000 keys, of which a third fits.
fn many_keys(name: &'static str, disturbance: Disturbance) -> Campaign {
    let mix = Mix {
        hot_keys: 5_000,
        cold_keys: 95_000,
        hot_percent: 50,
        counter_every: 5,
        chain_every: 3,
        counters_only_grow: false,
        clear_one_in: 500_000,
        largest_value: 3 << 10,
    };
    let capacity = 16 << 20;
    Campaign { name, program: WORKER, capacity, mix, mode: Mode::MayEnd, disturbance }
}

/// Values of all sizes up to 1/64 of the capacity, chunks and runs of pages beside each other.
fn all_sizes(name: &'static str, disturbance: Disturbance) -> Campaign {
    let mix = Mix {
        hot_keys: 32,
        cold_keys: 2_000,
        hot_percent: 70,
        counter_every: 8,
        chain_every: 5,
        counters_only_grow: false,
        clear_one_in: 50_000,
        largest_value: 120 << 10,
    };
    let capacity = 8 << 20;
    Campaign { name, program: WORKER, capacity, mix, mode: Mode::MayEnd, disturbance }
}

/// 64 hot keys in a region with room for many times as much: nothing may end by itself.
fn roomy(name: &'static str, disturbance: Disturbance) -> Campaign {
    let mix = Mix {
        hot_keys: 64,
        cold_keys: 0,
        hot_percent: 100,
        counter_every: 4,
        chain_every: 3,
        counters_only_grow: true,
        clear_one_in: 0,
        largest_value: 4 << 10,
    };
    let (capacity, mode) = (64 << 20, Mode::NoSpontaneousEnd);
    Campaign { name, program: WORKER, capacity, mix, mode, disturbance }
}

#[test]
fn hot_keys_with_eviction() {
    let _alone = alone();
    hot_keys("hot_keys_with_eviction", Disturbance::None(volume::ops())).run();
}

#[test]
fn hot_keys_with_eviction_while_workers_are_stopped() {
    let _alone = alone();
    let stops = Disturbance::Stops(volume::stops());
    hot_keys("hot_keys_with_eviction_while_workers_are_stopped", stops).run();
}

#[test]
fn hot_keys_with_eviction_while_workers_are_killed() {
    let _alone = alone();
    let kills = Disturbance::Kills(volume::kills());
    hot_keys("hot_keys_with_eviction_while_workers_are_killed", kills).run();
}

#[test]
fn many_keys_with_eviction() {
    let _alone = alone();
    many_keys("many_keys_with_eviction", Disturbance::None(volume::ops())).run();
}

#[test]
fn many_keys_with_eviction_while_workers_are_stopped() {
    let _alone = alone();
    let stops = Disturbance::Stops(volume::stops());
    many_keys("many_keys_with_eviction_while_workers_are_stopped", stops).run();
}

#[test]
fn many_keys_with_eviction_while_workers_are_killed() {
    let _alone = alone();
    let kills = Disturbance::Kills(volume::kills());
    many_keys("many_keys_with_eviction_while_workers_are_killed", kills).run();
}

#[test]
fn values_of_all_sizes_with_eviction() {
    let _alone = alone();
    all_sizes("values_of_all_sizes", Disturbance::None(volume::ops() / 10)).run();
}

#[test]
fn values_of_all_sizes_while_workers_are_stopped() {
    let _alone = alone();
    let stops = Disturbance::Stops(volume::stops() / 2);
    all_sizes("values_of_all_sizes_while_workers_are_stopped", stops).run();
}

#[test]
fn values_of_all_sizes_while_workers_are_killed() {
    let _alone = alone();
    let kills = Disturbance::Kills(volume::kills() / 2);
    all_sizes("values_of_all_sizes_while_workers_are_killed", kills).run();
}

#[test]
fn nothing_ends_by_itself_where_nothing_can_be_evicted() {
    let _alone = alone();
    roomy("nothing_ends_by_itself", Disturbance::None(volume::ops())).run();
}

#[test]
fn nothing_ends_by_itself_while_workers_are_stopped() {
    let _alone = alone();
    let stops = Disturbance::Stops(volume::stops());
    roomy("nothing_ends_by_itself_while_workers_are_stopped", stops).run();
}

#[test]
fn nothing_ends_by_itself_while_workers_are_killed() {
    let _alone = alone();
    let kills = Disturbance::Kills(volume::kills());
    roomy("nothing_ends_by_itself_while_workers_are_killed", kills).run();
}
