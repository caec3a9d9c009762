//! `cargo fuzz run core` in this directory: the core, between guard pages.

#![no_main]


use hostcache_hostile::target::{Range, Target};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static RANGE: Range = Range::new(Target::Core);
}

fuzz_target!(|bytes: &[u8]| {
    RANGE.with(|range| range.run(bytes));
});
