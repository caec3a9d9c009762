//! Reading one key.

use super::Suite;
use super::answer::{self, Answer};
use super::model::Entry;

/// A read that tells nothing of errors sees a miss.
fn or_miss<T>(seen: Option<Option<T>>) -> Option<T> {
    seen.flatten()
}

fn refused() -> Answer {
    Answer::Refused("invalid key")
}

/// All of a value.
fn copied(found: &hostcache::Found<'_>) -> Vec<u8> {
    let mut value = vec![0; found.len()];
    found.copy_to(&mut value);
    value
}

impl Suite {
    pub(super) fn get(&mut self) {
        let (key, handle) = (self.key(), self.any());
        let bytes = |entry: &mut Entry| Answer::Bytes(or_miss(entry.get()).map(|seen| seen.value));
        self.on_key(&key, &handle, |cache| Answer::Bytes(cache.get(&key)), bytes);
    }

    pub(super) fn try_get(&mut self) {
        let (key, handle) = (self.key(), self.any());
        let bytes = |entry: &mut Entry| {
            entry.get().map_or_else(refused, |seen| Answer::Bytes(seen.map(|seen| seen.value)))
        };
        self.on_key(&key, &handle, |cache| answer::read(cache.try_get(&key), Answer::Bytes), bytes);
    }

    pub(super) fn try_get_with(&mut self) {
        self.get_with(|cache, key| cache.try_get_with(key, copied));
    }

    /// As bindings read: the long way where the quick one does not answer.
    pub(super) fn get_quickly_with(&mut self) {
        self.get_with(|cache, key| match cache.get_quickly_with(key, copied) {
            Some(answer) => Ok(answer),
            None => cache.try_get_with(key, copied),
        });
    }

    fn get_with(
        &mut self,
        get: impl Fn(&hostcache::Cache, &[u8]) -> Result<Option<Vec<u8>>, Box<hostcache::ReadError>>,
    ) {
        let (key, handle) = (self.key(), self.any());
        let real = |cache: &hostcache::Cache| {
            answer::read(get(cache, &key).map_err(|error| *error), Answer::Bytes)
        };
        let bytes = |entry: &mut Entry| {
            entry.get().map_or_else(refused, |seen| Answer::Bytes(seen.map(|seen| seen.value)))
        };
        self.on_key(&key, &handle, real, bytes);
    }

    pub(super) fn get_into(&mut self) {
        let (key, handle) = (self.key(), self.any());
        let real = |cache: &hostcache::Cache| {
            let mut buffer = b"what was there before".to_vec();
            let hit = cache.get_into(&key, &mut buffer);
            assert!(hit || buffer.is_empty(), "a miss leaves nothing in the buffer");
            Answer::Bytes(hit.then_some(buffer))
        };
        let bytes = |entry: &mut Entry| Answer::Bytes(or_miss(entry.get()).map(|seen| seen.value));
        self.on_key(&key, &handle, real, bytes);
    }

    pub(super) fn try_get_into(&mut self) {
        let (key, handle) = (self.key(), self.any());
        let real = |cache: &hostcache::Cache| {
            let mut buffer = vec![1; 3];
            let hit = cache.try_get_into(&key, &mut buffer);
            answer::read(hit, |hit| Answer::Bytes(hit.then_some(buffer)))
        };
        let bytes = |entry: &mut Entry| {
            entry.get().map_or_else(refused, |seen| Answer::Bytes(seen.map(|seen| seen.value)))
        };
        self.on_key(&key, &handle, real, bytes);
    }

    pub(super) fn get_slice(&mut self) {
        let (key, handle) = (self.key(), self.any());
        let size = self.random.below(100) as usize;
        let real = |cache: &hostcache::Cache| {
            let mut buffer = vec![0; size];
            let len = cache.get_slice(&key, &mut buffer);
            Answer::Part(len.map(|len| (len, buffer[..len.min(size)].to_vec())))
        };
        let part = |entry: &mut Entry| {
            Answer::Part(or_miss(entry.get()).map(|seen| cut(seen.value, size)))
        };
        self.on_key(&key, &handle, real, part);
    }

    pub(super) fn try_get_slice(&mut self) {
        let (key, handle) = (self.key(), self.any());
        let size = self.random.below(100) as usize;
        let real = |cache: &hostcache::Cache| {
            let mut buffer = vec![0; size];
            let len = cache.try_get_slice(&key, &mut buffer);
            let part = |len: usize| (len, buffer[..len.min(size)].to_vec());
            answer::read(len, |len| Answer::Part(len.map(part)))
        };
        let part = |entry: &mut Entry| {
            let part = |seen: Option<super::answer::Seen>| seen.map(|seen| cut(seen.value, size));
            entry.get().map_or_else(refused, |seen| Answer::Part(part(seen)))
        };
        self.on_key(&key, &handle, real, part);
    }

    pub(super) fn get_item(&mut self) {
        let (key, handle, precision) = (self.key(), self.any(), self.precision());
        let real = |cache: &hostcache::Cache| answer::item(cache.get_item(&key), precision);
        self.on_key(&key, &handle, real, |entry| Answer::Item(or_miss(entry.get())));
    }

    pub(super) fn try_get_item(&mut self) {
        let (key, handle, precision) = (self.key(), self.any(), self.precision());
        let real = |cache: &hostcache::Cache| {
            answer::read(cache.try_get_item(&key), |item| answer::item(item, precision))
        };
        self.on_key(&key, &handle, real, |entry| entry.get().map_or_else(refused, Answer::Item));
    }

    pub(super) fn item_info(&mut self) {
        let (key, handle) = (self.key(), self.any());
        self.look(&key, &handle);
    }

    /// Learns a key's token.
    pub(super) fn look(&mut self, key: &[u8], handle: &super::Handle) {
        let precision = self.precision();
        let real = |cache: &hostcache::Cache| {
            Answer::Item(cache.item_info(key).map(|info| answer::info(&info, precision)))
        };
        self.on_key(key, handle, real, |entry| {
            let without_value = |mut seen: super::answer::Seen| {
                seen.value.clear();
                seen
            };
            Answer::Item(or_miss(entry.peek()).map(without_value))
        });
    }

    pub(super) fn contains(&mut self) {
        let (key, handle) = (self.key(), self.any());
        let is_there = |entry: &mut Entry| Answer::Flag(or_miss(entry.peek()).is_some());
        self.on_key(&key, &handle, |cache| Answer::Flag(cache.contains(&key)), is_there);
    }

    pub(super) fn try_contains(&mut self) {
        let (key, handle) = (self.key(), self.any());
        let is_there = |entry: &mut Entry| {
            entry.peek().map_or_else(refused, |seen| Answer::Flag(seen.is_some()))
        };
        let real = |cache: &hostcache::Cache| answer::read(cache.try_contains(&key), Answer::Flag);
        self.on_key(&key, &handle, real, is_there);
    }
}

/// As much of a value as fits, behind its length.
fn cut(mut value: Vec<u8>, size: usize) -> (usize, Vec<u8>) {
    let len = value.len();
    value.truncate(size);
    (len, value)
}
