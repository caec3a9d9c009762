//! `cargo fuzz run cache` in this directory: the whole library, over a sealed descriptor.

#![no_main]


use hostcache_hostile::target::{Range, Target};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static RANGE: Range = Range::new(Target::Cache);
}

fuzz_target!(|bytes: &[u8]| {
    RANGE.with(|range| range.run(bytes));
});
