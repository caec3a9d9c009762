//! Reading in place.

use std::ffi::c_void;

use hostcache::Pin;

use crate::boundary::{Out, OutStruct, end, guard, guard_or, handle, key};
use crate::handle::{cache, hostcache_t, out_handle};
use crate::read::hostcache_item_info_t;
use crate::status::{
    HOSTCACHE_INVALID_ARGUMENT, HOSTCACHE_MISS, HOSTCACHE_OK, fault, hostcache_status_t,
};

/// An item held in place: its bytes stay where they are, and as they are, whatever anybody sets, deletes, evicts, clears, closes or
/// destroys.
///
/// Hold pins for as long as they are read: all pins and reservations together hold at most a quarter of the capacity, or one larger item. In a
/// forked child a pin is the parent's: the bytes stay only as long as the parent's pin. All threads may use it.
pub struct hostcache_pin_t {
    pin: Pin,
}

/// Holds a key's item in place. HOSTCACHE_MISS: no such key. HOSTCACHE_NO_SPACE: as many pins, or as many bytes of them, as there may
/// be. Unless it is HOSTCACHE_OK, `*out` is NULL.
/// The caller ends it with hostcache_unpin. Costs about as much as copying two kilobytes, whatever the length. Thread-safe. Not
/// async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_pin(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    out: *mut *mut hostcache_pin_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, key) =
            unsafe { (out_handle(out)?, self::cache(cache)?, self::key(key, key_len)?) };
        let Some(pin) = cache.pin(key)? else { return Ok(HOSTCACHE_MISS) };
        out.hand_out(hostcache_pin_t { pin });
        Ok(HOSTCACHE_OK)
    })
}

/// Where the value lies: hostcache_pin_len readable bytes, aligned to 8, until hostcache_unpin. Never write to them. NULL for a NULL
/// pin.
/// Where a process that may write the region is hostile or broken, they may change under the reader; hostcache_pin_read copies them safely
/// even then. Thread-safe. Async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_pin_data(pin: *const hostcache_pin_t) -> *const c_void {
    // SAFETY: the arguments are as the header says.
    guard_or(std::ptr::null(), || Ok(unsafe { handle(pin, "the pin") }?.pin.as_ptr().cast()))
}

/// Length of the value in bytes; 0 for a NULL pin. Thread-safe. Async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_pin_len(pin: *const hostcache_pin_t) -> usize {
    // SAFETY: the arguments are as the header says.
    guard_or(0, || Ok(unsafe { handle(pin, "the pin") }?.pin.len()))
}

/// What is known of the item; ttl_ms is what is left now, 0 once the deadline has passed. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_pin_info(
    pin: *const hostcache_pin_t,
    info: *mut hostcache_item_info_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, pin) = unsafe { (OutStruct::new(info)?, handle(pin, "the pin")?) };
        out.put(&(&pin.pin.info()).into());
        Ok(HOSTCACHE_OK)
    })
}

/// Copies bytes of the value from an offset on, as many as there are and fit: `*copied`. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_pin_read(
    pin: *const hostcache_pin_t,
    offset: usize,
    buf: *mut c_void,
    buf_len: usize,
    copied: *mut usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, pin) =
            unsafe { (Out::new(copied, 0, "where the count goes")?, handle(pin, "the pin")?) };
        let fits = pin.pin.len().saturating_sub(offset).min(buf_len);
        if fits == 0 {
            return Ok(HOSTCACHE_OK);
        }
        if buf.is_null() {
            return Err(fault(HOSTCACHE_INVALID_ARGUMENT, "the buffer is NULL"));
        }
        // Bytes of C have a value, whatever it is, once they were written; zeroing them settles it.
        // SAFETY: `buf_len` bytes are writable (the header), and `fits` are no more.
        let buf = unsafe {
            std::ptr::write_bytes(buf.cast::<u8>(), 0, fits);
            std::slice::from_raw_parts_mut(buf.cast::<u8>(), fits)
        };
        out.put(pin.pin.read_at(offset, buf));
        Ok(HOSTCACHE_OK)
    })
}

/// Lets an item go. NULL is allowed. No other thread may use the pin any more. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_unpin(pin: *mut hostcache_pin_t) {
    // SAFETY: the arguments are as the header says.
    unsafe { end(pin) };
}
