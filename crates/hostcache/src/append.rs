//! Adding to a value.

use hostcache_core::End;

use crate::{Cache, WriteError};

impl Cache {
    /// Adds bytes behind a value; its new length in bytes, or `None`: no such key. TTL, flags and encoding
    /// stay, the CAS token is a new one. The value is copied. Linearizable and lock-free: of all that
    /// several processes append at once, nothing is lost and nothing mixed.
    ///
    /// # Errors
    ///
    /// As [`Cache::set`]; [`WriteError::TooLarge`] if the value would outgrow the limit, and then it stays
    /// as it was.
    pub fn append(
        &self,
        key: impl AsRef<[u8]>,
        bytes: impl AsRef<[u8]>,
    ) -> Result<Option<usize>, WriteError> {
        self.extend(key.as_ref(), bytes.as_ref(), End::Back)
    }

    /// Adds bytes before a value; else as [`Cache::append`].
    ///
    /// # Errors
    ///
    /// As [`Cache::append`].
    pub fn prepend(
        &self,
        key: impl AsRef<[u8]>,
        bytes: impl AsRef<[u8]>,
    ) -> Result<Option<usize>, WriteError> {
        self.extend(key.as_ref(), bytes.as_ref(), End::Front)
    }

    fn extend(&self, key: &[u8], bytes: &[u8], end: End) -> Result<Option<usize>, WriteError> {
        let len = self.write(key, bytes.len(), |session| session.extend(key, bytes, end))?;
        Ok(len.map(|len| len as usize))
    }
}
