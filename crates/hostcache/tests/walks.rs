//! Walking over a region while others change it.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use support::Scratch;

/// Present from before the walks to after them.
const KEYS: usize = 50;

/// Enough for a walk to meet a replacement between any two of its looks at a slot.
const WALKS: usize = 2_000;

#[test]
fn a_key_that_is_only_ever_replaced_is_seen_by_every_walk() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    let set = |n: usize| cache.set(format!("{}", n % KEYS), [b'x'; 100]).expect("set");
    (0..KEYS).for_each(set);
    let stop = AtomicBool::new(false);
    let missed = thread::scope(|scope| {
        scope.spawn(|| (0..).take_while(|_| !stop.load(Ordering::Relaxed)).for_each(set));
        let missed = (0..WALKS).map(|_| KEYS - cache.keys().count()).sum::<usize>();
        stop.store(true, Ordering::Relaxed);
        missed
    });
    assert_eq!((missed, cache.stats().evictions), (0, 0), "keys missed in {WALKS} walks");
}
