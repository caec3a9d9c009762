//! Walking over the items while others change them.

use std::ffi::c_void;
use std::ptr;

use hostcache::{Items, Keys};

use crate::boundary::{Out, OutStruct, bytes, end, guard, handle, handle_mut};
use crate::handle::{cache, hostcache_t, out_handle};
use crate::read::hostcache_item_info_t;
use crate::status::{HOSTCACHE_CORRUPT, HOSTCACHE_MISS, HOSTCACHE_OK, fault, hostcache_status_t};

/// A walk over keys or items, in no order. A key that is present during the whole walk is met exactly once; one that comes or goes
/// meanwhile may be met or not, and one that is deleted and set anew may be met twice.
///
/// It holds no lock and no item of the region. One thread uses it at a time.
pub struct hostcache_iterator_t {
    walk: Walk,
    /// What the last step handed out.
    key: Vec<u8>,
    value: Vec<u8>,
}

#[derive(Debug)]
enum Walk {
    Keys(Keys),
    Items(Items),
}

/// # Safety
///
/// As the functions below.
unsafe fn begin(
    cache: *mut hostcache_t,
    prefix: *const c_void,
    prefix_len: usize,
    limit: usize,
    out: *mut *mut hostcache_iterator_t,
    with_values: bool,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the caller's.
        let (out, cache, prefix) = unsafe {
            let out = out_handle(out)?;
            (out, self::cache(cache)?, bytes(prefix, prefix_len, "the prefix")?)
        };
        let limit = if limit == 0 { usize::MAX } else { limit };
        let walk = match with_values {
            true => Walk::Items(cache.items().prefix(prefix).limit(limit)),
            false => Walk::Keys(cache.keys().prefix(prefix).limit(limit)),
        };
        out.hand_out(hostcache_iterator_t { walk, key: Vec::new(), value: Vec::new() });
        Ok(HOSTCACHE_OK)
    })
}

/// Begins a walk over the keys that begin with `prefix` (NULL with 0: all), at most `limit` of them (0: no limit). On failure `*out` is
/// NULL.
/// The caller frees it with hostcache_iterator_free. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_keys(
    cache: *mut hostcache_t,
    prefix: *const c_void,
    prefix_len: usize,
    limit: usize,
    out: *mut *mut hostcache_iterator_t,
) -> hostcache_status_t {
    // SAFETY: the arguments are as the header says.
    unsafe { begin(cache, prefix, prefix_len, limit, out, false) }
}

/// hostcache_keys that meets values too, each with its key of one instant. Counts neither as gets nor as uses of the items.
/// The caller frees it with hostcache_iterator_free. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_items(
    cache: *mut hostcache_t,
    prefix: *const c_void,
    prefix_len: usize,
    limit: usize,
    out: *mut *mut hostcache_iterator_t,
) -> hostcache_status_t {
    // SAFETY: the arguments are as the header says.
    unsafe { begin(cache, prefix, prefix_len, limit, out, true) }
}

/// Goes on to the next key: HOSTCACHE_OK, or HOSTCACHE_MISS at the end. `value`, `value_len` and `info` may be NULL; a walk over keys
/// leaves the value NULL with length 0, and `info` as it is.
/// `*key` and `*value` belong to the iterator, and are good until the next call on it. One thread at a time. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_iterator_next(
    iterator: *mut hostcache_iterator_t,
    key: *mut *const c_void,
    key_len: *mut usize,
    value: *mut *const c_void,
    value_len: *mut usize,
    info: *mut hostcache_item_info_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (key, key_len, value, value_len, info, iterator) = unsafe {
            let key = Out::new(key, ptr::null(), "where the key goes");
            let key_len = Out::new(key_len, 0, "where the key's length goes");
            let value = Out::optional(value, ptr::null());
            let value_len = Out::optional(value_len, 0);
            let info = OutStruct::optional(info)?;
            (key?, key_len?, value, value_len, info, handle_mut(iterator, "the iterator")?)
        };
        match &mut iterator.walk {
            Walk::Keys(keys) => {
                let Some(next) = keys.next() else { return Ok(HOSTCACHE_MISS) };
                iterator.key = next;
            }
            Walk::Items(items) => {
                let Some((next, item)) = items.next() else { return Ok(HOSTCACHE_MISS) };
                if let Some(info) = info {
                    info.put(&(&item.info).into());
                }
                (iterator.key, iterator.value) = (next, item.value);
                value.put(iterator.value.as_ptr().cast());
                value_len.put(iterator.value.len());
            }
        }
        key.put(iterator.key.as_ptr().cast());
        key_len.put(iterator.key.len());
        Ok(HOSTCACHE_OK)
    })
}

/// Whether the walk passed over slots because they changed under every look, a million times in a row: HOSTCACHE_CORRUPT; HOSTCACHE_OK in
/// a region that is sound.
/// One thread at a time. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_iterator_check(
    iterator: *const hostcache_iterator_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let skipped = match &unsafe { handle(iterator, "the iterator") }?.walk {
            Walk::Keys(keys) => keys.skipped(),
            Walk::Items(items) => items.skipped(),
        };
        match skipped {
            0 => Ok(HOSTCACHE_OK),
            slots => Err(fault(HOSTCACHE_CORRUPT, format!("the walk passed over {slots} slots"))),
        }
    })
}

/// Ends a walk. NULL is allowed. No other thread may use the iterator any more. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_iterator_free(iterator: *mut hostcache_iterator_t) {
    // SAFETY: the arguments are as the header says.
    unsafe { end(iterator) };
}
