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
        Self::with_capacity(&name, workload, Self::capacity_for(workload))
    }

    /// Bytes of capacity with room for every item of `workload`.
    #[must_use]
    pub fn capacity_for(workload: &Workload) -> u64 {
        let item = (Key::LEN + workload.sizes.max_len()) as u64;
        SPARE + u64::from(workload.keys) * (item + ITEM_OVERHEAD) * HEADROOM
    }

    /// Creates a region of this name, or at this path, with this capacity for items of `workload`.
    pub fn with_capacity(
        name: &str,
        workload: &Workload,
        capacity: u64,
    ) -> Result<Self, OpenError> {
        let item = Key::LEN + workload.sizes.max_len();
        let item = u32::try_from(item).unwrap_or(u32::MAX);
        Cache::builder(name).capacity(capacity).expected_item_size(item).create()?;
        Ok(Self(name.to_owned()))
    }

    /// Attaches to the region.
    pub fn open(&self) -> Result<HostcacheSubject, OpenError> {
        Ok(HostcacheSubject(self.cache()?))
    }

    /// Attaches to the region, to be read into a slice.
    pub fn open_for_slices(&self, workload: &Workload) -> Result<SliceSubject, OpenError> {
        Ok(SliceSubject { cache: self.open()?, max_len: workload.sizes.max_len() })
    }

    /// A handle as any user has it.
    pub fn cache(&self) -> Result<Cache, OpenError> {
        Cache::open(&*self.0)
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

    fn get_many(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        self.0.get_many(keys)
    }

    fn take_out(&self, key: &Key) -> bool {
        self.0.delete(key).unwrap_or_else(|error| refused(&error))
    }
}

/// The same, read by `get_slice` into the buffer as far as it is long.
pub struct SliceSubject {
    cache: HostcacheSubject,
    max_len: usize,
}

impl Subject for SliceSubject {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        // Where all values are of one length the buffer stays at it, and neither of these does anything.
        buf.resize(self.max_len, 0);
        let Some(len) = self.cache.0.get_slice(key, buf) else { return false };
        buf.truncate(len);
        true
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        self.cache.set(key, value);
    }

    fn take_out(&self, key: &Key) -> bool {
        self.cache.take_out(key)
    }
}

#[cold]
fn refused(error: &WriteError) -> ! {
    panic!("the benchmark's own region refused a write: {error}")
}
