//! Changing one key.

use hostcache::{CasToken, Condition, CounterOptions, Lifetime, SetOptions};

use super::answer::{self, Answer};
use super::model::{Entry, Store};
use super::{Handle, Suite};

fn refused() -> Answer {
    Answer::Refused("invalid key")
}

fn plain(value: Vec<u8>, condition: Condition) -> Store {
    let lifetime = Lifetime::Default;
    Store { value, flags: 0, encoding: 0, lifetime, condition, token_is_current: false }
}

/// What a plain set tells: not the token.
fn without_token(answer: Answer) -> Answer {
    match answer {
        Answer::Stored(_) => Answer::Done,
        other => other,
    }
}

/// What add and replace tell.
fn as_flag(answer: Answer) -> Answer {
    match answer {
        Answer::Stored(_) => Answer::Flag(true),
        Answer::NotStored(_) => Answer::Flag(false),
        other => other,
    }
}

impl Suite {
    pub(super) fn set(&mut self) {
        let (key, value, handle) = (self.key(), self.value(), self.writer());
        let store = plain(value.clone(), Condition::Always);
        let real =
            |cache: &hostcache::Cache| answer::written(cache.set(&key, &value), |()| Answer::Done);
        self.on_key(&key, &handle, real, |entry| without_token(entry.set(&store)));
    }

    /// A plain set of that value.
    pub(super) fn set_value(&mut self, key: &[u8], handle: &Handle, value: Vec<u8>) {
        let store = plain(value.clone(), Condition::Always);
        let real =
            |cache: &hostcache::Cache| answer::written(cache.set(key, &value), |()| Answer::Done);
        self.on_key(key, handle, real, |entry| without_token(entry.set(&store)));
    }

    /// Everything that options can say but a token.
    pub(super) fn store(&mut self) -> Store {
        let condition = match self.random.below(6) {
            0 => Condition::IfAbsent,
            1 => Condition::IfPresent,
            _ => Condition::Always,
        };
        Store {
            value: Vec::new(),
            flags: self.random.next() as u32,
            encoding: self.random.next() as u8,
            lifetime: self.lifetime(),
            condition,
            token_is_current: false,
        }
    }

    pub(super) fn set_with(&mut self) {
        let (key, handle) = (self.key(), self.writer());
        let store = Store { value: self.value(), ..self.store() };
        let options = options(&store);
        let real =
            |cache: &hostcache::Cache| answer::stored(cache.set_with(&key, &store.value, &options));
        self.on_key(&key, &handle, real, |entry| entry.set(&store));
    }

    pub(super) fn add(&mut self) {
        let (key, value, handle) = (self.key(), self.value(), self.writer());
        let store = plain(value.clone(), Condition::IfAbsent);
        let real =
            |cache: &hostcache::Cache| answer::written(cache.add(&key, &value), Answer::Flag);
        self.on_key(&key, &handle, real, |entry| as_flag(entry.set(&store)));
    }

    pub(super) fn replace(&mut self) {
        let (key, value, handle) = (self.key(), self.value(), self.writer());
        let store = plain(value.clone(), Condition::IfPresent);
        let real =
            |cache: &hostcache::Cache| answer::written(cache.replace(&key, &value), Answer::Flag);
        self.on_key(&key, &handle, real, |entry| as_flag(entry.set(&store)));
    }

    /// With the item's token, or with one that it had until just now.
    pub(super) fn compare_and_swap(&mut self) {
        let (key, value, handle) = (self.key(), self.value(), self.writer());
        let mut is_current = self.random.percent(60);
        let token = if self.acting { handle.cache.item_info(&key) } else { None };
        let token = token.map_or(CasToken(1), |info| info.cas_token);
        if !is_current {
            self.extend_by(&key, &handle, Vec::new(), false);
            // There may have been no room for that.
            is_current = self.setting.geometry.refuses
                && self.acting
                && handle.cache.item_info(&key).is_some_and(|info| info.cas_token == token);
        }
        let mut store = plain(value.clone(), Condition::IfToken(token));
        store.token_is_current = is_current;
        let real =
            |cache: &hostcache::Cache| answer::stored(cache.compare_and_swap(&key, &value, token));
        self.on_key(&key, &handle, real, |entry| entry.set(&store));
    }

    pub(super) fn increment(&mut self) {
        let (key, by, handle) = (self.key(), self.addend(), self.writer());
        let real =
            |cache: &hostcache::Cache| answer::written(cache.increment(&key, by), Answer::Number);
        let predict = |entry: &mut Entry| entry.arithmetic(true, by, None, Lifetime::Default);
        self.on_key(&key, &handle, real, predict);
    }

    pub(super) fn decrement(&mut self) {
        let (key, by, handle) = (self.key(), self.addend(), self.writer());
        let real =
            |cache: &hostcache::Cache| answer::written(cache.decrement(&key, by), Answer::Number);
        let predict = |entry: &mut Entry| entry.arithmetic(false, by, None, Lifetime::Default);
        self.on_key(&key, &handle, real, predict);
    }

    pub(super) fn increment_with(&mut self) {
        let (key, by, handle) = (self.key(), self.addend(), self.writer());
        let (initial, lifetime, options) = self.counter_options();
        let real = |cache: &hostcache::Cache| {
            answer::written(cache.increment_with(&key, by, &options), Answer::Number)
        };
        self.on_key(&key, &handle, real, |entry| entry.arithmetic(true, by, initial, lifetime));
    }

    pub(super) fn decrement_with(&mut self) {
        let (key, by, handle) = (self.key(), self.addend(), self.writer());
        let (initial, lifetime, options) = self.counter_options();
        let real = |cache: &hostcache::Cache| {
            answer::written(cache.decrement_with(&key, by, &options), Answer::Number)
        };
        self.on_key(&key, &handle, real, |entry| entry.arithmetic(false, by, initial, lifetime));
    }

    fn addend(&mut self) -> u64 {
        *self.random.pick(&[0, 1, 7, 1 << 40, u64::MAX])
    }

    fn counter_options(&mut self) -> (Option<u64>, Lifetime, CounterOptions) {
        let initial = self.random.one_in(2).then(|| self.random.below(100));
        let options = initial.map_or(CounterOptions::new(), |n| CounterOptions::new().initial(n));
        if self.random.one_in(2) {
            return (initial, Lifetime::Default, options);
        }
        let ttl = self.ttl();
        (initial, Lifetime::Ttl(ttl), options.ttl(ttl))
    }

    pub(super) fn append(&mut self) {
        let (key, bytes, handle) = (self.key(), self.value(), self.writer());
        self.extend_by(&key, &handle, bytes, false);
    }

    pub(super) fn prepend(&mut self) {
        let (key, bytes, handle) = (self.key(), self.value(), self.writer());
        self.extend_by(&key, &handle, bytes, true);
    }

    fn extend_by(&mut self, key: &[u8], handle: &Handle, bytes: Vec<u8>, at_front: bool) {
        let real = |cache: &hostcache::Cache| {
            let len = if at_front { cache.prepend(key, &bytes) } else { cache.append(key, &bytes) };
            answer::written(len, |len| Answer::Number(len.map(|len| len as u64)))
        };
        self.on_key(key, handle, real, |entry| entry.extend(&bytes, at_front));
    }

    pub(super) fn touch(&mut self) {
        let (key, lifetime, handle) = (self.key(), self.lifetime(), self.writer());
        let real =
            |cache: &hostcache::Cache| answer::written(cache.touch(&key, lifetime), Answer::Flag);
        self.on_key(&key, &handle, real, |entry| {
            let touched = entry.touch(lifetime, false);
            touched.map_or_else(refused, |seen| Answer::Flag(seen.is_some()))
        });
    }

    pub(super) fn get_and_touch(&mut self) {
        let (key, lifetime, handle) = (self.key(), self.lifetime(), self.writer());
        let real = |cache: &hostcache::Cache| {
            answer::written(cache.get_and_touch(&key, lifetime), Answer::Bytes)
        };
        self.on_key(&key, &handle, real, |entry| {
            let touched = entry.touch(lifetime, true);
            touched.map_or_else(refused, |seen| Answer::Bytes(seen.map(|seen| seen.value)))
        });
    }

    pub(super) fn get_item_and_touch(&mut self) {
        let (key, lifetime, handle) = (self.key(), self.lifetime(), self.writer());
        let precision = self.precision();
        let real = |cache: &hostcache::Cache| {
            let item = cache.get_item_and_touch(&key, lifetime);
            answer::written(item, |item| answer::item(item, precision))
        };
        self.on_key(&key, &handle, real, |entry| {
            entry.touch(lifetime, true).map_or_else(refused, Answer::Item)
        });
    }

    pub(super) fn delete(&mut self) {
        let (key, handle) = (self.key(), self.writer());
        let real = |cache: &hostcache::Cache| answer::written(cache.delete(&key), Answer::Flag);
        self.on_key(&key, &handle, real, Entry::delete);
    }

    pub(super) fn take(&mut self) {
        let (key, handle) = (self.key(), self.writer());
        let real = |cache: &hostcache::Cache| answer::written(cache.take(&key), Answer::Bytes);
        self.on_key(&key, &handle, real, |entry| {
            let taken = entry.take();
            taken.map_or_else(refused, |seen| Answer::Bytes(seen.map(|seen| seen.value)))
        });
    }

    pub(super) fn take_item(&mut self) {
        let (key, handle, precision) = (self.key(), self.writer(), self.precision());
        let real = |cache: &hostcache::Cache| {
            answer::written(cache.take_item(&key), |item| answer::item(item, precision))
        };
        self.on_key(&key, &handle, real, |entry| entry.take().map_or_else(refused, Answer::Item));
    }

    /// A handle with a default TTL of its own.
    pub(super) fn with_default_ttl(&mut self) {
        let (key, value, handle, ttl) = (self.key(), self.value(), self.writer(), self.ttl());
        let store = plain(value.clone(), Condition::Always);
        let real = |cache: &hostcache::Cache| {
            let cache = cache.clone().with_default_ttl(Some(ttl));
            answer::written(cache.set(&key, &value), |()| Answer::Done)
        };
        self.on_key(&key, &handle, real, |entry| {
            let shared = entry.context;
            entry.context.default_ttl = Some(ttl.as_nanos().div_ceil(1_000_000) as u64);
            let answer = without_token(entry.set(&store));
            entry.context = shared;
            answer
        });
    }

    /// A handle with a maximal TTL of its own, which can only lower the region's.
    pub(super) fn with_max_ttl(&mut self) {
        let (key, handle, max) = (self.key(), self.writer(), self.ttl());
        let store = Store { value: self.value(), ..self.store() };
        let options = options(&store);
        let real = |cache: &hostcache::Cache| {
            let cache = cache.clone().with_max_ttl(Some(max));
            answer::stored(cache.set_with(&key, &store.value, &options))
        };
        self.on_key(&key, &handle, real, |entry| {
            let shared = entry.context;
            let max = max.as_nanos().div_ceil(1_000_000) as u64;
            entry.context.max_ttl = Some(shared.max_ttl.map_or(max, |region| region.min(max)));
            let answer = entry.set(&store);
            entry.context = shared;
            answer
        });
    }
}

/// The options that say what `store` says.
pub(super) fn options(store: &Store) -> SetOptions {
    let options = SetOptions::new().flags(store.flags).encoding(store.encoding);
    options.lifetime(store.lifetime).condition(store.condition)
}
