//! A cache of one process, with one of eleven faults on request.
//!
//! Without a fault it is right by construction: a map under one mutex. With one, about one operation
//! in fifty that could show the fault does. Run by the same driver and checked by the same checker as
//! the real cache, it shows that the whole path from the worker's log to the verdict sees each fault.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hostcache::{CasToken, Lifetime, SetOutcome};

use crate::chain;
use crate::random::Random;
use crate::store::{Refused, Store};

/// A fault of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A get returns the value before the last.
    StaleRead,
    /// A set is acknowledged and not stored.
    LostUpdate,
    /// An add is acknowledged on a key that is present.
    DoubleAdd,
    /// A deleted value comes back.
    ResurrectedDelete,
    /// A get returns half of one value and half of another.
    Torn,
    /// A get returns another key's value.
    Foreign,
    /// An increment is acknowledged and not stored.
    LostIncrement,
    /// A swap succeeds with a token that is out of date.
    MisorderedSwap,
    /// An append is acknowledged and not stored.
    LostAppend,
    /// A value that was taken can be taken once more.
    DoubleTake,
    /// A touch stores the value before the last.
    StaleTouch,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 11] = [
        Fault::StaleRead,
        Fault::LostUpdate,
        Fault::DoubleAdd,
        Fault::ResurrectedDelete,
        Fault::Torn,
        Fault::Foreign,
        Fault::LostIncrement,
        Fault::MisorderedSwap,
        Fault::LostAppend,
        Fault::DoubleTake,
        Fault::StaleTouch,
    ];
}

#[derive(Debug, Clone)]
struct Item {
    value: Vec<u8>,
    token: u64,
}

#[derive(Debug)]
struct State {
    items: HashMap<Vec<u8>, Item>,
    /// What each key held before its present value, or before its delete.
    previous: HashMap<Vec<u8>, Item>,
    tokens: u64,
    random: Random,
    fault: Option<Fault>,
    evict: bool,
}

/// The cache.
#[derive(Debug)]
pub struct ModelStore(Mutex<State>);

impl ModelStore {
    /// An empty cache that evicts at random if `evict`, and has `fault`.
    #[must_use]
    pub fn new(seed: u64, evict: bool, fault: Option<Fault>) -> Self {
        Self(Mutex::new(State {
            items: HashMap::new(),
            previous: HashMap::new(),
            tokens: 0,
            random: Random::new(seed),
            fault,
            evict,
        }))
    }

    /// Begins an operation on `key`: the moment at which items may vanish.
    fn begin(&self, key: &[u8]) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.evict && state.random.one_in(20) {
            state.end(key);
        }
        state
    }
}

impl State {
    /// Whether the fault is to show now.
    fn shows(&mut self, fault: Fault) -> bool {
        self.fault == Some(fault) && self.random.one_in(50)
    }

    fn end(&mut self, key: &[u8]) -> bool {
        let Some(item) = self.items.remove(key) else { return false };
        self.previous.insert(key.to_vec(), item);
        true
    }

    fn store(&mut self, key: &[u8], value: &[u8]) -> CasToken {
        self.tokens += 1;
        let item = Item { value: value.to_vec(), token: self.tokens };
        if let Some(old) = self.items.insert(key.to_vec(), item) {
            self.previous.insert(key.to_vec(), old);
        }
        CasToken(self.tokens)
    }

    fn read(&mut self, key: &[u8]) -> Option<Item> {
        if !self.items.contains_key(key) && self.shows(Fault::ResurrectedDelete) {
            let old = self.previous.get(key)?.clone();
            self.items.insert(key.to_vec(), old);
        }
        let mut item = self.items.get(key)?.clone();
        if self.shows(Fault::StaleRead) {
            item = self.previous.get(key).cloned().unwrap_or(item);
        } else if self.shows(Fault::Torn) {
            let old = self.previous.get(key).map_or(&[][..], |old| &old.value);
            let seam = item.value.len() / 2;
            item.value.truncate(seam);
            item.value.extend(old.iter().skip(seam));
        } else if self.shows(Fault::Foreign) {
            let kind = |item: &Item| (item.value.len() < 21, item.value.len() == chain::RECORD);
            let same_kind = |other: &&Item| kind(other) == kind(&item);
            let other = self.items.iter().filter(|(k, _)| *k != key).map(|(_, other)| other);
            item = other.filter(same_kind).last().cloned().unwrap_or(item);
        }
        Some(item)
    }
}

impl Store for ModelStore {
    fn get(&self, key: &[u8], buf: &mut Vec<u8>) -> Result<bool, Refused> {
        self.get_with_token(key, buf).map(|token| token.is_some())
    }

    fn get_with_token(&self, key: &[u8], buf: &mut Vec<u8>) -> Result<Option<CasToken>, Refused> {
        let item = self.begin(key).read(key);
        Ok(item.map(|item| {
            *buf = item.value;
            CasToken(item.token)
        }))
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Refused> {
        let mut state = self.begin(key);
        if !state.shows(Fault::LostUpdate) {
            state.store(key, value);
        }
        Ok(())
    }

    fn add(&self, key: &[u8], value: &[u8]) -> Result<bool, Refused> {
        let mut state = self.begin(key);
        if state.items.contains_key(key) {
            // Both adds are told that they won, and the first one's value stays.
            return Ok(state.shows(Fault::DoubleAdd));
        }
        state.store(key, value);
        Ok(true)
    }

    fn swap(&self, key: &[u8], value: &[u8], token: CasToken) -> Result<SetOutcome, Refused> {
        let mut state = self.begin(key);
        let Some(item) = state.items.get(key) else { return Ok(SetOutcome::Missing) };
        if item.token != token.0 && !state.shows(Fault::MisorderedSwap) {
            return Ok(SetOutcome::TokenMismatch);
        }
        Ok(SetOutcome::Stored(state.store(key, value)))
    }

    fn increment(&self, key: &[u8], by: u64) -> Result<Option<u64>, Refused> {
        let mut state = self.begin(key);
        let Some(item) = state.items.get(key) else { return Ok(None) };
        let number = crate::value::read_counter(&item.value).ok_or("not a number")?;
        let sum = number.wrapping_add(by);
        if !state.shows(Fault::LostIncrement) {
            state.store(key, sum.to_string().as_bytes());
        }
        Ok(Some(sum))
    }

    fn extend(&self, key: &[u8], bytes: &[u8], at_front: bool) -> Result<Option<usize>, Refused> {
        let mut state = self.begin(key);
        let Some(item) = state.items.get(key) else { return Ok(None) };
        let value = match at_front {
            true => [bytes, &item.value[..]].concat(),
            false => [&item.value[..], bytes].concat(),
        };
        if !state.shows(Fault::LostAppend) {
            state.store(key, &value);
        }
        Ok(Some(value.len()))
    }

    fn take(&self, key: &[u8], buf: &mut Vec<u8>) -> Result<bool, Refused> {
        let mut state = self.begin(key);
        let Some(item) = state.items.get(key).cloned() else { return Ok(false) };
        if !state.shows(Fault::DoubleTake) {
            state.end(key);
        }
        *buf = item.value;
        Ok(true)
    }

    fn get_and_touch(&self, key: &[u8], _: Lifetime, buf: &mut Vec<u8>) -> Result<bool, Refused> {
        let mut state = self.begin(key);
        let Some(item) = state.items.get(key).cloned() else { return Ok(false) };
        if state.shows(Fault::StaleTouch)
            && let Some(old) = state.previous.get(key).cloned()
        {
            state.items.insert(key.to_vec(), old);
        }
        *buf = item.value;
        Ok(true)
    }

    fn delete(&self, key: &[u8]) -> Result<bool, Refused> {
        Ok(self.begin(key).end(key))
    }

    fn clear(&self) -> Result<(), Refused> {
        let mut state = self.begin(b"");
        let keys: Vec<Vec<u8>> = state.items.keys().cloned().collect();
        for key in keys {
            state.end(&key);
        }
        Ok(())
    }
}
