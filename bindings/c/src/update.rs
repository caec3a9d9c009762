//! Changing what is there: counters, ends of values, lifetimes, ends of items.

use std::ffi::c_void;

use hostcache::{Cache, CounterOptions, WriteError};

use crate::boundary::{self, Out, bytes, growing, guard, key};
use crate::handle::{cache, duration, hostcache_t};
use crate::read::{OutValue, hostcache_item_info_t};
use crate::status::{HOSTCACHE_MISS, HOSTCACHE_OK, Outcome, hostcache_status_t, invalid};
use crate::write::{lifetime, plain_lifetime};

/// Options of a counter. HOSTCACHE_INIT sets `size`, and all the rest to 0: a missing key stays missing.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_counter_options_t {
    pub size: usize,
    /// What a missing key becomes, if `has_initial`. The delta is not applied to it, as in Memcached.
    pub initial: u64,
    /// TTL in milliseconds of a counter that this call makes (0: none); an existing one keeps its own.
    pub ttl_ms: u64,
    /// 1: `initial` counts. 0: a missing key is HOSTCACHE_MISS.
    pub has_initial: u32,
    /// Leave it 0.
    pub reserved: u32,
}

growing!(hostcache_counter_options_t, 32);

impl hostcache_counter_options_t {
    fn build(&self) -> Outcome<CounterOptions> {
        let mut options = CounterOptions::new();
        match self.has_initial {
            0 => {}
            1 => options = options.initial(self.initial),
            other => return Err(invalid(format!("has_initial is {other}: 0 or 1"))),
        }
        if self.reserved != 0 {
            return Err(invalid("hostcache_counter_options_t.reserved is not 0"));
        }
        Ok(duration(self.ttl_ms).map_or(options, |ttl| options.ttl(ttl)))
    }
}

/// An optional answer: what it is, or a miss.
fn put<T>(out: &Out<T>, answer: Option<T>) -> Outcome {
    let Some(answer) = answer else { return Ok(HOSTCACHE_MISS) };
    out.put(answer);
    Ok(HOSTCACHE_OK)
}

fn hit(there: bool) -> Outcome {
    Ok(if there { HOSTCACHE_OK } else { HOSTCACHE_MISS })
}

type Count = fn(&Cache, &[u8], u64, &CounterOptions) -> Result<Option<u64>, WriteError>;

/// # Safety
///
/// As the functions below.
unsafe fn count(
    cache: *mut hostcache_t,
    (key, key_len): (*const c_void, usize),
    by: u64,
    options: *const hostcache_counter_options_t,
    value: *mut u64,
    count: Count,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the caller's.
        let (out, cache, key, options) = unsafe {
            let out = Out::optional(value, 0);
            (out, self::cache(cache)?, self::key(key, key_len)?, boundary::options(options)?)
        };
        let options = options.map_or(Ok(CounterOptions::new()), |options| options.build())?;
        put(&out, count(cache, key, by, &options)?)
    })
}

/// Adds to a counter (a value of ASCII decimal digits), wrapping at 2^64. `*value` is what it is then, 0 if this is not
/// HOSTCACHE_OK; NULL if it is not wanted. HOSTCACHE_MISS: no such key.
/// Linearizable: of all that several processes add at once nothing is lost. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_increment(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    by: u64,
    value: *mut u64,
) -> hostcache_status_t {
    let increment: Count = |cache, key, by, options| cache.increment_with(key, by, options);
    // SAFETY: the arguments are as the header says.
    unsafe { count(cache, (key, key_len), by, std::ptr::null(), value, increment) }
}

/// Subtracts from a counter, stopping at 0; else as hostcache_increment. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_decrement(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    by: u64,
    value: *mut u64,
) -> hostcache_status_t {
    let decrement: Count = |cache, key, by, options| cache.decrement_with(key, by, options);
    // SAFETY: the arguments are as the header says.
    unsafe { count(cache, (key, key_len), by, std::ptr::null(), value, decrement) }
}

/// hostcache_increment with options (NULL: none): what a missing key becomes. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_increment_with(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    by: u64,
    options: *const hostcache_counter_options_t,
    value: *mut u64,
) -> hostcache_status_t {
    let increment: Count = |cache, key, by, options| cache.increment_with(key, by, options);
    // SAFETY: the arguments are as the header says.
    unsafe { count(cache, (key, key_len), by, options, value, increment) }
}

/// hostcache_decrement with options (NULL: none): what a missing key becomes. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_decrement_with(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    by: u64,
    options: *const hostcache_counter_options_t,
    value: *mut u64,
) -> hostcache_status_t {
    let decrement: Count = |cache, key, by, options| cache.decrement_with(key, by, options);
    // SAFETY: the arguments are as the header says.
    unsafe { count(cache, (key, key_len), by, options, value, decrement) }
}

/// Adds bytes behind a value. TTL, flags and encoding stay, the token is a new one. `*value_len` is the value's new length, 0 if this
/// is not HOSTCACHE_OK; NULL if it is not wanted. HOSTCACHE_MISS: no such key.
/// Linearizable: of all that several processes append at once nothing is lost. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_append(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    bytes: *const c_void,
    bytes_len: usize,
    value_len: *mut usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, key, bytes) = unsafe {
            let out = Out::optional(value_len, 0);
            let bytes = self::bytes(bytes, bytes_len, "the bytes to append");
            (out, self::cache(cache)?, self::key(key, key_len)?, bytes?)
        };
        put(&out, cache.append(key, bytes)?)
    })
}

/// Adds bytes before a value; else as hostcache_append. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_prepend(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    bytes: *const c_void,
    bytes_len: usize,
    value_len: *mut usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, key, bytes) = unsafe {
            let out = Out::optional(value_len, 0);
            let bytes = self::bytes(bytes, bytes_len, "the bytes to prepend");
            (out, self::cache(cache)?, self::key(key, key_len)?, bytes?)
        };
        put(&out, cache.prepend(key, bytes)?)
    })
}

/// Gives an item a new lifetime: `ttl_ms` milliseconds from now (0: none, the default). Value and token stay. HOSTCACHE_MISS: no
/// such key.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_touch(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    ttl_ms: u64,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (cache, key) = unsafe { (self::cache(cache)?, self::key(key, key_len)?) };
        hit(cache.touch(key, plain_lifetime(ttl_ms))?)
    })
}

/// hostcache_touch with any lifetime: a hostcache_lifetime_t, and the time that it speaks of.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_touch_with(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    lifetime: u32,
    time_ms: u64,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (cache, key) = unsafe { (self::cache(cache)?, self::key(key, key_len)?) };
        hit(cache.touch(key, self::lifetime(lifetime, time_ms)?)?)
    })
}

/// Gives an item a new lifetime (as hostcache_touch_with) and reads it (as hostcache_get_alloc), at one instant. HOSTCACHE_MISS: no
/// such key.
/// The caller frees `*value` with hostcache_free; it is NULL unless this is HOSTCACHE_OK. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_get_and_touch(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    lifetime: u32,
    time_ms: u64,
    value: *mut *mut c_void,
    value_len: *mut usize,
    info: *mut hostcache_item_info_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, key) = unsafe {
            let out = OutValue::new(value, value_len, info)?;
            (out, self::cache(cache)?, self::key(key, key_len)?)
        };
        out.give(cache.get_item_and_touch(key, self::lifetime(lifetime, time_ms)?)?)
    })
}

/// Ends a key's item. HOSTCACHE_MISS: there was none.
/// Linearizable and lock-free. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_delete(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (cache, key) = unsafe { (self::cache(cache)?, self::key(key, key_len)?) };
        hit(cache.delete(key)?)
    })
}

/// Ends a key's item and gives its value (as hostcache_get_alloc), at one instant: of all who take it at once exactly one gets it.
/// HOSTCACHE_MISS: there was none.
/// The caller frees `*value` with hostcache_free; it is NULL unless this is HOSTCACHE_OK. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_take(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    value: *mut *mut c_void,
    value_len: *mut usize,
    info: *mut hostcache_item_info_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, key) = unsafe {
            let out = OutValue::new(value, value_len, info)?;
            (out, self::cache(cache)?, self::key(key, key_len)?)
        };
        out.give(cache.take_item(key)?)
    })
}

/// Ends the items of all keys that begin with `prefix`. `*deleted` is how many there were; NULL if it is not wanted. An item that
/// is set meanwhile may stay or go. Takes time in proportion to the region's index.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_delete_prefix(
    cache: *mut hostcache_t,
    prefix: *const c_void,
    prefix_len: usize,
    deleted: *mut u64,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, prefix) = unsafe {
            let out = Out::optional(deleted, 0);
            (out, self::cache(cache)?, bytes(prefix, prefix_len, "the prefix")?)
        };
        out.put(cache.delete_prefix(prefix)?);
        Ok(HOSTCACHE_OK)
    })
}

/// Ends every item, at one instant, for all processes. Takes no longer for many items than for few.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_clear(cache: *mut hostcache_t) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        unsafe { self::cache(cache) }?.clear()?;
        Ok(HOSTCACHE_OK)
    })
}
