//! The seat that a thread used last: one pointer of thread-local storage, looked at by every operation.
//!
//! In a shared library the compiler finds thread-local storage by a call that spoils most registers. With the feature
//! `tls_descriptor` it is found by a descriptor instead (TLSDESC), which the loader points at two instructions where it can, and
//! which spoils one register; in a program the linker makes a constant of it.

use super::seat::Seat;

#[cfg(all(feature = "tls_descriptor", target_os = "linux", target_arch = "x86_64"))]
mod place {
    use std::arch::{asm, global_asm};

    use super::Seat;

    // What `thread_local!` makes has no name that assembly could use.
    global_asm!(
        ".pushsection .tbss.hostcache_last_seat, \"awT\", @nobits",
        ".globl hostcache_last_seat",
        ".hidden hostcache_last_seat",
        ".type hostcache_last_seat, @object",
        ".size hostcache_last_seat, 8",
        ".p2align 3",
        "hostcache_last_seat:",
        ".zero 8",
        ".popsection",
        options(att_syntax),
    );

    /// The descriptor's call, `$then` with the variable's offset in `rax`. By its convention it changes no other register; but until
    /// 2.40 that of glibc changed those of vectors where a library was loaded late.
    macro_rules! at_last {
        ($then:literal, $($operand:tt)*) => {
            asm!(
                "leaq hostcache_last_seat@TLSDESC(%rip), %rax",
                "call *hostcache_last_seat@TLSCALL(%rax)",
                $then,
                $($operand)*,
                out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
                out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
                out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
                options(att_syntax),
            )
        };
    }

    #[inline(always)]
    pub(super) fn get() -> *const Seat {
        let seat;
        // SAFETY: reads eight bytes of this thread's own, which hold zeros or what `set` wrote. The stack is as for any call.
        unsafe { at_last!("movq %fs:(%rax), %rax", out("rax") seat) };
        seat
    }

    #[inline(always)]
    pub(super) fn set(seat: *const Seat) {
        // SAFETY: writes eight bytes of this thread's own, which nothing but these two functions uses. The stack is as for any
        // call.
        unsafe { at_last!("movq {seat}, %fs:(%rax)", seat = in(reg) seat, out("rax") _) };
    }
}

#[cfg(not(all(feature = "tls_descriptor", target_os = "linux", target_arch = "x86_64")))]
mod place {
    use std::cell::Cell;
    use std::ptr;

    use super::Seat;

    thread_local! {
        static LAST: Cell<*const Seat> = const { Cell::new(ptr::null()) };
    }

    #[inline(always)]
    pub(super) fn get() -> *const Seat {
        LAST.get()
    }

    #[inline(always)]
    pub(super) fn set(seat: *const Seat) {
        LAST.set(seat);
    }
}

/// A seat of this thread that is kept elsewhere, or null.
#[inline(always)]
pub(crate) fn get() -> *const Seat {
    place::get()
}

#[inline(always)]
pub(crate) fn set(seat: *const Seat) {
    place::set(seat);
}
