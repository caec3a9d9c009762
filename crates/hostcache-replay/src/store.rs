//! What a replay asks of a cache. A trait, so that the replay can be tested against stores that
//! lose, cut or mix up values on purpose.

use std::time::Duration;

use hostcache::{Cache, ReadError, SetOptions};

/// A cache as a replay sees it. Errors are texts: all that happens to them is that people read them.
pub(crate) trait Store {
    /// Replaces `value` by the value of `key`; false on a miss.
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool, String>;
    /// Stores; a TTL of 0 seconds means none.
    fn set(&self, key: &[u8], value: &[u8], ttl_secs: u32) -> Result<(), String>;
    /// Deletes; a missing key is no error.
    fn delete(&self, key: &[u8]) -> Result<(), String>;
}

impl Store for Cache {
    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> Result<bool, String> {
        match self.try_get_into(key, value) {
            Ok(hit) => Ok(hit),
            // The cache counts it as a miss too.
            Err(ReadError::Contended { .. }) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    fn set(&self, key: &[u8], value: &[u8], ttl_secs: u32) -> Result<(), String> {
        let options = match ttl_secs {
            0 => SetOptions::new(),
            secs => SetOptions::new().ttl(Duration::from_secs(u64::from(secs))),
        };
        match self.set_with(key, value, &options) {
            Ok(outcome) if outcome.is_stored() => Ok(()),
            Ok(outcome) => Err(format!("an unconditional set ended with {outcome:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn delete(&self, key: &[u8]) -> Result<(), String> {
        Cache::delete(self, key).map(drop).map_err(|error| error.to_string())
    }
}
