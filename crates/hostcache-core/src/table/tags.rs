//! Comparing the tags of a bucket: all at once, without a branch, into a bit mask.
//!
//! Mispredicted branches would be half the cost of a lookup. The result is a hint: a word that matches is loaded again, as
//! the atomic that it is; a word that did not match was not this key's at the moment when it was read.

use super::probe::{Bucket, SLOTS};
use crate::word::SlotWord;

/// One bit for each slot of a bucket that has this tag. No tag is 0, so an empty slot has none.
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
#[inline(always)]
pub(crate) fn tags_equal(bucket: &Bucket, tag: u16) -> Matches {
    use core::arch::asm;
    const _: () = assert!(SLOTS == 6 && SlotWord::TAG_SHIFT == 52);

    let mask: u32;
    // SAFETY: SSE2 is part of x86-64. The eight words of the bucket are in bounds, and the code reads only them. The
    // loads are no Rust accesses, so they race with nobody's; the processor never tears an aligned word of
    // eight bytes within them.
    unsafe {
        asm!(
            "movd {tags}, {tag:e}",
            "pshufd {tags}, {tags}, 0",
            "movups {a}, [{line}]",
            "movups {b}, [{line} + 16]",
            "movups {c}, [{line} + 32]",
            "movups {d}, [{line} + 48]",
            // The high halves of four words, side by side.
            "shufps {a}, {b}, 0xdd",
            "shufps {c}, {d}, 0xdd",
            // The tag is the highest field, 12 bits.
            "psrld {a}, 20",
            "psrld {c}, 20",
            "pcmpeqd {a}, {tags}",
            "pcmpeqd {c}, {tags}",
            // All ones or all zeros stay so when they are narrowed: 8 bytes, one a word.
            "packssdw {a}, {c}",
            "packsswb {a}, {a}",
            "pmovmskb {mask:e}, {a}",
            line = in(reg) bucket.as_ptr(),
            tag = in(reg) u32::from(tag),
            mask = lateout(reg) mask,
            tags = out(xmm_reg) _,
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            options(nostack, readonly, preserves_flags),
        );
    }
    // Behind the slots there are the marks and the control word.
    Matches(mask & 0x3f)
}

/// One bit for each slot of a bucket that has this tag. No tag is 0, so an empty slot has none.
#[cfg(not(all(target_arch = "x86_64", not(loom), not(miri))))]
#[inline(always)]
pub(crate) fn tags_equal(bucket: &Bucket, tag: u16) -> Matches {
    use crate::ordering as ord;
    Matches(bucket[..SLOTS].iter().enumerate().fold(0, |equal, (at, slot)| {
        let word = SlotWord::from_bits(slot.load(ord::slot_load()));
        equal | u32::from(word.tag() == tag) << at
    }))
}

/// Slots of a bucket whose tag matched, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Matches(u32);

impl Matches {
    /// Takes the first.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<u8> {
        if self.0 == 0 {
            return None;
        }
        let index = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(index as u8)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::Fixture;
    use crate::sync::Ordering;
    use crate::table::Position;
    use crate::word::SlotWord;

    #[test]
    fn exactly_the_slots_with_the_tag_are_found() {
        let Fixture { region, .. } = &Fixture::new();
        for pattern in 0..1u32 << 6 {
            for index in 0..6 {
                let tag = if pattern >> index & 1 == 1 { 0xabc } else { 0x1bc };
                let word = SlotWord::tentative(tag, 0xffff, true, 7);
                region.slot(Position::new(3, index)).store(word.bits(), Ordering::Relaxed);
            }
            // Marks and a control word that look like the tag count for nothing.
            region.slot(Position::new(3, 6)).store(0xabc << 52, Ordering::Relaxed);
            region.control(3).store(0xabc << 52, Ordering::Relaxed);
            let mut matches = super::tags_equal(region.bucket(3), 0xabc);
            let found: Vec<u8> = core::iter::from_fn(|| matches.next()).collect();
            let expected = (0..6).filter(|index| pattern >> index & 1 == 1);
            assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }
}
