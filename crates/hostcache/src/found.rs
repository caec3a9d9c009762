//! Reading into memory of the caller's own making.

use std::mem::MaybeUninit;

use hostcache_core::Value;

use crate::{Cache, ItemInfo, ReadError};

/// An item as a read meets it, to copy from: what [`Cache::try_get_with`] shows.
///
/// Others may be replacing it meanwhile. What was taken from it counts only if the read returns it.
#[derive(Debug)]
pub struct Found<'a> {
    value: &'a Value<'a>,
    cache: &'a Cache,
}

impl Found<'_> {
    /// Length of the value in bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// Whether it is empty.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// The kind of the value's bytes, see [`encoding`](crate::encoding).
    #[inline]
    #[must_use]
    pub fn encoding(&self) -> u8 {
        self.value.head().encoding
    }

    /// The caller's own 32 bits.
    #[inline]
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.value.head().flags
    }

    /// Flags, encoding, token and remaining TTL.
    #[must_use]
    pub fn info(&self) -> ItemInfo {
        self.cache.info_of(self.value)
    }

    /// Copies the first bytes of the value.
    ///
    /// # Panics
    ///
    /// If `out` is longer than the value.
    #[inline]
    pub fn copy_to(&self, out: &mut [u8]) {
        self.value.copy_to(out);
    }

    /// [`Found::copy_to`] into memory that may hold anything: all of it is initialised.
    ///
    /// # Panics
    ///
    /// If `out` is longer than the value.
    #[inline]
    pub fn copy_to_uninit(&self, out: &mut [MaybeUninit<u8>]) {
        self.value.copy_to_uninit(out);
    }
}

impl Cache {
    /// [`Cache::try_get`] into whatever the caller makes: `take` is shown the item, and what it returns is the answer if
    /// nobody replaced the item meanwhile. Else it is thrown away, and `take` is called again.
    ///
    /// For bindings, which copy a value once, into an object of their language. What `take` returns had best be small (a length,
    /// say, with the object left in a variable that it captures), and the error is boxed for the same reason.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = hostcache::Cache::private(1 << 20)?;
    /// cache.set("k", "value")?;
    /// let first = cache.try_get_with("k", |found| {
    ///     let mut first = [0; 3];
    ///     found.copy_to(&mut first);
    ///     (found.len(), first)
    /// })?;
    /// assert_eq!(first, Some((5, *b"val")));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get`].
    #[inline]
    pub fn try_get_with<T>(
        &self,
        key: impl AsRef<[u8]>,
        mut take: impl FnMut(&Found<'_>) -> T,
    ) -> Result<Option<T>, Box<ReadError>> {
        self.read(key.as_ref(), &mut |value: &Value<'_>| take(&Found { value, cache: self }))
    }

    /// The part of [`Cache::try_get_with`] that is nearly always enough. `None`: nothing was answered, ask that one; `take` may have
    /// been called.
    #[doc(hidden)]
    #[inline(always)]
    pub fn get_quickly_with<T>(
        &self,
        key: &[u8],
        mut take: impl FnMut(&Found<'_>) -> T,
    ) -> Option<Option<T>> {
        self.read_quickly(key, &mut |value: &Value<'_>| take(&Found { value, cache: self }))
    }
}
