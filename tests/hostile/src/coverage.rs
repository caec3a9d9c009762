//! Counters that the compiler puts at every edge of a build with sanitizer coverage; nothing in others.
//!
//! Stable compilers take `-Cpasses=sancov-module` with `-Cllvm-args=-sanitizer-coverage-level=3
//! -sanitizer-coverage-inline-8bit-counters -sanitizer-coverage-pc-table`: no sanitizer, and none of its runtime.

#[cfg(feature = "coverage")]
mod hooks {
    use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

    pub(super) static COUNTERS: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
    pub(super) static COUNT: AtomicUsize = AtomicUsize::new(0);
    pub(super) static PCS: AtomicPtr<usize> = AtomicPtr::new(std::ptr::null_mut());

    /// Called by what the compiler adds to every object, each time with the whole section.
    #[unsafe(no_mangle)]
    extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, end: *mut u8) {
        COUNTERS.store(start, Ordering::Relaxed);
        COUNT.store(end.addr() - start.addr(), Ordering::Relaxed);
    }

    /// Likewise: a pair of words for every counter, the address of its block first.
    #[unsafe(no_mangle)]
    extern "C" fn __sanitizer_cov_pcs_init(start: *mut usize, _end: *mut usize) {
        PCS.store(start, Ordering::Relaxed);
    }
}

/// Which edges have been taken, and how often, to a power of two.
#[derive(Debug, Default)]
pub struct Coverage {
    seen: Vec<u8>,
}

impl Coverage {
    /// Edges that the build counts; 0 where it counts none.
    #[must_use]
    pub fn edges() -> usize {
        #[cfg(feature = "coverage")]
        return hooks::COUNT.load(std::sync::atomic::Ordering::Relaxed);
        #[cfg(not(feature = "coverage"))]
        0
    }

    /// Takes the counters since the last call and zeroes them; whether there was something new.
    pub fn take(&mut self) -> bool {
        self.seen.resize(Self::edges(), 0);
        #[cfg(feature = "coverage")]
        return self.take_counters();
        #[cfg(not(feature = "coverage"))]
        false
    }

    /// The same, but how often does not count.
    pub fn take_edges(&mut self) -> bool {
        let before = self.reached();
        self.take();
        self.reached() > before
    }

    #[cfg(feature = "coverage")]
    fn take_counters(&mut self) -> bool {
        let counters = hooks::COUNTERS.load(std::sync::atomic::Ordering::Relaxed);
        let mut is_new = false;
        for (at, seen) in self.seen.iter_mut().enumerate() {
            // SAFETY: the section has so many bytes; this process has one thread.
            let count = unsafe { counters.add(at).replace(0) };
            if count != 0 {
                let bucket = 1u8 << count.ilog2();
                is_new |= *seen & bucket == 0;
                *seen |= bucket;
            }
        }
        is_new
    }

    /// How many edges were taken.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.seen.iter().filter(|&&seen| seen != 0).count()
    }

    /// The address of every counted block in the running program, and whether it was reached.
    #[must_use]
    pub fn blocks(&self) -> Vec<(usize, bool)> {
        #[cfg(feature = "coverage")]
        {
            let pcs = hooks::PCS.load(std::sync::atomic::Ordering::Relaxed);
            // SAFETY: the table has a pair for every counter.
            let address = |at: usize| unsafe { *pcs.add(2 * at) };
            self.seen.iter().enumerate().map(|(at, &seen)| (address(at), seen != 0)).collect()
        }
        #[cfg(not(feature = "coverage"))]
        Vec::new()
    }
}
