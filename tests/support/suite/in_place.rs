//! Reading and writing in place.

use hostcache::PinError;

use super::Suite;
use super::answer::{self, Answer};
use super::model::{Entry, Store};
use super::writes::options;

impl Suite {
    pub(super) fn pin(&mut self) {
        let (key, handle) = (self.key(), self.writer());
        let real = |cache: &hostcache::Cache| match cache.pin(&key) {
            Ok(pin) => Answer::Bytes(pin.map(|pin| pin.to_vec())),
            Err(PinError::InvalidKey { .. }) => Answer::Refused("invalid key"),
            Err(error) => panic!("pin: {error}"),
        };
        let bytes = |entry: &mut Entry| {
            let held = |seen: Option<answer::Seen>| Answer::Bytes(seen.map(|seen| seen.value));
            entry.get().map_or(Answer::Refused("invalid key"), held)
        };
        self.on_key(&key, &handle, real, bytes);
    }

    /// A value made in place and published: what a set with these options does.
    pub(super) fn reserve(&mut self) {
        let (key, handle) = (self.key(), self.writer());
        let store = Store { value: self.value(), ..self.store() };
        let options = options(&store);
        let real = |cache: &hostcache::Cache| {
            let made = cache.reserve(&key, store.value.len(), &options).and_then(|mut made| {
                made.write_at(0, &store.value)?;
                made.publish()
            });
            answer::stored(made)
        };
        self.on_key(&key, &handle, real, |entry| entry.set(&store));
    }
}
