//! Payload, in and out: between bytes of this process and words that others may be writing.
//!
//! On x86-64 the copies are machine code: no Rust access, so they race with nobody's, and 16 bytes at a time. Elsewhere,
//! under loom and under Miri they are relaxed loads and stores of words.

use core::mem::MaybeUninit;

use super::Memory;
use crate::sync::Ordering;

/// The shortest copy that machine code makes: below it, single words do.
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
const SHORTEST: usize = 16;

/// The longest comparison by single words. A key of few words was often written just now, word by word: a load of 16
/// bytes would have to wait until both have left the store buffer.
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
const LONGEST_BY_WORDS: usize = 32;

impl Memory {
    /// Copies bytes out of words, in unspecified order, torn if a writer is at work.
    #[inline(always)]
    pub(crate) fn copy_out(&self, index: u64, out: &mut [u8]) {
        // SAFETY: initialised bytes are valid as possibly uninitialised ones, and the copy only ever initialises.
        self.copy_to_room(index, unsafe { &mut *(&raw mut *out as *mut [MaybeUninit<u8>]) });
    }

    /// Replaces the contents of a vector by so many bytes, as [`Memory::copy_out`] does.
    #[inline(always)]
    pub(crate) fn copy_to_vec(&self, index: u64, len: usize, out: &mut Vec<u8>) {
        out.clear();
        if out.capacity() < len {
            out.reserve(len);
        }
        // SAFETY: the capacity holds `len` bytes, and the copy initialises all of them.
        unsafe {
            let room = core::slice::from_raw_parts_mut(out.as_mut_ptr().cast(), len);
            self.copy_to_room(index, room);
            out.set_len(len);
        }
    }

    /// All of `out` is initialised by this.
    #[inline(always)]
    fn copy_to_room(&self, index: u64, out: &mut [MaybeUninit<u8>]) {
        #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
        if out.len() >= SHORTEST {
            let from = self.bytes(index, out.len());
            // SAFETY: both ends hold `out.len()` bytes, at least 16; `out` is exclusively borrowed, so they don't overlap.
            unsafe { copy_bytes(from, out.as_mut_ptr().cast(), out.len()) };
            return;
        }
        let words = self.span(index, out.len().div_ceil(8));
        let (chunks, tail) = out.as_chunks_mut::<8>();
        let (whole, rest) = words.split_at(chunks.len());
        for (chunk, word) in chunks.iter_mut().zip(whole) {
            *chunk = word.load(Ordering::Relaxed).to_le_bytes().map(MaybeUninit::new);
        }
        if let [last, ..] = rest {
            let last = last.load(Ordering::Relaxed).to_le_bytes();
            for (to, from) in tail.iter_mut().zip(last) {
                to.write(from);
            }
        }
    }

    /// Copies bytes into words of a block that the caller owns; what remains of the last word is unspecified.
    #[inline(always)]
    pub(crate) fn copy_in(&self, index: u64, bytes: &[u8]) {
        #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
        if bytes.len() >= SHORTEST {
            let to = self.bytes(index, bytes.len());
            // SAFETY: both ends hold `bytes.len()` bytes, at least 16. Nobody in this process has a reference to bytes of
            // the region, so they don't overlap.
            unsafe { copy_bytes(bytes.as_ptr(), to, bytes.len()) };
            return;
        }
        let words = self.span(index, bytes.len().div_ceil(8));
        let (chunks, tail) = bytes.as_chunks::<8>();
        let (whole, rest) = words.split_at(chunks.len());
        for (chunk, word) in chunks.iter().zip(whole) {
            word.store(u64::from_le_bytes(*chunk), Ordering::Relaxed);
        }
        if let [last, ..] = rest {
            last.store(le_word(tail), Ordering::Relaxed);
        }
    }

    /// Whether the words hold exactly these bytes (in whatever state they are).
    #[inline(always)]
    pub(crate) fn equals(&self, index: u64, bytes: &[u8]) -> bool {
        #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
        if bytes.len() > LONGEST_BY_WORDS {
            // SAFETY: both ends hold `bytes.len()` bytes, at least 16.
            return unsafe {
                bytes_equal(self.bytes(index, bytes.len()), bytes.as_ptr(), bytes.len())
            };
        }
        let words = self.span(index, bytes.len().div_ceil(8));
        let (chunks, tail) = bytes.as_chunks::<8>();
        let (whole, rest) = words.split_at(chunks.len());
        let mut difference = 0;
        for (chunk, word) in chunks.iter().zip(whole) {
            difference |= word.load(Ordering::Relaxed) ^ u64::from_le_bytes(*chunk);
        }
        if let [last, ..] = rest {
            let mask = u64::MAX >> (64 - 8 * tail.len());
            difference |= (last.load(Ordering::Relaxed) & mask) ^ le_word(tail);
        }
        difference == 0
    }
}

/// Compares `len` bytes in pieces of 16, the last of which overlaps the one before.
///
/// # Safety
///
/// - `len` is at least 16, and both ends are readable for `len` bytes.
/// - Others may write at either meanwhile, as with [`copy_bytes`].
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
#[inline(always)]
unsafe fn bytes_equal(a: *const u8, b: *const u8, len: usize) -> bool {
    let equal: u32;
    // SAFETY: pieces of 16 bytes at offsets below `len - 16`, and the last at exactly that.
    unsafe {
        core::arch::asm!(
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

/// Copies `len` bytes, in unspecified order and pieces: the last piece overlaps the one before, so that no length
/// needs a loop over single bytes.
///
/// # Safety
///
/// - `len` is at least 16, `from` is readable and `to` writable for `len` bytes, and they don't overlap.
/// - Other threads and processes may write at `from` or read at `to` meanwhile, if they do so by atomics or by machine
///   code: what is read then is unspecified bytes.
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
#[inline(always)]
unsafe fn copy_bytes(from: *const u8, to: *mut u8, len: usize) {
    use core::arch::asm;
    /// From here on the processor's own copy loop is faster.
    const LONG: usize = 1024;

    if len > LONG {
        // SAFETY: `rcx` bytes from `rsi` to `rdi`, upwards: the direction flag is clear on entry to every `asm!`.
        unsafe {
            asm!(
                "rep movsb",
                inout("rcx") len => _, inout("rsi") from => _, inout("rdi") to => _,
                options(nostack, preserves_flags),
            );
        }
    } else if len > 128 {
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
    }
}

/// Up to eight bytes as a little-endian word.
#[inline(always)]
fn le_word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::ptr::NonNull;

    use super::*;

    #[test]
    fn bytes_of_any_length_come_back_and_their_neighbours_stay() {
        const MARGIN: usize = 2;
        let lengths = (0..=300usize).chain([1000, 1023, 1024, 1025, 2000, 4096, 70_001]);
        for len in lengths {
            let mut words = vec![u64::MAX; len.div_ceil(8) + MARGIN + 512];
            let count = words.len();
            let base = NonNull::new(words.as_mut_ptr()).expect("a vector is not null");
            // SAFETY: the vector outlives the view and is not touched otherwise while it is used.
            let memory = unsafe { Memory::from_raw(base, count) };
            let source: Vec<u8> = (0..len).map(|at| (at * 7 + at / 256 + 1) as u8).collect();
            memory.copy_in(MARGIN as u64, &source);
            let mut out = vec![0xee; len + 2];
            memory.copy_out(MARGIN as u64, &mut out[1..=len]);
            assert_eq!(&out[1..=len], source, "{len} bytes");
            assert_eq!((out[0], out[len + 1]), (0xee, 0xee), "beside {len} bytes");
            for at in 0..len.min(200) {
                let mut other = source.clone();
                other[at] ^= 0x40;
                assert!(!memory.equals(MARGIN as u64, &other), "byte {at} of {len} counts");
            }
            let mut vec = vec![1; 40];
            memory.copy_to_vec(MARGIN as u64, len, &mut vec);
            assert_eq!(vec, source);
            assert!(memory.equals(MARGIN as u64, &source));
            if len > 0 {
                let mut other = source.clone();
                other[len - 1] ^= 1;
                assert!(!memory.equals(MARGIN as u64, &other), "the last of {len} bytes counts");
            }
            assert!(words[..MARGIN].iter().all(|&word| word == u64::MAX), "before {len} bytes");
            assert!(
                words[MARGIN + len.div_ceil(8)..].iter().all(|&w| w == u64::MAX),
                "after {len} bytes"
            );
        }
    }
}
