//! The in-process peer: `DashMap` with ahash, boxed keys and boxed values.

use dashmap::DashMap;

use super::Subject;
use crate::Key;

/// A sharded, locked hash map on this process's heap.
pub struct DashMapSubject(DashMap<Box<[u8]>, Box<[u8]>, ahash::RandomState>);

impl DashMapSubject {
    /// A map with room for `keys`, so that it never grows while it is measured.
    #[must_use]
    pub fn new(keys: u32) -> Self {
        // Fixed hash seeds: two runs meet the same collisions.
        let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
        Self(DashMap::with_capacity_and_hasher(keys as usize, hasher))
    }
}

impl Subject for DashMapSubject {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        let Some(value) = self.0.get(key.as_ref()) else { return false };
        buf.clear();
        buf.extend_from_slice(&value);
        true
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        self.0.insert(Box::from(key.as_ref()), Box::from(value));
    }

    fn take_out(&self, key: &Key) -> bool {
        self.0.remove(key.as_ref()).is_some()
    }
}
