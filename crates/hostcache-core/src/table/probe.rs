//! From a key to its two buckets.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::layout::{BUCKET_WORDS, Geometry};
use crate::region::Region;
use crate::sync::AtomicU64;
use crate::word::{ControlWord, SlotWord};

pub(crate) use crate::layout::SLOTS;

/// Where a key may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) tag: u16,
    pub(crate) primary: u64,
    /// Number of buckets.
    buckets: u64,
}

/// One slot of the table: `bucket * BUCKET_WORDS + index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position(u64);

impl Probe {
    /// XXH3 with the region's seed: fast on short keys, and frozen, as a shared format needs. The probe bound, not
    /// the hash, is what defends against chosen keys: they cost hits, never time.
    #[inline(always)]
    pub(crate) fn new(geometry: &Geometry, key: &[u8]) -> Self {
        let hash = hash(key, geometry.shape.seed);
        // Never 0: an empty slot has that.
        let tag = ((hash & ((1 << SlotWord::TAG_BITS) - 1)) as u16).max(1);
        let buckets = geometry.shape.buckets;
        Self { tag, primary: scale(hash, buckets), buckets }
    }

    /// The second bucket; computed when it is needed, for most keys are in their first.
    #[inline(always)]
    pub(crate) fn alternate(&self) -> u64 {
        alternate(self.buckets, self.primary, self.tag)
    }

    /// The slot at a position of the key's set: the primary bucket's first.
    #[inline]
    pub(crate) fn position(&self, at: usize) -> Position {
        if at < SLOTS {
            Position::new(self.primary, at as u8)
        } else {
            Position::new(self.alternate(), (at - SLOTS) as u8)
        }
    }
}

/// XXH3, the part for short keys in place.
#[inline(always)]
fn hash(key: &[u8], seed: u64) -> u64 {
    const SHORT: usize = 16;
    #[inline(never)]
    fn long(key: &[u8], seed: u64) -> u64 {
        xxh3_64_with_seed(key, seed)
    }
    if key.len() <= SHORT { xxh3_64_with_seed(key, seed) } else { long(key, seed) }
}

/// Maps a hash to `0..n` by its high bits.
#[inline]
fn scale(hash: u64, n: u64) -> u64 {
    ((u128::from(hash) * u128::from(n)) >> 64) as u64
}

/// The other bucket of a key: an involution, so a word in either leads to the other.
#[inline]
pub(crate) fn alternate(buckets: u64, bucket: u64, tag: u16) -> u64 {
    // Tags are evenly spread over their range, and so are these sums over the buckets.
    let sum = (u64::from(tag) * buckets) >> SlotWord::TAG_BITS;
    if sum >= bucket { sum - bucket } else { sum + buckets - bucket }
}

impl Position {
    #[inline(always)]
    pub(crate) fn new(bucket: u64, index: u8) -> Self {
        // The remainder is none, and tells the compiler that the bucket can be had back.
        Self((bucket * BUCKET_WORDS) | (u64::from(index) % BUCKET_WORDS))
    }

    #[inline(always)]
    pub(crate) fn bucket(self) -> u64 {
        self.0 / BUCKET_WORDS
    }

    /// Slot within the bucket.
    #[inline(always)]
    pub(crate) fn index(self) -> u8 {
        (self.0 % BUCKET_WORDS) as u8
    }

    /// The bucket whose control word orders this word's key.
    #[inline]
    pub(crate) fn primary(self, geometry: &Geometry, word: SlotWord) -> u64 {
        let bucket = self.bucket();
        if word.is_alternate() {
            alternate(geometry.shape.buckets, bucket, word.tag())
        } else {
            bucket
        }
    }

    /// Whether a control word of `primary` is pending on this slot.
    pub(crate) fn is_pending(
        self,
        geometry: &Geometry,
        primary: u64,
        control: ControlWord,
    ) -> bool {
        control
            .pending()
            .is_some_and(|pending| Self::pending(geometry, primary, pending, control.tag()) == self)
    }

    /// The slot that a pending control word of `primary` means.
    #[inline]
    pub(crate) fn pending(geometry: &Geometry, primary: u64, pending: u8, tag: u16) -> Self {
        let at = pending as usize;
        if at < SLOTS {
            Self::new(primary, at as u8)
        } else {
            let index = ((at - SLOTS) % SLOTS) as u8;
            Self::new(alternate(geometry.shape.buckets, primary, tag), index)
        }
    }
}

/// A bucket's line: its slots, its use marks, and the control word.
pub(crate) type Bucket = [AtomicU64; BUCKET_WORDS as usize];

impl Region {
    #[inline(always)]
    pub(crate) fn bucket_at(&self, bucket: u64) -> u64 {
        self.geometry.buckets_at + bucket * BUCKET_WORDS
    }

    #[inline(always)]
    pub(crate) fn slot(&self, position: Position) -> &AtomicU64 {
        self.word(self.geometry.buckets_at + position.0)
    }

    #[inline(always)]
    pub(crate) fn control(&self, bucket: u64) -> &AtomicU64 {
        self.word(self.bucket_at(bucket) + BUCKET_WORDS - 1)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::layout::Shape;

    #[test]
    fn the_alternate_of_the_alternate_is_the_primary() {
        for item in [32, 100, 1000, 5000] {
            let shape = Shape::new(1 << 20, None, Some(item), 7).expect("in range");
            let geometry = Geometry::new(shape).expect("valid");
            for key in 0..10_000u32 {
                let probe = Probe::new(&geometry, &key.to_le_bytes());
                assert!(probe.primary < shape.buckets && probe.alternate() < shape.buckets);
                assert_eq!(alternate(shape.buckets, probe.alternate(), probe.tag), probe.primary);
            }
        }
    }

    #[test]
    fn keys_spread_over_buckets_and_tags() {
        let geometry = Geometry::new(Shape::new(1 << 20, None, None, 3).expect("in range"));
        let geometry = geometry.expect("valid");
        let n = geometry.shape.buckets as usize;
        let mut counts = vec![0u32; n];
        for key in 0..(n as u64 * 100) {
            counts[Probe::new(&geometry, &key.to_le_bytes()).primary as usize] += 1;
        }
        assert!(counts.iter().all(|&c| (40..180).contains(&c)), "far from 100 a bucket");
    }
}
