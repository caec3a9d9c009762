//! How much capacity an item takes, with everything that is beside it.

use std::error::Error;

use hostcache::PrivateCache;
use hostcache_benches::Key;

const CAPACITY: u64 = 64 << 20;
const VALUE: usize = 100;
const ITEM: u32 = (Key::LEN + VALUE) as u32;

/// Bytes of capacity per item of 16 bytes of key and 100 of value, after three times the capacity was set.
pub(crate) fn bytes_per_item() -> Result<f64, Box<dyn Error>> {
    let cache = PrivateCache::new(CAPACITY).expected_item_size(ITEM).create()?;
    let sets = u32::try_from(3 * CAPACITY / u64::from(ITEM))?;
    for index in 0..sets {
        cache.set(Key::present(index), [index as u8; VALUE])?;
    }
    let stats = cache.stats();
    assert!(stats.evictions > 0, "the cache was full");
    Ok(CAPACITY as f64 / stats.curr_items as f64)
}
