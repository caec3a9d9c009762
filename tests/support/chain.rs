//! Values that grow at both ends, and prove by themselves who wrote each of their records, and in which order.
//!
//! ```text
//! record   0        8      12        16       24
//!          | id     | key  | 0       | check  |
//! ```
//! What a whole value is named by is computed from its records' ids and their order: a history needs no more
//! than that name to tell what an append or a prepend makes of a value.

use crate::random::mix;
use crate::value::{Id, Reading};

/// Bytes of a record.
pub const RECORD: usize = 24;

/// Bits of a name that count records; those above are a hash of them.
const COUNT_BITS: u32 = 16;

/// Odd, so that no power of it is 0.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// The name of the value that has this one record.
#[must_use]
pub fn name(record: Id) -> Id {
    pack(mix(record), 1)
}

/// The name of a value to which a record is added, at its front or at its back.
#[must_use]
pub fn extended(name: Id, record: Id, at_front: bool) -> Id {
    let (hash, count) = (name >> COUNT_BITS, count(name));
    let hash = match at_front {
        true => mix(record).wrapping_mul(BASE.wrapping_pow(count as u32)).wrapping_add(hash),
        false => hash.wrapping_mul(BASE).wrapping_add(mix(record)),
    };
    pack(hash, count + 1)
}

/// Records of the value with this name.
#[must_use]
pub fn count(name: Id) -> u64 {
    name & ((1 << COUNT_BITS) - 1)
}

fn pack(hash: u64, count: u64) -> Id {
    hash << COUNT_BITS | count & ((1 << COUNT_BITS) - 1)
}

/// Replaces `bytes` by a record.
pub fn write(bytes: &mut Vec<u8>, record: Id, key: u32) {
    bytes.clear();
    bytes.extend_from_slice(&record.to_le_bytes());
    bytes.extend_from_slice(&u64::from(key).to_le_bytes());
    bytes.extend_from_slice(&check(record, key).to_le_bytes());
}

/// Says what `bytes`, read under `key`, are.
#[must_use]
pub fn read(bytes: &[u8], key: u32) -> Reading {
    let (records, rest) = bytes.as_chunks::<RECORD>();
    let mut whole: Option<Id> = None;
    let mut is_foreign = false;
    for record in records {
        let (words, _) = record.as_chunks::<8>();
        let [id, written_key, found] = [0, 1, 2].map(|at| u64::from_le_bytes(words[at]));
        let written_key = written_key as u32;
        if found != check(id, written_key) {
            return Reading::Torn;
        }
        is_foreign |= written_key != key;
        whole = Some(whole.map_or_else(|| name(id), |whole| extended(whole, id, false)));
    }
    match whole {
        Some(whole) if rest.is_empty() && is_foreign => Reading::Foreign(whole),
        Some(whole) if rest.is_empty() => Reading::Genuine(whole),
        _ => Reading::Torn,
    }
}

fn check(record: Id, key: u32) -> u64 {
    mix(record ^ mix(u64::from(key) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: Id, key: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, id, key);
        bytes
    }

    #[test]
    fn records_added_at_either_end_give_the_name_that_is_read_back() {
        let mut bytes = record(1, 3);
        let mut whole = name(1);
        for id in 2..200 {
            let at_front = id % 3 == 0;
            whole = extended(whole, id, at_front);
            bytes = match at_front {
                true => [record(id, 3), bytes].concat(),
                false => [bytes, record(id, 3)].concat(),
            };
            assert_eq!(read(&bytes, 3), Reading::Genuine(whole));
            assert_eq!(count(whole), id);
        }
        assert_eq!(read(&bytes, 4), Reading::Foreign(whole));
    }

    #[test]
    fn another_order_a_missing_record_or_a_cut_one_is_noticed() {
        let [a, b, c] = [1, 2, 3].map(|id| record(id, 7));
        let right = read(&[a.clone(), b.clone(), c.clone()].concat(), 7);
        for other in [[&a, &c, &b], [&a, &a, &c], [&b, &a, &c]] {
            assert_ne!(read(&other.map(Vec::clone).concat(), 7), right);
        }
        assert_ne!(read(&[a.clone(), b.clone()].concat(), 7), right);
        let bytes = [a, b].concat();
        for len in (0..bytes.len()).filter(|len| len % RECORD != 0 || *len == 0) {
            assert_eq!(read(&bytes[..len], 7), Reading::Torn);
        }
    }
}
