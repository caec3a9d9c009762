//! What is measured: hostcache, a peer, the lower bound, and the loop itself.
//!
//! Every subject copies a hit into the caller's buffer and keeps its own copy of what is set, so that all
//! of them do the same work for the caller.

mod dashmap;
mod floor;
mod hostcache;
mod nothing;

pub use dashmap::DashMapSubject;
pub use floor::Floor;
pub use hostcache::{HostcacheSubject, Region, SliceSubject};
pub use nothing::Nothing;

use crate::Key;

/// The operations that the benchmarks measure.
pub trait Subject {
    /// Replaces the contents of `buf` with the value of `key`; false if there is none.
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool;

    /// Stores `value` under `key`.
    ///
    /// # Panics
    /// If the subject can't: a benchmark whose writes fail measures nothing.
    fn set(&self, key: &Key, value: &[u8]);

    /// The values of `keys` in their order, each in a `Vec` of its own; one by one where the subject has no call for it.
    fn get_many(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        let one = |key| {
            let mut value = Vec::new();
            self.get_into(key, &mut value).then_some(value)
        };
        keys.iter().map(one).collect()
    }

    /// Takes `key` out; false if it was not there. Not measured. Keys must be taken out in the reverse order
    /// in which they were first set: that is all that the floor can do.
    fn take_out(&self, key: &Key) -> bool;
}

impl<S: Subject> Subject for &S {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        (**self).get_into(key, buf)
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        (**self).set(key, value);
    }

    fn get_many(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        (**self).get_many(keys)
    }

    #[inline]
    fn take_out(&self, key: &Key) -> bool {
        (**self).take_out(key)
    }
}
