//! The whole public API beside a naive model: every backing, every geometry, alone and by turns of several processes.
//!
//! A new backing is one more line in `every_geometry!`.

use std::path::Path;

use hostcache_tests::child::Worker;
use hostcache_tests::random::seed;
use hostcache_tests::region::TestRegion;
use hostcache_tests::roles::{Company, Lockstep, Post, Role};
use hostcache_tests::suite::operations::{NO_OPERATIONS, TABLE};
use hostcache_tests::suite::setting::{self, Backing, Geometry, Setting};
use hostcache_tests::suite::{Alone, Suite, surface};
use hostcache_tests::volume;

fn run(name: &str, backing: Backing, geometry: Geometry) {
    let made = backing(&geometry);
    let (evicts, setting) = (geometry.evicts, Setting { geometry });
    let mut suite = Suite::new(&made, setting, seed(name));
    suite.run(volume::steps(), &mut Alone);
    let evictions = made.handles[0].stats().evictions;
    println!("{name}: {evictions} evictions, of which {} were noticed", suite.excused());
    assert_eq!(evictions > 0, evicts, "{evictions} evictions");
    let report = made.handles[0].check();
    assert!(report.is_sound(), "{report:#?}");
}

macro_rules! every_geometry {
    ($($backing:ident,)*) => {
        $(mod $backing {
            use super::*;

            #[test]
            fn a_tiny_region_does_what_the_model_does() {
                run(concat!(stringify!($backing), ", tiny"), setting::$backing, Geometry::tiny());
            }

            #[test]
            fn a_roomy_region_does_what_the_model_does() {
                run(concat!(stringify!($backing), ", roomy"), setting::$backing, Geometry::roomy());
            }

            #[test]
            fn small_counters_do_what_the_model_does() {
                let name = concat!(stringify!($backing), ", small counters");
                run(name, setting::$backing, Geometry::small_counters());
            }

            #[test]
            fn large_values_do_what_the_model_does() {
                let name = concat!(stringify!($backing), ", large values");
                run(name, setting::$backing, Geometry::large_values());
            }
        })*
    };
}

every_geometry! {
    by_name,
    by_path,
    memfd,
    private,
}

#[cfg(feature = "shared_memory")]
every_geometry! {
    segment,
}

fn by_turns(name: &str, company: Company, geometry: Geometry) {
    const MEMBERS: usize = 3;
    let (seed, steps) = (seed(name), volume::steps() / 2);
    let ttl = |ms: u64| std::time::Duration::from_millis(ms);
    let region = TestRegion::create_with(|mut builder| {
        builder = builder.capacity(geometry.capacity);
        builder = geometry.default_ttl.map_or(builder.clone(), |ms| builder.default_ttl(ttl(ms)));
        builder = geometry.max_ttl.map_or(builder.clone(), |ms| builder.max_ttl(ttl(ms)));
        if geometry.small_counters { builder.small_counters() } else { builder }
    });
    let setting = Setting { geometry };
    let spawned = if company == Company::Spawned { MEMBERS } else { 1 };
    let workers: Vec<Worker> = (0..spawned)
        .map(|lane| {
            let post = Post::new(&region, lane);
            let setting = setting.clone();
            let role = Lockstep { post, company, members: MEMBERS, setting, seed, steps };
            Worker::spawn(env!("CARGO_BIN_EXE_test-worker"), &Role::Lockstep(Box::new(role)))
        })
        .collect();
    workers.into_iter().for_each(Worker::join);
    region.assert_sound();
}

#[test]
fn processes_that_take_turns_do_what_the_model_does() {
    by_turns("processes by turns", Company::Spawned, Geometry::roomy());
}

#[test]
fn processes_that_take_turns_with_small_counters_do_what_the_model_does() {
    let geometry = Geometry::small_counters();
    by_turns("processes by turns, small counters", Company::Spawned, geometry);
}

#[test]
fn forked_processes_that_share_a_private_cache_and_its_clock_do_what_the_model_does() {
    by_turns("forked processes by turns", Company::Forked, Geometry::roomy());
}

#[test]
fn every_public_function_is_in_the_suite_or_is_no_operation() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/hostcache/src");
    let functions = surface::functions_below(&sources).expect("the public crate's sources");
    assert!(functions.len() > 50, "{functions:?}");
    let known = |name: &str| {
        TABLE.iter().any(|operation| operation.name == name)
            || NO_OPERATIONS.iter().any(|&(other, _)| other == name)
    };
    let forgotten: Vec<&String> = functions.iter().filter(|name| !known(name)).collect();
    assert!(
        forgotten.is_empty(),
        "add these to tests/support/suite/operations.rs, to TABLE with an operation of the suite, or \
         to NO_OPERATIONS with a reason: {forgotten:?}"
    );
    let of_cache = TABLE.iter().map(|o| o.name).chain(NO_OPERATIONS.iter().map(|&(name, _)| name));
    let gone: Vec<&str> =
        of_cache.filter(|name| !name.contains("::") && !functions.contains(*name)).collect();
    assert!(gone.is_empty(), "these are no functions of Cache any more: {gone:?}");
}
