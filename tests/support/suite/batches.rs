//! Many keys in one call: each result is compared as that of a single operation, in order.

use hostcache::{Cache, Condition, Item, Lifetime, WriteError};

use super::answer::{self, Answer, Precision};
use super::model::{Entry, Store};
use super::writes::options;
use super::{Handle, Suite};

fn refused() -> Answer {
    Answer::Refused("invalid key")
}

impl Suite {
    pub(super) fn get_many(&mut self) {
        let real = |cache: &Cache, keys: &[Vec<u8>]| {
            cache.get_many(keys).into_iter().map(Answer::Bytes).collect()
        };
        self.read_many(real, |entry| Answer::Bytes(entry.get().flatten().map(|seen| seen.value)));
    }

    pub(super) fn try_get_many(&mut self) {
        let real = |cache: &Cache, keys: &[Vec<u8>]| {
            let values = cache.try_get_many(keys).into_iter();
            values.map(|value| answer::read(value, Answer::Bytes)).collect()
        };
        self.read_many(real, |entry| {
            entry.get().map_or_else(refused, |seen| Answer::Bytes(seen.map(|seen| seen.value)))
        });
    }

    pub(super) fn get_many_items(&mut self) {
        let seen = to_answer(self.precision());
        let real = |cache: &Cache, keys: &[Vec<u8>]| {
            cache.get_many_items(keys).into_iter().map(seen).collect()
        };
        self.read_many(real, |entry| Answer::Item(entry.get().flatten()));
    }

    pub(super) fn try_get_many_items(&mut self) {
        let seen = to_answer(self.precision());
        let real = |cache: &Cache, keys: &[Vec<u8>]| {
            let items = cache.try_get_many_items(keys).into_iter();
            items.map(|item| answer::read(item, &seen)).collect()
        };
        self.read_many(real, |entry| entry.get().map_or_else(refused, Answer::Item));
    }

    fn read_many(
        &mut self,
        real: impl FnOnce(&Cache, &[Vec<u8>]) -> Vec<Answer>,
        predict: impl Fn(&mut Entry) -> Answer,
    ) {
        let (keys, handle) = (self.some_keys(), self.any());
        let answers = self.acting.then(|| real(&handle.cache, &keys));
        self.settle_all(&keys, &handle, answers, |_, entry| predict(entry));
    }

    pub(super) fn set_many(&mut self) {
        let (items, handle) = (self.some_items(), self.writer());
        let answers = self.acting.then(|| {
            let results = handle.cache.set_many(&items).into_iter();
            results.map(|result| answer::written(result, |()| Answer::Done)).collect()
        });
        let plain = Store {
            value: Vec::new(),
            flags: 0,
            encoding: 0,
            lifetime: Lifetime::Default,
            condition: Condition::Always,
            token_is_current: false,
        };
        let keys: Vec<Vec<u8>> = items.iter().map(|(key, _)| key.clone()).collect();
        self.settle_all(&keys, &handle, answers, |at, entry| {
            match entry.set(&Store { value: items[at].1.clone(), ..plain.clone() }) {
                Answer::Stored(_) => Answer::Done,
                other => other,
            }
        });
    }

    pub(super) fn set_many_with(&mut self) {
        let (items, handle, mut store) = (self.some_items(), self.writer(), self.store());
        if self.setting.geometry.evicts && store.lifetime == Lifetime::Keep {
            // Whether there was a lifetime to keep could not be told behind the whole batch.
            store.lifetime = Lifetime::Default;
        }
        let options = options(&store);
        let answers = self.acting.then(|| {
            handle.cache.set_many_with(&items, &options).into_iter().map(answer::stored).collect()
        });
        // Of a key that comes twice the later token counts: the earlier one is not there any more.
        let keys: Vec<Vec<u8>> = items.iter().map(|(key, _)| key.clone()).collect();
        self.settle_all(&keys, &handle, answers, |at, entry| {
            entry.set(&Store { value: items[at].1.clone(), ..store.clone() })
        });
    }

    pub(super) fn delete_many(&mut self) {
        let (keys, handle) = (self.some_keys(), self.writer());
        let flag = |result: Result<bool, WriteError>| answer::written(result, Answer::Flag);
        let answers =
            self.acting.then(|| handle.cache.delete_many(&keys).into_iter().map(flag).collect());
        self.settle_all(&keys, &handle, answers, |_, entry| entry.delete());
    }

    fn some_items(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.some_keys().into_iter().map(|key| (key, self.value())).collect()
    }

    fn settle_all(
        &mut self,
        keys: &[Vec<u8>],
        handle: &Handle,
        answers: Option<Vec<Answer>>,
        predict: impl Fn(usize, &mut Entry) -> Answer,
    ) {
        if let Some(answers) = &answers {
            assert_eq!(answers.len(), keys.len(), "{}", self.step);
        }
        let mut answers = answers.map(Vec::into_iter);
        for (at, key) in keys.iter().enumerate() {
            let answer = answers.as_mut().and_then(Iterator::next);
            self.settle(key, handle, answer, |entry| predict(at, entry));
        }
    }
}

fn to_answer(precision: Precision) -> impl Fn(Option<Item>) -> Answer {
    move |item| answer::item(item, precision)
}
