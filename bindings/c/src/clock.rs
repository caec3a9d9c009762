//! A clock that the caller moves.

use hostcache::ManualClock;
use std::time::Duration;

use crate::boundary::{Out, end, guard, handle};
use crate::handle::out_handle;
use crate::status::{HOSTCACHE_OK, hostcache_status_t};

/// A clock that stands still until it is moved: for tests of code that relies on TTLs, without sleeping. One may serve several
/// private caches; threads and forked children share its time.
pub struct hostcache_clock_t {
    clock: ManualClock,
}

impl hostcache_clock_t {
    pub(crate) fn inner(&self) -> &ManualClock {
        &self.clock
    }
}

/// Makes a clock, for hostcache_create_private_with. On failure `*out` is NULL.
/// The caller frees it. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_clock_create(
    out: *mut *mut hostcache_clock_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let out = unsafe { out_handle(out) }?;
        out.hand_out(hostcache_clock_t { clock: ManualClock::new()? });
        Ok(HOSTCACHE_OK)
    })
}

/// Moves a clock on by milliseconds. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_clock_advance(
    clock: *mut hostcache_clock_t,
    by_ms: u64,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        unsafe { handle(clock, "the clock") }?.clock.advance(Duration::from_millis(by_ms));
        Ok(HOSTCACHE_OK)
    })
}

/// How far a clock has been moved, in milliseconds. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_clock_elapsed(
    clock: *const hostcache_clock_t,
    elapsed_ms: *mut u64,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, clock) = unsafe {
            (Out::new(elapsed_ms, 0, "where the time goes")?, handle(clock, "the clock")?)
        };
        out.put(u64::try_from(clock.clock.elapsed().as_millis()).unwrap_or(u64::MAX));
        Ok(HOSTCACHE_OK)
    })
}

/// Frees a clock; caches that were made with it keep it. NULL is allowed.
/// No other thread may use it any more. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_clock_free(clock: *mut hostcache_clock_t) {
    // SAFETY: the arguments are as the header says.
    unsafe { end(clock) };
}
