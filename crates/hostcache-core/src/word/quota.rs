//! The quota word: what a lane holds by pins or a reservation, and what it may hold without asking.

use super::field;

/// ```text
/// 63         62     32 31       0
/// | reserved | used 31 | quota 32 |      in lines of 64 bytes; 0 = nothing
/// ```
///
/// `used` is never above `quota`, in a sound region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaWord(u64);

const USED: u32 = 32;
const USED_BITS: u32 = 31;
const QUOTA_BITS: u32 = 32;
const RESERVED: u32 = 63;

impl QuotaWord {
    /// Bytes that one line counts.
    pub const LINE: u64 = 64;

    /// From a loaded word.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// To store.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Bytes that the lane holds.
    #[inline]
    #[must_use]
    pub const fn used(self) -> u64 {
        field(self.0, USED, USED_BITS) * Self::LINE
    }

    /// Bytes that it may hold: what counts for the bound.
    #[inline]
    #[must_use]
    pub const fn quota(self) -> u64 {
        field(self.0, 0, QUOTA_BITS) * Self::LINE
    }

    /// Whether it holds a reservation, not pins.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        field(self.0, RESERVED, 1) == 1
    }

    /// The same lane with other holdings, rounded up to lines.
    #[inline]
    #[must_use]
    pub fn with(self, used: u64, quota: u64) -> Self {
        let used = used.div_ceil(Self::LINE).min((1 << USED_BITS) - 1);
        let quota = quota.div_ceil(Self::LINE).min((1 << QUOTA_BITS) - 1);
        Self(self.0 >> RESERVED << RESERVED | used << USED | quota)
    }

    /// A reservation of so many bytes.
    #[must_use]
    pub fn reservation(bytes: u64) -> Self {
        Self(1 << RESERVED).with(bytes, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_touch_each_other() {
        for word in [QuotaWord::from_bits(0), QuotaWord::reservation(1 << 20)] {
            for used in [0, 64, 1 << 30, 1 << 35] {
                for quota in [used, used + 6400, 1 << 36] {
                    let word = word.with(used, quota);
                    assert_eq!((word.used(), word.quota()), (used, quota));
                }
            }
        }
        assert!(QuotaWord::reservation(7).is_reserved());
        assert!(!QuotaWord::from_bits(0).with(u64::MAX, u64::MAX).is_reserved());
        assert_eq!(QuotaWord::from_bits(0).with(1, 65).bits(), 1 << 32 | 2);
    }
}
