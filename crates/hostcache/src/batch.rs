//! Many keys in one call.
//!
//! Each key is an operation of its own, linearizable by itself: a batch is not one event. What a call saves
//! is the waiting: the memory of all keys of a chunk is asked for before the first of them is looked at.

use hostcache_core::BATCH;

use crate::{Cache, Item, ReadError, SetOptions, SetOutcome, WriteError};

impl Cache {
    /// The values of many keys, in the order of the keys; `None` is a miss. A key may come several times.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = hostcache::Cache::private(1 << 20)?;
    /// cache.set_many(&[("a", "1"), ("b", "2")]);
    /// assert_eq!(cache.get_many(&["b", "?", "a"]), [Some(b"2".to_vec()), None, Some(b"1".to_vec())]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Vec<Option<Vec<u8>>> {
        self.each(keys, |key| self.get(key))
    }

    /// [`Cache::get_many`] that tells misses from failures, key by key.
    pub fn try_get_many<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
    ) -> Vec<Result<Option<Vec<u8>>, ReadError>> {
        self.each(keys, |key| self.try_get(key))
    }

    /// [`Cache::get_many`] with flags, encoding, token and remaining TTL.
    pub fn get_many_items<K: AsRef<[u8]>>(&self, keys: &[K]) -> Vec<Option<Item>> {
        self.each(keys, |key| self.get_item(key))
    }

    /// [`Cache::get_many_items`] that tells misses from failures, key by key.
    pub fn try_get_many_items<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
    ) -> Vec<Result<Option<Item>, ReadError>> {
        self.each(keys, |key| self.try_get_item(key))
    }

    /// Stores many values, in the order given: a result for each. Others may see some of them before the
    /// rest is there.
    /// [`Cache::set`] has the errors.
    pub fn set_many<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        items: &[(K, V)],
    ) -> Vec<Result<(), WriteError>> {
        self.each_pair(items, |key, value| self.set(key, value))
    }

    /// [`Cache::set_many`] with the same lifetime, flags, encoding and condition for all.
    pub fn set_many_with<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        items: &[(K, V)],
        options: &SetOptions,
    ) -> Vec<Result<SetOutcome, WriteError>> {
        self.each_pair(items, |key, value| self.set_with(key, value, options))
    }

    /// Ends the items of many keys, in the order given: for each whether there was one. [`Cache::delete`]
    /// has the errors.
    pub fn delete_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Vec<Result<bool, WriteError>> {
        self.each(keys, |key| self.delete(key))
    }

    fn each<K: AsRef<[u8]>, T>(&self, keys: &[K], mut operation: impl FnMut(&[u8]) -> T) -> Vec<T> {
        let mut results = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH) {
            self.prefetch(chunk);
            results.extend(chunk.iter().map(|key| operation(key.as_ref())));
        }
        results
    }

    fn each_pair<K: AsRef<[u8]>, V: AsRef<[u8]>, T>(
        &self,
        items: &[(K, V)],
        mut operation: impl FnMut(&[u8], &[u8]) -> T,
    ) -> Vec<T> {
        let mut results = Vec::with_capacity(items.len());
        for chunk in items.chunks(BATCH) {
            let keys: Vec<&[u8]> = chunk.iter().map(|(key, _)| key.as_ref()).collect();
            self.prefetch(&keys);
            results
                .extend(chunk.iter().map(|(key, value)| operation(key.as_ref(), value.as_ref())));
        }
        results
    }

    /// Asks for the memory that operations on these keys will look at, so that waiting for one is waiting for all. Worth it
    /// right before operations on 2 to [`Cache::BATCH`] keys; further ones are left out. A hint: it reads no item, counts
    /// nothing, and where it is not possible the operations themselves say why.
    pub fn prefetch<K: AsRef<[u8]>>(&self, keys: &[K]) {
        if keys.len() > 1
            && let Ok(attachment) = self.shared.attached()
        {
            attachment.region.prefetch(keys);
        }
    }

    /// How many keys [`Cache::prefetch`] looks at.
    pub const BATCH: usize = BATCH;
}
