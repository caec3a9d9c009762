//! Values that say which item and which write they come from.
//!
//! Word `k` of a value is `stamp + k * STEP` (little-endian, the last word cut to length). The upper 48 bits
//! of the stamp follow from the index, the lower 16 are the version that the writer chose. So a value of
//! another item, a value that is torn between two writes, and one that is cut or shifted all show.
//!
//! Inside a timed loop, [`plausible`] looks at the length, the first and the last whole word; [`correct`]
//! looks at every byte and runs outside.

use crate::random::mix;

const STEP: u64 = 0x0101_0101_0101_0000;
/// Odd, and unlike the constant that makes keys.
const SCATTER: u64 = 0x9fb2_1c65_1e98_df25;
const VERSION_MASK: u64 = 0xffff;

/// How long the value of an item is. The same index always has the same length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueSize {
    /// Every value has this many bytes.
    Fixed(usize),
    /// Each doubling of `min` as likely as the next, so small values outnumber large ones.
    Octaves {
        /// Shortest value.
        min: usize,
        /// Every value is shorter than `min` doubled this many times.
        octaves: u32,
    },
}

impl ValueSize {
    /// Length of the value of item `index`.
    #[inline]
    #[must_use]
    pub fn len(&self, index: u32) -> usize {
        match *self {
            Self::Fixed(len) => len,
            // Integers only: this runs within timed loops.
            Self::Octaves { min, octaves } => {
                let random = mix(u64::from(index));
                let octave = ((random & 0xffff_ffff) * u64::from(octaves)) >> 32;
                let least = (min as u64) << octave;
                (least + (((random >> 32) * least) >> 32)) as usize
            }
        }
    }

    /// No value is longer.
    #[must_use]
    pub fn max_len(&self) -> usize {
        match *self {
            Self::Fixed(len) => len,
            Self::Octaves { min, octaves } => min << octaves,
        }
    }
}

#[inline]
fn identity(index: u32) -> u64 {
    // A single multiplication: every timed get pays for it. Starting at 1, so that untouched memory, all
    // zero, is no item's value.
    (u64::from(index) + 1).wrapping_mul(SCATTER) & !VERSION_MASK
}

/// Makes `value` the value of item `index` as of `version`.
#[inline]
pub(crate) fn fill(value: &mut Vec<u8>, index: u32, version: u16, len: usize) {
    value.resize(len, 0);
    let mut word = identity(index) | u64::from(version);
    let (words, rest) = value.as_chunks_mut();
    for bytes in words {
        *bytes = word.to_le_bytes();
        word = word.wrapping_add(STEP);
    }
    rest.copy_from_slice(&word.to_le_bytes()[..rest.len()]);
}

/// Makes `value` as long as that of item `index`, with the right first and last whole word and nothing
/// else of it: what [`plausible`] looks at.
#[inline]
pub(crate) fn fill_ends(value: &mut Vec<u8>, index: u32, len: usize) {
    value.resize(len, 0);
    let (words, _) = value.as_chunks_mut();
    let last = STEP.wrapping_mul(words.len().saturating_sub(1) as u64);
    if let Some(bytes) = words.first_mut() {
        *bytes = identity(index).to_le_bytes();
    }
    if let Some(bytes) = words.last_mut() {
        *bytes = identity(index).wrapping_add(last).to_le_bytes();
    }
}

/// Whether length, first and last whole word are those of one version of item `index`.
#[inline]
pub(crate) fn plausible(value: &[u8], index: u32, len: usize) -> bool {
    let (words, _) = value.as_chunks();
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return correct(value, index, len);
    };
    let stamp = u64::from_le_bytes(*first);
    value.len() == len
        && stamp & !VERSION_MASK == identity(index)
        && u64::from_le_bytes(*last)
            == stamp.wrapping_add(STEP.wrapping_mul(words.len() as u64 - 1))
}

/// Whether every byte is that of one version of item `index`.
pub(crate) fn correct(value: &[u8], index: u32, len: usize) -> bool {
    let mut stamp = [0; 8];
    let known = value.len().min(8);
    stamp[..known].copy_from_slice(&value[..known]);
    // The version is in the first two bytes; a shorter value holds less of it and nothing else.
    let version = u64::from_le_bytes(stamp) & VERSION_MASK;
    let mut expected = Vec::with_capacity(len);
    fill(&mut expected, index, version as u16, len);
    value == expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_its_own_and_nobody_elses() {
        let mut value = Vec::new();
        for len in [0, 1, 7, 8, 9, 16, 100, 4096] {
            fill(&mut value, 5, 77, len);
            assert_eq!(value.len(), len);
            assert!(correct(&value, 5, len) && plausible(&value, 5, len), "length {len}");
            assert!(!correct(&value, 5, len + 1) && !plausible(&value, 5, len + 1));
            if len > 2 {
                assert!(!correct(&value, 6, len) && !plausible(&value, 6, len), "length {len}");
            }
        }
    }

    #[test]
    fn untouched_memory_is_nobodys_value() {
        assert!((0..1000).all(|index| !plausible(&[0; 100], index, 100)));
    }

    #[test]
    fn a_torn_value_shows() {
        let (mut old, mut new) = (Vec::new(), Vec::new());
        fill(&mut old, 9, 1, 100);
        fill(&mut new, 9, 2, 100);
        for cut in (8..96).step_by(8) {
            let torn = [&old[..cut], &new[cut..]].concat();
            assert!(!correct(&torn, 9, 100) && !plausible(&torn, 9, 100), "cut at {cut}");
        }
    }

    #[test]
    fn sizes_stay_in_their_range_and_belong_to_their_index() {
        let sizes = ValueSize::Octaves { min: 64, octaves: 6 };
        let lens: Vec<usize> = (0..1000).map(|index| sizes.len(index)).collect();
        assert!(lens.iter().all(|len| (64..=4096).contains(len)));
        assert!(lens.iter().any(|&len| len < 128) && lens.iter().any(|&len| len > 2048));
        assert_eq!(sizes.len(17), lens[17]);
    }
}
