//! Writing in place.

use std::ffi::c_void;

use hostcache::Reservation;

use crate::boundary::{Out, bytes, end, guard, guard_or, handle, handle_mut, key};
use crate::handle::{cache, hostcache_t, out_handle};
use crate::status::{HOSTCACHE_OK, hostcache_status_t, invalid};
use crate::write::{hostcache_set_options_t, set_options, stored};

/// Memory of the region to make a value in, then to store under its key without a copy. Nobody sees it before hostcache_publish.
///
/// One thread uses it at a time. In a forked child it is the parent's: don't write to its bytes there. With its process dead, it comes back
/// as free memory.
pub struct hostcache_reservation_t {
    reservation: Reservation,
}

/// Reserves memory for a value of `value_len` bytes. The options (NULL: none) count when it is published; a TTL runs from then. On
/// failure `*out` is NULL.
/// The caller ends it with hostcache_publish or hostcache_cancel. HOSTCACHE_NO_SPACE also where this process holds as many reservations, or as
/// many bytes of them, as it may. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_reserve(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    value_len: usize,
    options: *const hostcache_set_options_t,
    out: *mut *mut hostcache_reservation_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, key, options) = unsafe {
            let out = out_handle(out)?;
            (out, self::cache(cache)?, self::key(key, key_len)?, set_options(options)?)
        };
        out.hand_out(hostcache_reservation_t {
            reservation: cache.reserve(key, value_len, &options)?,
        });
        Ok(HOSTCACHE_OK)
    })
}

/// Where the value is made: hostcache_reservation_len bytes, aligned to 8, all 0 at first or what hostcache_reservation_write wrote.
/// They may be written until the reservation is published or cancelled, or the process forks. NULL for a NULL reservation.
/// One thread at a time. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_reservation_data(
    reservation: *mut hostcache_reservation_t,
) -> *mut c_void {
    guard_or(std::ptr::null_mut(), || {
        // SAFETY: the arguments are as the header says.
        let reservation = unsafe { handle_mut(reservation, "the reservation") }?;
        Ok(reservation.reservation.as_mut_ptr().cast())
    })
}

/// Length of the value in bytes; 0 for a NULL reservation. One thread at a time. Async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_reservation_len(
    reservation: *const hostcache_reservation_t,
) -> usize {
    // SAFETY: the arguments are as the header says.
    guard_or(0, || Ok(unsafe { handle(reservation, "the reservation") }?.reservation.len()))
}

/// Copies bytes into the value at an offset; beyond its end is HOSTCACHE_TOO_LARGE, and nothing is written.
/// One thread at a time. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_reservation_write(
    reservation: *mut hostcache_reservation_t,
    offset: usize,
    bytes: *const c_void,
    bytes_len: usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (reservation, bytes) = unsafe {
            let reservation = handle_mut(reservation, "the reservation")?;
            (reservation, self::bytes(bytes, bytes_len, "the bytes to write")?)
        };
        reservation.reservation.write_at(offset, bytes)?;
        Ok(HOSTCACHE_OK)
    })
}

/// Stores the value under its key, as hostcache_set_with of the same options would, and ends the reservation, whatever the status: don't
/// use it any more. `*cas_token` is the item's token if it was stored, else 0; NULL if it is not wanted.
/// One thread at a time. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_publish(
    reservation: *mut hostcache_reservation_t,
    cas_token: *mut u64,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let token = unsafe { Out::optional(cas_token, 0) };
        if reservation.is_null() {
            return Err(invalid("the reservation is NULL"));
        }
        // SAFETY: it comes from `Box::into_raw`, and is used by nobody any more (the header).
        let reservation = unsafe { Box::from_raw(reservation) };
        stored(reservation.reservation.publish()?, &token)
    })
}

/// Gives the memory back. NULL is allowed. No other thread may use the reservation any more. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_cancel(reservation: *mut hostcache_reservation_t) {
    // SAFETY: the arguments are as the header says.
    unsafe { end(reservation) };
}
