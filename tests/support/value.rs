//! Values that prove by themselves who wrote them, for which key, and that they are whole.
//!
//! ```text
//! 0        8      12     16       24
//! | id     | key  | len  | check  | body: word i = check * (2i + 1) …
//! ```
//! `check` mixes the id, the key and the length; every later word is `check` times an odd number. Two
//! values with different checks therefore differ in every word of the body, so a mixture of two values
//! is found wherever the seam lies.

use crate::random::mix;

/// Bytes of the smallest value.
pub const MIN_LEN: usize = 24;

/// Bits of [`Id`] below the worker's number.
const SEQUENCE_BITS: u32 = 24;

/// Bits that a counter can count up without meeting the start of another one.
const COUNTING_BITS: u32 = 24;

/// Names one written value: a worker's number above a sequence number. Never 0.
pub type Id = u64;

/// The id of the `sequence`-th value (from 1) of `worker`.
#[must_use]
pub fn id(worker: u16, sequence: u32) -> Id {
    assert!(sequence > 0 && sequence >> SEQUENCE_BITS == 0, "worker {worker} wrote too much");
    u64::from(worker) << SEQUENCE_BITS | u64::from(sequence)
}

/// Where the counter starts that is stored as value `id`: far from the start of every other one.
#[must_use]
pub fn counter_start(id: Id) -> u64 {
    id << COUNTING_BITS
}

/// What bytes turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Exactly one written value of the key that was asked for.
    Genuine(Id),
    /// Exactly one written value of another key.
    Foreign(Id),
    /// Not what any writer wrote.
    Torn,
}

/// Replaces `bytes` by value `id` of `key`, `len` bytes long (at least [`MIN_LEN`]).
pub fn write(bytes: &mut Vec<u8>, id: Id, key: u32, len: usize) {
    let len = len.max(MIN_LEN);
    let check = check(id, key, len as u32);
    bytes.clear();
    bytes.extend_from_slice(&id.to_le_bytes());
    bytes.extend_from_slice(&key.to_le_bytes());
    bytes.extend_from_slice(&(len as u32).to_le_bytes());
    bytes.extend_from_slice(&check.to_le_bytes());
    bytes.extend((0..(len - MIN_LEN).div_ceil(8) as u64).flat_map(|i| body_word(check, i)));
    bytes.truncate(len);
}

/// Says what `bytes`, read under `key`, are.
#[must_use]
pub fn read(bytes: &[u8], key: u32) -> Reading {
    let (Some(id), Some(key_len), Some(found)) = (word(bytes, 0), word(bytes, 8), word(bytes, 16))
    else {
        return Reading::Torn;
    };
    let (written_key, len) = (key_len as u32, (key_len >> 32) as u32);
    if bytes.len() != len as usize || found != check(id, written_key, len) {
        return Reading::Torn;
    }
    let whole = bytes[MIN_LEN..]
        .chunks(8)
        .zip(0..)
        .all(|(chunk, i)| chunk == &body_word(found, i)[..chunk.len()]);
    match whole {
        false => Reading::Torn,
        true if written_key == key => Reading::Genuine(id),
        true => Reading::Foreign(id),
    }
}

/// The number that a counter's bytes say, if they are one.
#[must_use]
pub fn read_counter(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn check(id: Id, key: u32, len: u32) -> u64 {
    mix(id ^ mix(u64::from(key) << 32 | u64::from(len)))
}

fn body_word(check: u64, i: u64) -> [u8; 8] {
    check.wrapping_mul(2 * i + 1).to_le_bytes()
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(id: Id, key: u32, len: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, id, key, len);
        bytes
    }

    #[test]
    fn a_value_of_any_length_is_recognised() {
        for len in MIN_LEN..300 {
            let bytes = value(7, 3, len);
            assert_eq!(bytes.len(), len);
            assert_eq!(read(&bytes, 3), Reading::Genuine(7));
            assert_eq!(read(&bytes, 4), Reading::Foreign(7));
        }
    }

    #[test]
    fn a_mixture_of_two_values_is_torn_wherever_the_seam_lies() {
        for (other_key, other_len) in [(3, 200), (3, 180), (4, 200), (4, 230)] {
            let (old, new) = (value(7, 3, 200), value(8, other_key, other_len));
            for seam in 1..200.min(other_len) {
                let mixture: Vec<u8> = new[..seam].iter().chain(&old[seam..]).copied().collect();
                assert_eq!(read(&mixture, 3), Reading::Torn, "seam at {seam}");
            }
        }
    }

    #[test]
    fn one_flipped_bit_or_a_missing_end_is_torn() {
        let bytes = value(7, 3, 100);
        for bit in 0..800 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&flipped, 3), Reading::Torn, "bit {bit}");
        }
        assert!((0..100).all(|len| read(&bytes[..len], 3) == Reading::Torn));
    }
}
