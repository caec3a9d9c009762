//! Copying and comparing by machine code: no Rust access, so it races with nobody's, and 16 bytes at a time.

use core::arch::asm;

/// Compares `len` bytes in pieces of 16, the last of which overlaps the one before.
///
/// # Safety
///
/// - `len` is at least 16, and both ends are readable for `len` bytes.
/// - Others may write at either meanwhile, as with [`copy_bytes`].
#[inline(always)]
pub(super) unsafe fn bytes_equal(a: *const u8, b: *const u8, len: usize) -> bool {
    let equal: u32;
    // SAFETY: pieces of 16 bytes at offsets below `len - 16`, and the last at exactly that.
    unsafe {
        asm!(
            "movdqu {all}, [{a} + {last}]",
            "movdqu {piece}, [{b} + {last}]",
            "pcmpeqb {all}, {piece}",
            "2:",
            "cmp {at}, {last}",
            "jae 3f",
            "movdqu {piece}, [{a} + {at}]",
            "movdqu {other}, [{b} + {at}]",
            "pcmpeqb {piece}, {other}",
            "pand {all}, {piece}",
            "add {at}, 16",
            "jmp 2b",
            "3:",
            "pmovmskb {equal:e}, {all}",
            a = in(reg) a, b = in(reg) b, last = in(reg) len - 16, at = inout(reg) 0usize => _,
            equal = lateout(reg) equal,
            all = out(xmm_reg) _, piece = out(xmm_reg) _, other = out(xmm_reg) _,
            options(nostack, readonly),
        );
    }
    equal == 0xffff
}

/// The last eight of `len` bytes as a little-endian word, whatever their alignment.
///
/// # Safety
///
/// - `len` is at least 8, and as many bytes are readable.
/// - Others may write them meanwhile, as with [`copy_bytes`].
#[inline(always)]
pub(super) unsafe fn last_eight(from: *const u8, len: usize) -> u64 {
    let word;
    // SAFETY: eight bytes that end with the last.
    unsafe {
        asm!(
            "mov {word}, [{from} + {len} - 8]",
            from = in(reg) from, len = in(reg) len, word = lateout(reg) word,
            options(nostack, readonly, preserves_flags),
        );
    }
    word
}

/// Copies `len` bytes, in unspecified order and pieces: the last piece overlaps the one before, so that no length
/// needs a loop over single bytes.
///
/// # Safety
///
/// - `len` is at least 16, `from` is readable and `to` writable for `len` bytes, and they don't overlap.
/// - Other threads and processes may write at `from` or read at `to` meanwhile, if they do so by atomics or by machine
///   code: what is read then is unspecified bytes.
#[inline(always)]
pub(super) unsafe fn copy_bytes(from: *const u8, to: *mut u8, len: usize) {
    /// Up to here without a loop.
    const SHORT: usize = 128;
    /// Beyond this the processor's own copy loop is faster.
    const LONG: usize = 1024;

    if len <= SHORT {
        // SAFETY: pieces of 16 bytes, as many from the front as to the end: one and one up to 32 bytes, two and two up to
        // 64, four and four up to 128.
        unsafe {
            asm!(
                "cmp {len}, 32",
                "jbe 3f",
                "cmp {len}, 64",
                "jbe 2f",
                "movdqu {a}, [{from} + 32]",
                "movdqu {b}, [{from} + 48]",
                "movdqu {c}, [{from} + {len} - 64]",
                "movdqu {d}, [{from} + {len} - 48]",
                "movdqu [{to} + 32], {a}",
                "movdqu [{to} + 48], {b}",
                "movdqu [{to} + {len} - 64], {c}",
                "movdqu [{to} + {len} - 48], {d}",
                "2:",
                "movdqu {a}, [{from} + 16]",
                "movdqu {b}, [{from} + {len} - 32]",
                "movdqu [{to} + 16], {a}",
                "movdqu [{to} + {len} - 32], {b}",
                "3:",
                "movdqu {a}, [{from}]",
                "movdqu {b}, [{from} + {len} - 16]",
                "movdqu [{to}], {a}",
                "movdqu [{to} + {len} - 16], {b}",
                from = in(reg) from, to = in(reg) to, len = in(reg) len,
                a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
                options(nostack),
            );
        }
    } else if len <= LONG {
        // SAFETY: pieces of 32 bytes at offsets below `len - 32`, and the last at exactly that.
        unsafe {
            asm!(
                "2:",
                "movdqu {a}, [{from} + {at}]",
                "movdqu {b}, [{from} + {at} + 16]",
                "movdqu [{to} + {at}], {a}",
                "movdqu [{to} + {at} + 16], {b}",
                "add {at}, 32",
                "cmp {at}, {last}",
                "jb 2b",
                "movdqu {a}, [{from} + {last}]",
                "movdqu {b}, [{from} + {last} + 16]",
                "movdqu [{to} + {last}], {a}",
                "movdqu [{to} + {last} + 16], {b}",
                from = in(reg) from, to = in(reg) to, last = in(reg) len - 32,
                at = inout(reg) 0usize => _,
                a = out(xmm_reg) _, b = out(xmm_reg) _,
                options(nostack),
            );
        }
    } else {
        // SAFETY: `rcx` bytes from `rsi` to `rdi`, upwards: the direction flag is clear on entry to every `asm!`.
        unsafe {
            asm!(
                "rep movsb",
                inout("rcx") len => _, inout("rsi") from => _, inout("rdi") to => _,
                options(nostack, preserves_flags),
            );
        }
    }
}
