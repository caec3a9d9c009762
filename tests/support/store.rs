//! What the driver needs of a cache: the real one, or a model of it with a planted fault.

use std::fmt::Display;

use hostcache::{Cache, CasToken, Lifetime, SetOutcome};

/// An operation that the store refused, in words.
pub type Refused = String;

/// Single-key operations, and `clear`.
pub trait Store {
    /// Copies the value into `buf`; false is a miss.
    fn get(&self, key: &[u8], buf: &mut Vec<u8>) -> Result<bool, Refused>;
    /// Copies the value into `buf` and returns its token; `None` is a miss.
    fn get_with_token(&self, key: &[u8], buf: &mut Vec<u8>) -> Result<Option<CasToken>, Refused>;
    /// Stores.
    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Refused>;
    /// Stores if the key is absent.
    fn add(&self, key: &[u8], value: &[u8]) -> Result<bool, Refused>;
    /// Stores if the key still carries the token.
    fn swap(&self, key: &[u8], value: &[u8], token: CasToken) -> Result<SetOutcome, Refused>;
    /// Counts up; `None`: no such key.
    fn increment(&self, key: &[u8], by: u64) -> Result<Option<u64>, Refused>;
    /// Adds bytes at an end of the value, whose new length it returns; `None`: no such key.
    fn extend(&self, key: &[u8], bytes: &[u8], at_front: bool) -> Result<Option<usize>, Refused>;
    /// Ends the item and copies its value into `buf`; false: no such key.
    fn take(&self, key: &[u8], buf: &mut Vec<u8>) -> Result<bool, Refused>;
    /// Gives the item a lifetime and copies its value into `buf`; false: no such key.
    fn get_and_touch(
        &self,
        key: &[u8],
        lifetime: Lifetime,
        buf: &mut Vec<u8>,
    ) -> Result<bool, Refused>;
    /// Ends the item; false: no such key.
    fn delete(&self, key: &[u8]) -> Result<bool, Refused>;
    /// Ends every item.
    fn clear(&self) -> Result<(), Refused>;
}

fn refused(error: impl Display) -> Refused {
    error.to_string()
}

/// Hands a value over in the caller's buffer.
fn copied(value: Option<Vec<u8>>, buf: &mut Vec<u8>) -> bool {
    let hit = value.is_some();
    *buf = value.unwrap_or_default();
    hit
}

impl Store for Cache {
    fn get(&self, key: &[u8], buf: &mut Vec<u8>) -> Result<bool, Refused> {
        self.try_get_into(key, buf).map_err(refused)
    }

    fn get_with_token(&self, key: &[u8], buf: &mut Vec<u8>) -> Result<Option<CasToken>, Refused> {
        let item = self.try_get_item(key).map_err(refused)?;
        Ok(item.map(|item| {
            *buf = item.value;
            item.info.cas_token
        }))
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Refused> {
        self.set(key, value).map_err(refused)
    }

    fn add(&self, key: &[u8], value: &[u8]) -> Result<bool, Refused> {
        self.add(key, value).map_err(refused)
    }

    fn swap(&self, key: &[u8], value: &[u8], token: CasToken) -> Result<SetOutcome, Refused> {
        self.compare_and_swap(key, value, token).map_err(refused)
    }

    fn increment(&self, key: &[u8], by: u64) -> Result<Option<u64>, Refused> {
        self.increment(key, by).map_err(refused)
    }

    fn extend(&self, key: &[u8], bytes: &[u8], at_front: bool) -> Result<Option<usize>, Refused> {
        let len = if at_front { self.prepend(key, bytes) } else { self.append(key, bytes) };
        len.map_err(refused)
    }

    fn take(&self, key: &[u8], buf: &mut Vec<u8>) -> Result<bool, Refused> {
        Ok(copied(self.take(key).map_err(refused)?, buf))
    }

    fn get_and_touch(
        &self,
        key: &[u8],
        lifetime: Lifetime,
        buf: &mut Vec<u8>,
    ) -> Result<bool, Refused> {
        Ok(copied(self.get_and_touch(key, lifetime).map_err(refused)?, buf))
    }

    fn delete(&self, key: &[u8]) -> Result<bool, Refused> {
        self.delete(key).map_err(refused)
    }

    fn clear(&self) -> Result<(), Refused> {
        self.clear().map_err(refused)
    }
}
