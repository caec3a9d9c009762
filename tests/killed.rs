//! Every operation of the public API, killed in the middle: as often as it is asked for, on every backing.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[cfg(feature = "shared_memory")]
use hostcache::Cache;
use hostcache_tests::random::seed;
use hostcache_tests::suite::killed::{Killed, kill_every_operation};
use hostcache_tests::suite::setting::{self, Backing, Geometry, Made, Setting};
use hostcache_tests::volume::points;

/// The smallest region, in which everything has room: walks are short.
fn geometry() -> Geometry {
    let mut geometry = Geometry::roomy();
    (geometry.capacity, geometry.keys, geometry.largest_value) = (1 << 20, 60, 3_000);
    geometry
}

fn run(name: &str, backing: Backing, geometry: Geometry) {
    kill_all(name, &backing(&geometry), geometry);
}

fn kill_all(name: &str, made: &Made, geometry: Geometry) {
    let each = points("HOSTCACHE_TEST_OPERATION_KILLS", 4).max(2);
    let Some(killed) = kill_every_operation(made, &Setting { geometry }, seed(name), each) else {
        println!("skipped: processes may not be traced here");
        return;
    };
    let sum = |of: fn(&Killed) -> u64| killed.iter().map(|(_, killed)| of(killed)).sum::<u64>();
    println!(
        "{name}: {} operations, {} kills inside one ({} behind an effect, {} before it), {} behind the end",
        killed.len(),
        sum(|k| k.inside),
        sum(|k| k.with_effect),
        sum(|k| k.without_effect),
        sum(|k| k.ended)
    );
    let short: Vec<_> =
        killed.iter().filter(|(_, k)| k.inside == 0).map(|(name, _)| name).collect();
    println!("  killed in the middle this time: all but {short:?}");
}

#[test]
fn every_operation_may_be_killed_on_a_region_with_a_name() {
    run("by name", setting::by_name, geometry());
}

#[test]
fn every_operation_may_be_killed_where_counters_are_small() {
    let geometry = Geometry { small_counters: true, ..geometry() };
    run("by path, small counters", setting::by_path, geometry);
}

#[test]
fn every_operation_may_be_killed_on_a_region_without_a_file() {
    run("memfd", setting::memfd, geometry());
}

#[test]
fn every_operation_may_be_killed_on_a_private_cache() {
    run("private", setting::private, geometry());
}

#[cfg(feature = "shared_memory")]
#[test]
fn every_operation_may_be_killed_on_a_named_segment() {
    /// Takes the name away, however the run ends.
    struct Name(Made);

    impl Drop for Name {
        fn drop(&mut self) {
            let _ = Cache::destroy(self.0.handles[0].path().to_string_lossy());
        }
    }

    let made = Name(setting::segment_with_its_name(&geometry()));
    kill_all("segment", &made.0, geometry());
}
