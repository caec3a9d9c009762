//! From typed values to bytes and back.

use std::error::Error;

/// How values of a type are written as bytes.
///
/// What comes back from a cache may have been written by another program, or another version of this one:
/// `decode` gets any bytes, and answers with an error where they are no value. It must not panic.
///
/// ```
/// use hostcache::{Cache, Codec, TypedCache};
/// use std::num::ParseIntError;
///
/// struct Hex;
///
/// impl Codec<u32> for Hex {
///     const ENCODING: u8 = 200; // of one's own: those that all languages agree on are in `hostcache::encoding`
///     type Error = Box<dyn std::error::Error + Send + Sync>;
///
///     fn encode(value: &u32, bytes: &mut Vec<u8>) -> Result<(), Self::Error> {
///         bytes.extend_from_slice(format!("{value:x}").as_bytes());
///         Ok(())
///     }
///
///     fn decode(bytes: &[u8]) -> Result<u32, Self::Error> {
///         Ok(u32::from_str_radix(std::str::from_utf8(bytes)?, 16)?)
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let colours: TypedCache<u32, Hex> = TypedCache::new(Cache::private(1 << 20)?);
/// colours.set("sky", &0x87ceeb)?;
/// assert_eq!(colours.get("sky")?, Some(0x87ceeb));
/// # Ok(())
/// # }
/// ```
pub trait Codec<T> {
    /// What is written beside each value, and asked for when it is read: see [`encoding`](crate::encoding).
    const ENCODING: u8;

    /// Why a value has no bytes, or bytes are no value.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// Writes a value behind what `bytes` holds.
    ///
    /// # Errors
    ///
    /// The value can't be written in this form.
    fn encode(value: &T, bytes: &mut Vec<u8>) -> Result<(), Self::Error>;

    /// Reads a value, which is all of `bytes`.
    ///
    /// # Errors
    ///
    /// The bytes are no such value.
    fn decode(bytes: &[u8]) -> Result<T, Self::Error>;
}

/// The compact binary form of `bincode` (version 2, its standard configuration), for all that `serde` can
/// take apart: with the feature `bincode`.
///
/// The form has no names and no types: a changed `struct` may read old bytes as something else. Change the cache's
/// name or the keys with it. Nested types without end (lists of boxes) are read by recursion, without a bound:
/// don't read those from regions that others write.
#[derive(Debug, Clone, Copy)]
pub struct Bincode;

/// JSON text, for all that `serde` can take apart: with the feature `json`. Other languages read it as well.
#[derive(Debug, Clone, Copy)]
pub struct Json;

#[cfg(feature = "bincode")]
mod bincode_form {
    use ::bincode::config::{Configuration, standard};
    use ::bincode::error::DecodeError;
    use ::bincode::serde::{decode_from_slice, encode_into_std_write};
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::{Bincode, Codec};

    impl<T: Serialize + DeserializeOwned> Codec<T> for Bincode {
        const ENCODING: u8 = crate::encoding::BINCODE;
        type Error = Box<dyn std::error::Error + Send + Sync>;

        fn encode(value: &T, bytes: &mut Vec<u8>) -> Result<(), Self::Error> {
            encode_into_std_write(value, bytes, standard())?;
            Ok(())
        }

        fn decode(bytes: &[u8]) -> Result<T, Self::Error> {
            let (value, len) = bounded(bytes)?;
            if len < bytes.len() {
                return Err(format!("the value ends after {len} of {} bytes", bytes.len()).into());
            }
            Ok(value)
        }
    }

    /// Lengths within the bytes are believed only so far: a string is allocated before it is read. The limit
    /// is one of the type system, hence the steps. A number takes up to 16 times its bytes.
    fn bounded<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), DecodeError> {
        fn within<const LIMIT: usize>() -> impl ::bincode::config::Config {
            let config: Configuration = standard();
            config.with_limit::<LIMIT>()
        }
        // By the digits of the length in base 16, not counting the first.
        match bytes.len().checked_ilog2().map_or(0, |bit| bit / 4) {
            0 => decode_from_slice(bytes, within::<0x100>()),
            1 => decode_from_slice(bytes, within::<0x1000>()),
            2 => decode_from_slice(bytes, within::<0x1_0000>()),
            3 => decode_from_slice(bytes, within::<0x10_0000>()),
            4 => decode_from_slice(bytes, within::<0x100_0000>()),
            5 => decode_from_slice(bytes, within::<0x1000_0000>()),
            6 => decode_from_slice(bytes, within::<0x1_0000_0000>()),
            _ => decode_from_slice(bytes, within::<0x10_0000_0000>()),
        }
    }
}

#[cfg(feature = "json")]
mod json_form {
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::{Codec, Json};

    impl<T: Serialize + DeserializeOwned> Codec<T> for Json {
        const ENCODING: u8 = crate::encoding::JSON;
        type Error = serde_json::Error;

        fn encode(value: &T, bytes: &mut Vec<u8>) -> Result<(), Self::Error> {
            serde_json::to_writer(bytes, value)
        }

        fn decode(bytes: &[u8]) -> Result<T, Self::Error> {
            serde_json::from_slice(bytes)
        }
    }
}
