//! Reading and writing in place.

use hostcache::{PinError, WriteError};

use super::Suite;
use super::answer::{self, Answer};
use super::writes::options;

/// A value of this length replaces one that is held: it has room beside any pin.
const SMALL: usize = 1_000;

impl Suite {
    /// Holds an item, replaces it, and reads what is held.
    pub(super) fn pin(&mut self) {
        let (key, handle) = (self.key(), self.writer());
        let mut other = self.value();
        other.truncate(SMALL);
        let refused = || Answer::Refused("invalid key");
        let held = self.acting.then(|| handle.cache.pin(&key));
        let (pin, real) = match held {
            None => (None, None),
            Some(Ok(None)) => (None, Some(Answer::Bytes(None))),
            Some(Ok(Some(pin))) => {
                let bytes = pin.to_vec();
                (Some(pin), Some(Answer::Bytes(Some(bytes))))
            }
            Some(Err(PinError::InvalidKey { .. })) => (None, Some(refused())),
            Some(Err(error)) => panic!("{}: {error}", self.step),
        };
        let seen = real.clone();
        self.settle(&key, &handle, real, |entry| {
            entry.get().map_or_else(refused, |seen| Answer::Bytes(seen.map(|seen| seen.value)))
        });
        self.set_value(&key, &handle, other);
        if let Some(pin) = pin {
            let after = Answer::Bytes(Some(pin.to_vec()));
            assert_eq!(Some(after), seen, "{}: what is held has changed", self.step);
        }
    }

    /// Makes a value in place, in two parts, and publishes it; once in a while it thinks better of it.
    pub(super) fn reserve(&mut self) {
        let (key, handle, cancels) = (self.key(), self.writer(), self.random.one_in(5));
        let store = super::model::Store { value: self.value(), ..self.store() };
        let options = options(&store);
        let len = store.value.len();
        let reserved = self.acting.then(|| handle.cache.reserve(&key, len, &options));
        if matches!(reserved, Some(Err(WriteError::NoRoom { .. }))) {
            assert!(self.setting.geometry.refuses, "{}: no room for {len} bytes", self.step);
            return;
        }
        let real = reserved.map(|reserved| match reserved {
            Err(error) => answer::stored(Err(error)),
            Ok(mut reservation) => {
                let middle = len / 2;
                for (at, part) in [(middle, &store.value[middle..]), (0, &store.value[..middle])] {
                    reservation.write_at(at, part).unwrap_or_else(|e| panic!("{}: {e}", self.step));
                }
                if cancels {
                    reservation.cancel();
                    Answer::Done
                } else {
                    answer::stored(reservation.publish())
                }
            }
        });
        self.settle(&key, &handle, real, |entry| match cancels {
            true => entry.refusal(len).unwrap_or(Answer::Done),
            false => entry.set(&store),
        });
    }
}
