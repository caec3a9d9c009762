//! Many keys in one call.

use std::ffi::c_void;

use hostcache::Cache;

use crate::boundary::{Out, buffer, bytes, guard, key};
use crate::handle::{cache, hostcache_t};
use crate::read::{HOSTCACHE_NO_TTL, get_item, hostcache_item_info_t};
use crate::status::{HOSTCACHE_MISS, HOSTCACHE_OK, Outcome, hostcache_status_t, invalid};
use crate::write::{hostcache_set_options_t, set_options, stored};

/// One key of hostcache_get_many: what is asked, and behind it the answer.
#[repr(C)]
#[derive(Debug)]
pub struct hostcache_get_request_t {
    pub key: *const c_void,
    pub key_len: usize,
    /// Where the value goes.
    pub buf: *mut c_void,
    /// How much fits there, in bytes.
    pub buf_len: usize,
    /// Answer: as of hostcache_get.
    pub value_len: usize,
    /// Answer: the item's version.
    pub cas_token: u64,
    /// Answer: milliseconds left; HOSTCACHE_NO_TTL for an item that does not expire.
    pub ttl_ms: u64,
    /// Answer: the caller's own 32 bits.
    pub flags: u32,
    /// Answer: the kind of the value's bytes.
    pub encoding: u32,
    /// Answer: as of hostcache_get.
    pub status: hostcache_status_t,
}

/// One key of hostcache_set_many: what is asked, and behind it the answer.
#[repr(C)]
#[derive(Debug)]
pub struct hostcache_set_request_t {
    pub key: *const c_void,
    pub key_len: usize,
    pub value: *const c_void,
    pub value_len: usize,
    /// Answer: the item's token if it was stored, else 0.
    pub cas_token: u64,
    /// Answer: as of hostcache_set_with.
    pub status: hostcache_status_t,
}

/// One key of hostcache_delete_many: what is asked, and behind it the answer.
#[repr(C)]
#[derive(Debug)]
pub struct hostcache_delete_request_t {
    pub key: *const c_void,
    pub key_len: usize,
    /// Answer: as of hostcache_delete.
    pub status: hostcache_status_t,
}

/// A request has a key, and gets an answer.
trait Request {
    /// The key's two words.
    ///
    /// # Safety
    ///
    /// Readable.
    unsafe fn key(at: *const Self) -> (*const c_void, usize);

    /// Empties the answer.
    ///
    /// # Safety
    ///
    /// Writable.
    unsafe fn clear(at: *mut Self);

    /// # Safety
    ///
    /// Writable.
    unsafe fn answer(at: *mut Self, status: hostcache_status_t);
}

macro_rules! requests {
    ($($name:ident, $clear:expr;)*) => {$(
        impl Request for $name {
            unsafe fn key(at: *const Self) -> (*const c_void, usize) {
                // SAFETY: readable (contract). Field by field: the answers may be uninitialised.
                unsafe { ((&raw const (*at).key).read(), (&raw const (*at).key_len).read()) }
            }

            unsafe fn clear(at: *mut Self) {
                let clear: unsafe fn(*mut Self) = $clear;
                // SAFETY: writable (contract).
                unsafe { clear(at) };
            }

            unsafe fn answer(at: *mut Self, status: hostcache_status_t) {
                // SAFETY: writable (contract).
                unsafe { (&raw mut (*at).status).write(status) };
            }
        }
    )*};
}

requests!(
    hostcache_get_request_t, |at| {
        let none = hostcache_item_info_t { ttl_ms: HOSTCACHE_NO_TTL, ..Default::default() };
        // SAFETY: writable (contract of `Request::clear`).
        unsafe { tell(at, &none) };
    };
    // SAFETY: writable (contract of `Request::clear`).
    hostcache_set_request_t, |at| unsafe { (&raw mut (*at).cas_token).write(0) };
    hostcache_delete_request_t, |_| ();
);

/// # Safety
///
/// Writable.
unsafe fn tell(request: *mut hostcache_get_request_t, info: &hostcache_item_info_t) {
    // SAFETY: writable (contract).
    unsafe {
        (&raw mut (*request).value_len).write(info.value_len);
        (&raw mut (*request).cas_token).write(info.cas_token);
        (&raw mut (*request).ttl_ms).write(info.ttl_ms);
        (&raw mut (*request).flags).write(info.flags);
        (&raw mut (*request).encoding).write(info.encoding);
    }
}

/// Serves every request in order, the memory of those that come next asked for beforehand.
///
/// # Safety
///
/// NULL, or so many requests, readable and writable; their keys as [`key`] says.
unsafe fn serve<R: Request>(
    cache: &Cache,
    requests: *mut R,
    count: usize,
    mut operation: impl FnMut(*mut R, &[u8]) -> Outcome,
) -> Outcome {
    if count == 0 {
        return Ok(HOSTCACHE_OK);
    }
    if requests.is_null() || count > isize::MAX as usize / size_of::<R>() {
        return Err(invalid("the requests are NULL, or more than memory holds"));
    }
    let mut next = 0;
    while next < count {
        let chunk = (count - next).min(Cache::BATCH);
        let mut keys: [&[u8]; Cache::BATCH] = [&[]; Cache::BATCH];
        let key_of = |index: usize| {
            // SAFETY: within the array, which the caller vouches for.
            unsafe {
                let (at, len) = R::key(requests.add(index));
                key(at, len)
            }
        };
        for (index, found) in keys[..chunk].iter_mut().enumerate() {
            *found = key_of(next + index).unwrap_or_default();
        }
        cache.prefetch(&keys[..chunk]);
        for index in next..next + chunk {
            // SAFETY: within the array.
            let request = unsafe { requests.add(index) };
            // SAFETY: within the array, writable.
            unsafe { R::clear(request) };
            let status = key_of(index).and_then(|key| operation(request, key));
            // SAFETY: within the array, writable.
            unsafe { R::answer(request, status.unwrap_or_else(|fault| fault.report())) };
        }
        next += chunk;
    }
    Ok(HOSTCACHE_OK)
}

/// hostcache_get_item for many keys, faster than one by one: each request is answered in place, with a status of its own. A key may
/// come several times. The call itself fails only for a NULL.
/// Each key is an operation of its own: the batch is not one event. The error message is that of the last request that failed.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_get_many(
    cache: *mut hostcache_t,
    requests: *mut hostcache_get_request_t,
    count: usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        unsafe {
            let cache = self::cache(cache)?;
            serve(cache, requests, count, |request, key| get_one(cache, request, key))
        }
    })
}

/// # Safety
///
/// A request as the header says.
unsafe fn get_one(cache: &Cache, request: *mut hostcache_get_request_t, key: &[u8]) -> Outcome {
    // SAFETY: readable, and the buffer is as the header says.
    let buf = unsafe {
        buffer((&raw const (*request).buf).read(), (&raw const (*request).buf_len).read())
    }?;
    // SAFETY: writable (contract).
    get_item(cache, key, buf, |info| unsafe { tell(request, &info.into()) })
}

/// hostcache_set_with for many keys, in the order given, with the same options for all (NULL: none): each request is answered in place,
/// with a status of its own. Others may see some before the rest is there. The call itself fails only for a NULL or for options
/// that are not allowed, and then does nothing.
/// The error message is that of the last request that failed. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_set_many(
    cache: *mut hostcache_t,
    requests: *mut hostcache_set_request_t,
    count: usize,
    options: *const hostcache_set_options_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        unsafe {
            let (cache, options) = (self::cache(cache)?, set_options(options)?);
            serve(cache, requests, count, |request, key| {
                let token = Out::optional(&raw mut (*request).cas_token, 0);
                let (value, len) = ((*request).value, (*request).value_len);
                let value = bytes(value, len, "the value")?;
                stored(cache.set_with(key, value, &options)?, &token)
            })
        }
    })
}

/// hostcache_delete for many keys, in the order given: each request is answered in place, with a status of its own. The call itself
/// fails only for a NULL.
/// The error message is that of the last request that failed. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_delete_many(
    cache: *mut hostcache_t,
    requests: *mut hostcache_delete_request_t,
    count: usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        unsafe {
            let cache = self::cache(cache)?;
            serve(cache, requests, count, |_, key| {
                Ok(if cache.delete(key)? { HOSTCACHE_OK } else { HOSTCACHE_MISS })
            })
        }
    })
}
