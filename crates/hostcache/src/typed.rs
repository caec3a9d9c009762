//! A cache of one type of values.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;

use crate::codec::{Bincode, Codec};
use crate::{Cache, Item, ItemInfo, ReadError, SetOptions, SetOutcome, WriteError};

/// A [`Cache`] whose values have one type. What is not one is told apart from a miss.
///
/// Values of other encodings may stand beside them in one region: each carries the number of its codec, and
/// reading one that has another number is an error, not a misreading.
///
/// ```
/// # #[cfg(feature = "bincode")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use hostcache::{Cache, TypedCache};
///
/// let places: TypedCache<(f64, f64)> = TypedCache::new(Cache::private(1 << 20)?);
/// places.set("Berlin", &(52.5, 13.4))?;
/// assert_eq!(places.get("Berlin")?, Some((52.5, 13.4)));
/// assert_eq!(places.get("Atlantis")?, None);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "bincode"))]
/// # fn main() {}
/// ```
pub struct TypedCache<T, C = Bincode> {
    cache: Cache,
    types: PhantomData<fn(T, C) -> T>,
}

impl<T, C> Clone for TypedCache<T, C> {
    fn clone(&self) -> Self {
        Self { cache: self.cache.clone(), types: PhantomData }
    }
}

impl<T, C> fmt::Debug for TypedCache<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedCache")
            .field("value", &std::any::type_name::<T>())
            .field("codec", &std::any::type_name::<C>())
            .field("cache", &self.cache)
            .finish()
    }
}

impl<T, C: Codec<T>> TypedCache<T, C> {
    /// A typed view of a cache.
    #[must_use]
    pub fn new(cache: Cache) -> Self {
        Self { cache, types: PhantomData }
    }

    /// The cache below: for all that has to do with keys and not with values (`delete`, `touch`, `contains`,
    /// `clear`, `stats`).
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The value of a key; `None` is a miss.
    ///
    /// # Errors
    ///
    /// [`TypedError::Read`], and what is there but is no such value: [`TypedError::OtherEncoding`],
    /// [`TypedError::Decode`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<T>, TypedError> {
        Ok(self.get_with_info(key)?.map(|(value, _)| value))
    }

    /// The value with flags, token and remaining TTL.
    ///
    /// # Errors
    ///
    /// As [`TypedCache::get`].
    pub fn get_with_info(
        &self,
        key: impl AsRef<[u8]>,
    ) -> Result<Option<(T, ItemInfo)>, TypedError> {
        self.decode(self.cache.try_get_item(key).map_err(TypedError::Read)?)
    }

    /// The values of many keys, in the order of the keys, each with an outcome of its own; as [`Cache::get_many`].
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Vec<Result<Option<T>, TypedError>> {
        let items = self.cache.try_get_many_items(keys).into_iter();
        let decode = |item: Result<_, _>| self.decode(item.map_err(TypedError::Read)?);
        items.map(|item| Ok(decode(item)?.map(|(value, _)| value))).collect()
    }

    /// Stores a value.
    ///
    /// # Errors
    ///
    /// [`TypedError::Encode`], [`TypedError::Write`].
    pub fn set(&self, key: impl AsRef<[u8]>, value: &T) -> Result<(), TypedError> {
        self.set_with(key, value, &SetOptions::new()).map(|_| ())
    }

    /// Stores a value with a lifetime, flags, or under a condition. The encoding is the codec's, whatever
    /// the options say.
    ///
    /// # Errors
    ///
    /// As [`TypedCache::set`].
    pub fn set_with(
        &self,
        key: impl AsRef<[u8]>,
        value: &T,
        options: &SetOptions,
    ) -> Result<SetOutcome, TypedError> {
        let mut bytes = Vec::new();
        C::encode(value, &mut bytes).map_err(|source| TypedError::Encode {
            region: self.cache.name().to_owned(),
            source: source.into(),
        })?;
        let options = options.encoding(C::ENCODING);
        self.cache.set_with(key, bytes, &options).map_err(TypedError::Write)
    }

    /// Stores a value only if the key is absent; false if it is present.
    ///
    /// # Errors
    ///
    /// As [`TypedCache::set`].
    pub fn add(&self, key: impl AsRef<[u8]>, value: &T) -> Result<bool, TypedError> {
        Ok(self.set_with(key, value, &SetOptions::new().only_if_absent())?.is_stored())
    }

    /// Stores a value only if the key is present, with whatever encoding; false if it is absent.
    ///
    /// # Errors
    ///
    /// As [`TypedCache::set`].
    pub fn replace(&self, key: impl AsRef<[u8]>, value: &T) -> Result<bool, TypedError> {
        Ok(self.set_with(key, value, &SetOptions::new().only_if_present())?.is_stored())
    }

    /// Ends a key's item and gives its value back, as [`Cache::take`].
    ///
    /// # Errors
    ///
    /// [`TypedError::Write`]; and as [`TypedCache::get`], but the item is gone then: what was there is in
    /// the error's text.
    pub fn take(&self, key: impl AsRef<[u8]>) -> Result<Option<T>, TypedError> {
        let item = self.cache.take_item(key).map_err(TypedError::Write)?;
        Ok(self.decode(item)?.map(|(value, _)| value))
    }

    fn decode(&self, item: Option<Item>) -> Result<Option<(T, ItemInfo)>, TypedError> {
        let Some(Item { value, info }) = item else { return Ok(None) };
        let region = || self.cache.name().to_owned();
        if info.encoding != C::ENCODING {
            return Err(TypedError::OtherEncoding {
                region: region(),
                found: info.encoding,
                wanted: C::ENCODING,
            });
        }
        let value = C::decode(&value).map_err(|source| TypedError::Decode {
            region: region(),
            len: value.len(),
            source: source.into(),
        })?;
        Ok(Some((value, info)))
    }
}

/// Why a typed value could not be read or stored (a miss is no error).
#[derive(Debug)]
#[non_exhaustive]
pub enum TypedError {
    /// The bytes could not be read.
    Read(ReadError),
    /// The bytes could not be stored, or the item not be ended.
    Write(WriteError),
    /// The value can't be written by this codec.
    Encode {
        /// Region name.
        region: String,
        /// What the codec says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The item's bytes are no value of this type.
    Decode {
        /// Region name.
        region: String,
        /// Bytes that there were.
        len: usize,
        /// What the codec says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The item was written by another codec.
    OtherEncoding {
        /// Region name.
        region: String,
        /// The number that it carries.
        found: u8,
        /// The codec's number.
        wanted: u8,
    },
}

impl fmt::Display for TypedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(e) => e.fmt(f),
            Self::Write(e) => e.fmt(f),
            Self::Encode { region, source } => {
                write!(
                    f,
                    "region {region:?}: the value can't be encoded, nothing was stored: {source}"
                )
            }
            Self::Decode { region, len, source } => write!(
                f,
                "region {region:?}: the item's {len} bytes are no such value: {source}; delete it or set \
                 it anew, and use other keys for other types"
            ),
            Self::OtherEncoding { region, found, wanted } => write!(
                f,
                "region {region:?}: the item has encoding {found}, this codec reads {wanted}: read it with \
                 the codec that wrote it, or set it anew"
            ),
        }
    }
}

impl Error for TypedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read(e) => Some(e),
            Self::Write(e) => Some(e),
            Self::Encode { source, .. } | Self::Decode { source, .. } => Some(&**source),
            Self::OtherEncoding { .. } => None,
        }
    }
}
