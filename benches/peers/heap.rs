//! Maps and caches on the heap of one process.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ahash::RandomState;
use hostcache_benches::{Key, Subject};

type Bytes = Box<[u8]>;

/// Fixed hash seeds: two runs meet the same collisions.
fn hasher() -> RandomState {
    RandomState::with_seeds(1, 2, 3, 4)
}

fn copy(value: &[u8], buf: &mut Vec<u8>) -> bool {
    buf.clear();
    buf.extend_from_slice(value);
    true
}

/// A hash map that nobody else can reach: what one thread alone pays.
pub(crate) struct Unlocked(RefCell<HashMap<Bytes, Bytes, RandomState>>);

impl Unlocked {
    pub(crate) fn new(keys: u32) -> Self {
        Self(RefCell::new(HashMap::with_capacity_and_hasher(keys as usize, hasher())))
    }
}

impl Subject for Unlocked {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        self.0.borrow().get(key.as_ref()).is_some_and(|value| copy(value, buf))
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        self.0.borrow_mut().insert(Box::from(key.as_ref()), Box::from(value));
    }

    fn take_out(&self, key: &Key) -> bool {
        self.0.borrow_mut().remove(key.as_ref()).is_some()
    }
}

/// The standard library's map under its mutex.
pub(crate) struct Locked(Mutex<HashMap<Bytes, Bytes, RandomState>>);

impl Locked {
    pub(crate) fn new(keys: u32) -> Self {
        Self(Mutex::new(HashMap::with_capacity_and_hasher(keys as usize, hasher())))
    }
}

impl Subject for Locked {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(key.as_ref()).is_some_and(|value| copy(value, buf))
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        let item = (Box::from(key.as_ref()), Box::from(value));
        let old = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(item.0, item.1);
        // Freed with the lock released, as any careful user has it.
        drop(old);
    }

    fn take_out(&self, key: &Key) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key.as_ref()).is_some()
    }
}

/// A map whose readers take no lock.
pub(crate) struct Papaya(papaya::HashMap<Bytes, Bytes, RandomState>);

impl Papaya {
    pub(crate) fn new(keys: u32) -> Self {
        let map = papaya::HashMap::builder().capacity(keys as usize).hasher(hasher()).build();
        Self(map)
    }
}

impl Subject for Papaya {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        self.0.pin().get(key.as_ref()).is_some_and(|value| copy(value, buf))
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        self.0.pin().insert(Box::from(key.as_ref()), Box::from(value));
    }

    fn take_out(&self, key: &Key) -> bool {
        self.0.pin().remove(key.as_ref()).is_some()
    }
}

/// A cache of so many items that evicts.
pub(crate) struct QuickCache(
    quick_cache::sync::Cache<Bytes, Arc<[u8]>, quick_cache::UnitWeighter, RandomState>,
);

impl QuickCache {
    pub(crate) fn new(items: u32) -> Self {
        Self(quick_cache::sync::Cache::with(
            items as usize,
            u64::from(items),
            quick_cache::UnitWeighter,
            hasher(),
            quick_cache::sync::DefaultLifecycle::default(),
        ))
    }
}

impl Subject for QuickCache {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        self.0.get(key.as_ref()).is_some_and(|value| copy(&value, buf))
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        self.0.insert(Box::from(key.as_ref()), Arc::from(value));
    }

    fn take_out(&self, key: &Key) -> bool {
        self.0.remove(key.as_ref()).is_some()
    }
}

/// Another, with a policy of its own.
pub(crate) struct Moka(moka::sync::Cache<Bytes, Arc<[u8]>, RandomState>);

impl Moka {
    pub(crate) fn new(items: u32) -> Self {
        Self(moka::sync::Cache::builder().max_capacity(items.into()).build_with_hasher(hasher()))
    }
}

impl Subject for Moka {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        self.0.get(key.as_ref()).is_some_and(|value| copy(&value, buf))
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        self.0.insert(Box::from(key.as_ref()), Arc::from(value));
    }

    fn take_out(&self, key: &Key) -> bool {
        self.0.remove(key.as_ref()).is_some()
    }
}
