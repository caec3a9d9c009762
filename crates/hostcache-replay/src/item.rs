//! What a request's key and value are: both follow from the key id alone.
//!
//! The replay keeps no copy of what it stored. A value repeats the eight bytes of `mix(key_id)`, so
//! the process that reads it, whichever one wrote it, can tell from the key id and the length that
//! was last set whether these are the right bytes: a value of another key, a cut or a padded one
//! shows in its length, its first or its last eight bytes.

use std::fmt;

/// Bytes of every key.
pub(crate) const KEY_LEN: usize = 16;
/// Bytes of the repeated pattern, and of each end that a check compares.
const WORD: usize = size_of::<u64>();

/// Scatters a key id over all 64 bits; a bijection, so different ids keep different keys.
///
/// One step of SplitMix64: add the golden ratio, then three xor-shifts with two multiplications.
#[must_use]
pub fn mix(key_id: u64) -> u64 {
    let a = key_id.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let b = (a ^ (a >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let c = (b ^ (b >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    c ^ (c >> 31)
}

/// The key: `mix(key_id)` as 16 lower-case hex digits.
pub(crate) fn key(key_id: u64) -> [u8; KEY_LEN] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mixed = mix(key_id);
    std::array::from_fn(|i| DIGITS[(mixed >> (60 - 4 * i)) as usize & 0xF])
}

/// Bytes of the value of a request of `size` bytes in all: what the key leaves, at least one.
pub(crate) fn value_len(size: u32) -> u32 {
    size.saturating_sub(KEY_LEN as u32).max(1)
}

/// Fills `value` with the bytes that belong to `key_id`.
pub(crate) fn fill(key_id: u64, value: &mut [u8]) {
    let word = mix(key_id).to_le_bytes();
    let mut chunks = value.chunks_exact_mut(WORD);
    for chunk in &mut chunks {
        chunk.copy_from_slice(&word);
    }
    let rest = chunks.into_remainder();
    rest.copy_from_slice(&word[..rest.len()]);
}

/// Checks that `value` has `expected_len` bytes and begins and ends as [`fill`] left it.
#[inline]
pub(crate) fn check(key_id: u64, expected_len: u32, value: &[u8]) -> Result<(), Mismatch> {
    if value.len() != expected_len as usize {
        return Err(Mismatch::Length { expected: expected_len, found: value.len() });
    }
    let word = mix(key_id);
    let Some((first, _)) = value.split_first_chunk::<WORD>() else {
        let expected = &word.to_le_bytes()[..value.len()];
        return if value == expected { Ok(()) } else { Err(Mismatch::first(expected, value)) };
    };
    if *first != word.to_le_bytes() {
        return Err(Mismatch::first(&word.to_le_bytes(), first));
    }
    // The pattern has period eight, so the last eight bytes are the word turned by what is left over.
    let expected = word.rotate_right(8 * (value.len() % WORD) as u32).to_le_bytes();
    match value.last_chunk::<WORD>() {
        Some(last) if *last != expected => {
            Err(Mismatch::Last { expected: Bytes::from(&expected), found: Bytes::from(last) })
        }
        _ => Ok(()),
    }
}

/// How a value differs from the one that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// It has another length.
    Length { expected: u32, found: usize },
    /// Its first bytes differ (all of them, in a value shorter than eight).
    First { expected: Bytes, found: Bytes },
    /// Its last bytes differ.
    Last { expected: Bytes, found: Bytes },
}

impl Mismatch {
    #[cold]
    fn first(expected: &[u8], found: &[u8]) -> Self {
        Self::First { expected: Bytes::from(expected), found: Bytes::from(found) }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } => {
                write!(f, "the value has {found} bytes, {expected} were set")
            }
            Self::First { expected, found } => {
                write!(f, "the value begins with {found}, {expected} was set")
            }
            Self::Last { expected, found } => {
                write!(f, "the value ends with {found}, {expected} was set")
            }
        }
    }
}

/// Up to eight bytes, shown in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes {
    bytes: [u8; WORD],
    len: usize,
}

impl From<&[u8]> for Bytes {
    fn from(source: &[u8]) -> Self {
        let len = source.len().min(WORD);
        let mut bytes = [0; WORD];
        bytes[..len].copy_from_slice(&source[..len]);
        Self { bytes, len }
    }
}

impl From<&[u8; WORD]> for Bytes {
    fn from(bytes: &[u8; WORD]) -> Self {
        Self { bytes: *bytes, len: WORD }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes[..self.len].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mix_gives_the_values_of_its_formula() {
        assert_eq!(mix(0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(mix(1), 0x910A_2DEC_8902_5CC1);
        assert_eq!(mix(516_777), 0xED61_D3FF_F957_A65E);
        assert_eq!(mix(u64::MAX), 0xE4D9_7177_1B65_2C20);
    }

    #[test]
    fn a_key_is_sixteen_lower_case_hex_digits() {
        assert_eq!(&key(0), b"e220a8397b1dcdaf");
        for id in 0..1000 {
            assert_eq!(key(id), format!("{:016x}", mix(id)).as_bytes());
        }
    }

    #[test]
    fn a_value_is_what_the_key_leaves_and_never_empty() {
        assert_eq!([0, 16, 17, 18, 500].map(value_len), [1, 1, 1, 2, 484]);
    }

    #[test]
    fn values_of_every_length_pass_their_own_check() {
        for len in 1..100u32 {
            let mut value = vec![0; len as usize];
            fill(7, &mut value);
            assert_eq!(check(7, len, &value), Ok(()), "length {len}");
        }
    }

    #[test]
    fn a_wrong_byte_at_either_end_is_found() {
        for len in 1..100usize {
            let mut value = vec![0; len];
            fill(7, &mut value);
            for at in (0..len).filter(|&at| at < 8 || at + 8 >= len) {
                value[at] ^= 0x10;
                let result = check(7, len as u32, &value);
                value[at] ^= 0x10;
                assert!(result.is_err(), "length {len}, byte {at}");
            }
        }
    }

    #[test]
    fn a_value_of_another_key_or_length_is_found() {
        let mut value = [0; 40];
        fill(8, &mut value);
        assert!(matches!(check(7, 40, &value), Err(Mismatch::First { .. })));
        for len in 0..40 {
            let found = check(8, 40, &value[..len]);
            assert_eq!(found, Err(Mismatch::Length { expected: 40, found: len }));
        }
    }
}
