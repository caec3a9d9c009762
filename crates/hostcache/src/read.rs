//! Reading.
//!
//! All of this is lock-free, copies out and validates: a value is exactly the bytes of one `set` of exactly this key,
//! or a miss. A reader writes nothing but a saturating use mark and its own counters; a read-only
//! handle writes nothing at all, and its reads are not counted.

use hostcache_core::layout::MAX_KEY_LEN;
use hostcache_core::{Counter, Exhausted, Got, Host, Value};

use crate::{Cache, Item, ItemInfo, ReadError};

impl Cache {
    /// The value of a key, copied out; `None` is a miss.
    ///
    /// Where a read is impossible (a corrupt region, an invalid key), this is a miss, too;
    /// [`Cache::try_get`] tells them apart.
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        self.try_get(key).unwrap_or(None)
    }

    /// Replaces the contents of `buf` by the value; false, and an empty `buf`, on a miss.
    #[inline]
    pub fn get_into(&self, key: impl AsRef<[u8]>, buf: &mut Vec<u8>) -> bool {
        self.try_get_into(key, buf).unwrap_or(false)
    }

    /// Copies as much of the value as fits, and returns its full length; `None` is a miss, after which the contents of
    /// `buf` are unspecified.
    #[inline]
    pub fn get_slice(&self, key: impl AsRef<[u8]>, buf: &mut [u8]) -> Option<usize> {
        self.try_get_slice(key, buf).unwrap_or(None)
    }

    /// Value, flags, encoding, token and remaining TTL, all of one instant.
    pub fn get_item(&self, key: impl AsRef<[u8]>) -> Option<Item> {
        self.try_get_item(key).unwrap_or(None)
    }

    /// As [`Cache::get_item`], without the value. Counts as no get, and as no use.
    pub fn item_info(&self, key: impl AsRef<[u8]>) -> Option<ItemInfo> {
        let key = key.as_ref();
        self.peek(key, info).unwrap_or(None)
    }

    /// Whether a key is present. Counts as no get, and as no use.
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.try_contains(key).unwrap_or(false)
    }

    /// [`Cache::get`] that tells a miss from a failure.
    ///
    /// # Errors
    ///
    /// An invalid key, or a region that contradicts itself.
    #[inline]
    pub fn try_get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, ReadError> {
        self.read(key.as_ref(), |value, _| {
            let mut bytes = vec![0; value.len()];
            value.copy_to(&mut bytes);
            bytes
        })
    }

    /// [`Cache::get_into`] that tells a miss from a failure.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get`].
    #[inline]
    pub fn try_get_into(
        &self,
        key: impl AsRef<[u8]>,
        buf: &mut Vec<u8>,
    ) -> Result<bool, ReadError> {
        let hit = self.read(key.as_ref(), |value, _| {
            buf.resize(value.len(), 0);
            value.copy_to(buf);
        });
        if !matches!(hit, Ok(Some(()))) {
            buf.clear();
        }
        Ok(hit?.is_some())
    }

    /// [`Cache::get_slice`] that tells a miss from a failure.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get`].
    #[inline]
    pub fn try_get_slice(
        &self,
        key: impl AsRef<[u8]>,
        buf: &mut [u8],
    ) -> Result<Option<usize>, ReadError> {
        self.read(key.as_ref(), |value, _| {
            let fits = value.len().min(buf.len());
            value.copy_to(&mut buf[..fits]);
            value.len()
        })
    }

    /// [`Cache::get_item`] that tells a miss from a failure.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get`].
    pub fn try_get_item(&self, key: impl AsRef<[u8]>) -> Result<Option<Item>, ReadError> {
        self.read(key.as_ref(), |value, now| {
            let mut bytes = vec![0; value.len()];
            value.copy_to(&mut bytes);
            Item { value: bytes, info: info(value, now) }
        })
    }

    /// [`Cache::contains`] that tells a miss from a failure.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get`].
    pub fn try_contains(&self, key: impl AsRef<[u8]>) -> Result<bool, ReadError> {
        Ok(self.peek(key.as_ref(), |_, _| ())?.is_some())
    }

    /// A counted read.
    #[inline(always)]
    fn read<T>(
        &self,
        key: &[u8],
        mut copy: impl FnMut(&Value<'_>, u64) -> T,
    ) -> Result<Option<T>, ReadError> {
        self.check_read_key(key)?;
        if !self.shared.is_writable() {
            return self.peek(key, copy);
        }
        let result = self.shared.with_lane(|attachment, lane| {
            let region = &attachment.region;
            let got = region
                .get(attachment, key, true, |value| copy(value, now_if_needed(attachment, value)));
            let counter = match &got {
                Ok(Got::Hit(_)) => Counter::GetHits,
                Ok(Got::Miss) => Counter::GetMisses,
                Ok(Got::Expired) => Counter::GetExpired,
                Err(Exhausted) => Counter::GetContended,
            };
            lane.tally(region, counter);
            got
        });
        match result {
            Ok(got) => self.answer(got),
            // No lane: the read itself needs none.
            Err(_) => self.peek(key, copy),
        }
    }

    /// A read that leaves no trace.
    fn peek<T>(
        &self,
        key: &[u8],
        mut copy: impl FnMut(&Value<'_>, u64) -> T,
    ) -> Result<Option<T>, ReadError> {
        self.check_read_key(key)?;
        let attachment = self.shared.attachment().map_err(|e| ReadError::Attach(Box::new(e)))?;
        let host = &*attachment;
        let got =
            host.region.get(host, key, false, |value| copy(value, now_if_needed(host, value)));
        self.answer(got)
    }

    #[inline]
    fn answer<T>(&self, got: Result<Got<T>, Exhausted>) -> Result<Option<T>, ReadError> {
        match got {
            Ok(Got::Hit(value)) => Ok(Some(value)),
            Ok(Got::Miss | Got::Expired) => Ok(None),
            Err(Exhausted) => Err(ReadError::Contended { region: self.name().to_owned() }),
        }
    }

    #[inline]
    fn check_read_key(&self, key: &[u8]) -> Result<(), ReadError> {
        if key.is_empty() || key.len() > MAX_KEY_LEN {
            return Err(ReadError::InvalidKey { region: self.name().to_owned(), len: key.len() });
        }
        Ok(())
    }
}

/// The clock is read only for an item that has a deadline.
#[inline]
fn now_if_needed(host: &impl Host, value: &Value<'_>) -> u64 {
    value.head().deadline.map_or(0, |_| host.now_ms())
}

fn info(value: &Value<'_>, now: u64) -> ItemInfo {
    ItemInfo::of(value.head(), now)
}
