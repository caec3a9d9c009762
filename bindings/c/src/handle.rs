//! The handle.

use std::ffi::{CString, c_char, c_int};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use hostcache::Cache;

use crate::boundary::{Out, end, guard, guard_or, handle, text};
use crate::status::{HOSTCACHE_OK, Outcome, hostcache_status_t};

/// A cache: one region, attached.
///
/// All threads of a process share a handle. A forked child may go on with it: it attaches by itself at its first operation.
/// Pins, reservations and iterators hold what they need, and outlive the handle.
pub struct hostcache_t {
    cache: Cache,
    /// What [`hostcache_name`] and [`hostcache_path`] hand out.
    name: CString,
    path: CString,
}

impl hostcache_t {
    pub(crate) fn new(cache: Cache) -> Self {
        // Neither has a NUL in it, since the system took them; if one had, it would be shown as empty.
        let name = CString::new(cache.name()).unwrap_or_default();
        let path = CString::new(cache.path().into_os_string().into_vec()).unwrap_or_default();
        Self { cache, name, path }
    }
}

/// The cache behind a handle.
///
/// # Safety
///
/// NULL, or a handle that is open as long as `'a`.
#[inline(always)]
pub(crate) unsafe fn cache<'a>(cache: *const hostcache_t) -> Outcome<&'a Cache> {
    // SAFETY: the caller's.
    Ok(&unsafe { handle(cache, "the cache") }?.cache)
}

/// The same, of a handle that is there.
#[inline(always)]
pub(crate) fn cache_of(handle: &hostcache_t) -> &Cache {
    &handle.cache
}

/// Milliseconds as an optional duration: 0 is none.
pub(crate) fn duration(ms: u64) -> Option<Duration> {
    (ms != 0).then(|| Duration::from_millis(ms))
}

/// Another handle of the same region, with lifetimes of its own: `default_ttl_ms` for items that are set without one, and no
/// item lives longer than `max_ttl_ms` (both in milliseconds, 0: none; the region's own limit can only be lowered).
/// The caller closes both handles, in any order. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_with_lifetimes(
    cache: *mut hostcache_t,
    default_ttl_ms: u64,
    max_ttl_ms: u64,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache) = unsafe { (out_handle(out)?, self::cache(cache)?) };
        let cache = cache.clone();
        let cache = cache.with_default_ttl(duration(default_ttl_ms));
        out.hand_out(hostcache_t::new(cache.with_max_ttl(duration(max_ttl_ms))));
        Ok(HOSTCACHE_OK)
    })
}

/// Where a handle goes; NULL until there is one.
///
/// # Safety
///
/// NULL, or writable as long as this is used.
pub(crate) unsafe fn out_handle<T>(out: *mut *mut T) -> Outcome<Out<*mut T>> {
    // SAFETY: the caller's.
    unsafe { Out::new(out, std::ptr::null_mut(), "where the handle goes") }
}

/// Closes a handle. The region stays, and so do pins, reservations and iterators. NULL is allowed.
/// No other thread may use the handle any more. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_close(cache: *mut hostcache_t) {
    // SAFETY: the arguments are as the header says.
    unsafe { end(cache) };
}

/// Removes a region's name: nobody can open it any more. Who has it open goes on with it; its memory comes back when the last of
/// them is gone. A missing one is HOSTCACHE_NO_REGION.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_destroy(name: *const c_char) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        Cache::destroy(unsafe { text(name, "the name") }?)?;
        Ok(HOSTCACHE_OK)
    })
}

/// The region's name, or the path that was given; "(private)" if it has none. NULL for a NULL handle.
/// The string belongs to the handle, and is good until that is closed. Thread-safe. Async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_name(cache: *const hostcache_t) -> *const c_char {
    // SAFETY: the arguments are as the header says.
    unsafe { cache.as_ref() }.map_or(std::ptr::null(), |handle| handle.name.as_ptr())
}

/// The mapped file; "(private)" if it has no name. NULL for a NULL handle.
/// The string belongs to the handle, and is good until that is closed. Thread-safe. Async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_path(cache: *const hostcache_t) -> *const c_char {
    // SAFETY: the arguments are as the header says.
    unsafe { cache.as_ref() }.map_or(std::ptr::null(), |handle| handle.path.as_ptr())
}

/// Bytes of memory in all, index and bookkeeping included; 0 for a NULL handle, or if a forked child can't attach.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_capacity(cache: *const hostcache_t) -> u64 {
    // SAFETY: the arguments are as the header says.
    guard_or(0, || Ok(unsafe { self::cache(cache) }?.capacity()))
}

/// The largest value that a key of this length can have, in bytes; 0 as for hostcache_capacity.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_max_value_len(
    cache: *const hostcache_t,
    key_len: usize,
) -> usize {
    // SAFETY: the arguments are as the header says.
    guard_or(0, || Ok(unsafe { self::cache(cache) }?.max_value_len(key_len)))
}

/// The region's descriptor, to hand to another process (by inheritance, or over a Unix socket) for hostcache_open_fd there.
/// `*fd` is -1 on failure.
/// It belongs to the handle: don't close it, and use it only while the handle is open. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_fd(
    cache: *mut hostcache_t,
    fd: *mut c_int,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (fd, cache) =
            unsafe { (Out::new(fd, -1, "where the descriptor goes")?, self::cache(cache)?) };
        fd.put(cache.as_fd()?.as_raw_fd());
        Ok(HOSTCACHE_OK)
    })
}
