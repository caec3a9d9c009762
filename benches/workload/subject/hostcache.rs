//! hostcache itself, over a region of its own.

use hostcache::{Cache, OpenError, WriteError};

use super::Subject;
use crate::{Key, Workload};

/// Bytes of capacity beside what the items need: pages of slab classes, magazines.
const SPARE: u64 = 16 << 20;
/// Capacity per byte of items: nothing may be evicted, or a get would miss.
const HEADROOM: u64 = 2;
/// Bytes per item for its header, its slots and the rounding to a chunk, generously.
const ITEM_OVERHEAD: u64 = 64;

/// A region that lives as long as this value.
pub struct Region(String);

impl Region {
    /// Creates a region with room for every item of `workload`. Nothing is attached to it yet, so the
    /// process may fork.
    pub fn create(label: &str, workload: &Workload) -> Result<Self, OpenError> {
        let name = format!("bench-{label}-{}", std::process::id());
        let item = (Key::LEN + workload.sizes.max_len()) as u64;
        let capacity = SPARE + u64::from(workload.keys) * (item + ITEM_OVERHEAD) * HEADROOM;
        let item = u32::try_from(item).unwrap_or(u32::MAX);
        Cache::builder(&*name).capacity(capacity).expected_item_size(item).create()?;
        Ok(Self(name))
    }

    /// Attaches to the region.
    pub fn open(&self) -> Result<HostcacheSubject, OpenError> {
        Ok(HostcacheSubject(Cache::open(&*self.0)?))
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Err(error) = Cache::destroy(&self.0) {
            eprintln!("{error}");
        }
    }
}

/// A handle on a benchmark's region.
pub struct HostcacheSubject(Cache);

impl Subject for HostcacheSubject {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        self.0.get_into(key, buf)
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        if let Err(error) = self.0.set(key, value) {
            refused(&error);
        }
    }

    fn take_out(&self, key: &Key) -> bool {
        self.0.delete(key).unwrap_or_else(|error| refused(&error))
    }
}

#[cold]
fn refused(error: &WriteError) -> ! {
    panic!("the benchmark's own region refused a write: {error}")
}
