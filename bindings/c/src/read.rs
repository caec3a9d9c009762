//! Reading a key.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::slice;
use std::sync::atomic::{Ordering, compiler_fence};

use hostcache::{Cache, Found, Item, ItemInfo};

use crate::boundary::{MAX_KEY_LEN, Out, OutStruct, buffer, growing, guard, guarded, key};
use crate::handle::{cache, cache_of, hostcache_t};
use crate::status::{
    HOSTCACHE_BUFFER_TOO_SMALL, HOSTCACHE_MISS, HOSTCACHE_NO_SPACE, HOSTCACHE_OK, Outcome, fault,
    hostcache_status_t,
};

/// ttl_ms of an item that does not expire.
pub const HOSTCACHE_NO_TTL: u64 = u64::MAX;

/// What is known of an item beside its bytes, all of one instant. HOSTCACHE_INIT sets `size`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct hostcache_item_info_t {
    pub size: usize,
    /// Length of the value in bytes.
    pub value_len: usize,
    /// The item's version: differs between any two values ever stored in a region.
    pub cas_token: u64,
    /// Milliseconds left; HOSTCACHE_NO_TTL for an item that does not expire.
    pub ttl_ms: u64,
    /// The caller's own 32 bits.
    pub flags: u32,
    /// The kind of the value's bytes, a hostcache_encoding_t or a number of your own, 0 to 255.
    pub encoding: u32,
}

growing!(hostcache_item_info_t, 40);

/// The kind of a value's bytes, as all languages agree on it: HOSTCACHE_BYTES for plain ones. Rust and C write 0 unless told otherwise.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum hostcache_encoding_t {
    HOSTCACHE_BYTES = 0,
    HOSTCACHE_UTF8 = 1,
    /// A decimal integer.
    HOSTCACHE_INTEGER = 2,
    /// A Python pickle.
    HOSTCACHE_PICKLE = 3,
    HOSTCACHE_MSGPACK = 4,
    HOSTCACHE_JSON = 5,
    /// An array with its type and shape.
    HOSTCACHE_ARRAY = 6,
    /// Rust's bincode.
    HOSTCACHE_BINCODE = 7,
}

const _: () = {
    use hostcache::encoding;
    use hostcache_encoding_t::*;
    assert!(HOSTCACHE_BYTES as u8 == encoding::BYTES && HOSTCACHE_UTF8 as u8 == encoding::UTF8);
    assert!(HOSTCACHE_INTEGER as u8 == encoding::INTEGER);
    assert!(HOSTCACHE_PICKLE as u8 == encoding::PICKLE);
    assert!(HOSTCACHE_MSGPACK as u8 == encoding::MSGPACK);
    assert!(HOSTCACHE_JSON as u8 == encoding::JSON && HOSTCACHE_ARRAY as u8 == encoding::ARRAY);
    assert!(HOSTCACHE_BINCODE as u8 == encoding::BINCODE);
};

impl From<&ItemInfo> for hostcache_item_info_t {
    fn from(info: &ItemInfo) -> Self {
        Self {
            size: 0,
            value_len: info.value_len,
            cas_token: info.cas_token.0,
            ttl_ms: info.ttl.map_or(HOSTCACHE_NO_TTL, |ttl| {
                u64::try_from(ttl.as_millis()).unwrap_or(HOSTCACHE_NO_TTL)
            }),
            flags: info.flags,
            encoding: info.encoding.into(),
        }
    }
}

/// Copies a key's value to `buf`. HOSTCACHE_MISS: no such key.
/// `*value_len` is the value's full length on HOSTCACHE_OK and on HOSTCACHE_BUFFER_TOO_SMALL (nothing is copied then; `buf` NULL with
/// `buf_len` 0 asks for the length), else 0. Lock-free: waits for nobody. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_get(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    buf: *mut c_void,
    buf_len: usize,
    value_len: *mut usize,
) -> hostcache_status_t {
    for is_null in [value_len.is_null(), cache.is_null(), key.is_null(), buf.is_null()] {
        if is_null {
            // SAFETY: the arguments are as the header says.
            return unsafe { get_checked(cache, key, key_len, buf, buf_len, value_len) };
        }
        // One after the other: of all at once the compiler makes a vector, at twice the price. This is no instruction.
        compiler_fence(Ordering::SeqCst);
    }
    // SAFETY: none is NULL; else the arguments are as the header says.
    let copied =
        guarded(|| unsafe { copy_value(&*cache, key.cast(), key_len, buf.cast(), buf_len) });
    let (status, len) = copied.unwrap_or_else(|status| (status, 0));
    // SAFETY: not NULL, and writable as the header says.
    unsafe { value_len.write(len) };
    status
}

/// The status of a read, and the value's length. A function of its own, whose registers nothing else needs.
///
/// # Safety
///
/// So many bytes of the key are readable, if a key has so many; and so many of the buffer writable, if a buffer has so many.
#[inline(never)]
unsafe fn copy_value(
    cache: &hostcache_t,
    key: *const u8,
    key_len: usize,
    buf: *mut u8,
    buf_len: usize,
) -> (hostcache_status_t, usize) {
    // As a signed number: a length that no buffer has is less than every value's.
    let room = buf_len as isize;
    if key_len.wrapping_sub(1) < MAX_KEY_LEN {
        // SAFETY: a key has so many bytes.
        let key = unsafe { slice::from_raw_parts(key, key_len) };
        let copied = cache_of(cache).get_quickly_with(key, |found| {
            let len = found.len();
            if len as isize <= room {
                // SAFETY: the buffer has room for them.
                found.copy_to_uninit(unsafe { slice::from_raw_parts_mut(buf.cast(), len) });
            }
            len
        });
        match copied {
            Some(Some(len)) if len as isize <= room => return (HOSTCACHE_OK, len),
            Some(Some(len)) if room >= 0 => return (HOSTCACHE_BUFFER_TOO_SMALL, len),
            Some(None) if room >= 0 => return (HOSTCACHE_MISS, 0),
            _ => {}
        }
    }
    // SAFETY: as this function's.
    unsafe { copy_value_slowly(cache, key, key_len, buf, buf_len) }
}

/// [`copy_value`] of whatever is met.
///
/// # Safety
///
/// As of that.
#[cold]
#[inline(never)]
unsafe fn copy_value_slowly(
    cache: &hostcache_t,
    key: *const u8,
    key_len: usize,
    buf: *mut u8,
    buf_len: usize,
) -> (hostcache_status_t, usize) {
    let mut len = 0;
    // SAFETY: the arguments are as the header says.
    let status =
        unsafe { get_checked(cache, key.cast(), key_len, buf.cast(), buf_len, &raw mut len) };
    (status, len)
}

/// [`hostcache_get`], every argument checked.
///
/// # Safety
///
/// The arguments are as the header says.
#[cold]
#[inline(never)]
unsafe fn get_checked(
    cache: *const hostcache_t,
    key: *const c_void,
    key_len: usize,
    buf: *mut c_void,
    buf_len: usize,
    value_len: *mut usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, key, buf) = unsafe {
            let out = Out::new(value_len, 0, "where the value's length goes")?;
            (out, self::cache(cache)?, self::key(key, key_len)?, buffer(buf, buf_len)?)
        };
        let Some((len, fits)) =
            cache.try_get_with(key, |found| (found.len(), copy_whole(found, buf)))?
        else {
            return Ok(HOSTCACHE_MISS);
        };
        out.put(len);
        Ok(if fits { HOSTCACHE_OK } else { HOSTCACHE_BUFFER_TOO_SMALL })
    })
}

/// Copies a value to the beginning of a buffer if all of it fits.
#[inline(always)]
fn copy_whole(found: &Found<'_>, buf: &mut [MaybeUninit<u8>]) -> bool {
    let room = buf.get_mut(..found.len());
    room.map(|room| found.copy_to_uninit(room)).is_some()
}

/// A read into a buffer, with what is known of the item.
pub(crate) fn get_item(
    cache: &Cache,
    key: &[u8],
    buf: &mut [MaybeUninit<u8>],
    tell: impl FnOnce(&ItemInfo),
) -> Outcome {
    let found = cache.try_get_with(key, |found| (found.info(), copy_whole(found, buf)))?;
    let Some((info, fits)) = found else { return Ok(HOSTCACHE_MISS) };
    tell(&info);
    Ok(if fits { HOSTCACHE_OK } else { HOSTCACHE_BUFFER_TOO_SMALL })
}

/// hostcache_get that also tells what is known of the item, of the same instant. `info` is filled on HOSTCACHE_OK and on
/// HOSTCACHE_BUFFER_TOO_SMALL.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_get_item(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    buf: *mut c_void,
    buf_len: usize,
    info: *mut hostcache_item_info_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, key, buf) = unsafe {
            let out = OutStruct::new(info)?;
            (out, self::cache(cache)?, self::key(key, key_len)?, buffer(buf, buf_len)?)
        };
        get_item(cache, key, buf, |info| out.put(&info.into()))
    })
}

/// What is known of a key's item, without its value. Counts as no get, and as no use of the item. HOSTCACHE_MISS: no such key.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_item_info(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    info: *mut hostcache_item_info_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, key) =
            unsafe { (OutStruct::new(info)?, self::cache(cache)?, self::key(key, key_len)?) };
        let Some(info) = cache.item_info(key) else { return Ok(HOSTCACHE_MISS) };
        out.put(&(&info).into());
        Ok(HOSTCACHE_OK)
    })
}

/// Whether a key is present: HOSTCACHE_OK or HOSTCACHE_MISS. Counts as no get, and as no use of the item.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_contains(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (cache, key) = unsafe { (self::cache(cache)?, self::key(key, key_len)?) };
        Ok(if cache.try_contains(key)? { HOSTCACHE_OK } else { HOSTCACHE_MISS })
    })
}

/// Gives a key's value in memory of its own: `*value`, `*value_len` bytes with one zero byte behind them. HOSTCACHE_MISS: no such
/// key. `info` is filled on HOSTCACHE_OK; NULL if it is not wanted.
/// The caller frees `*value` with hostcache_free; it is NULL unless this is HOSTCACHE_OK. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_get_alloc(
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
        out.give(cache.try_get_item(key)?)
    })
}

/// Frees a value that this library allocated. NULL is allowed. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_free(value: *mut c_void) {
    // SAFETY: NULL, or from `malloc` in `OutValue::give` and used by nobody any more (the header).
    unsafe { libc::free(value) };
}

/// Where a value goes that the library allocates.
#[derive(Debug)]
pub(crate) struct OutValue {
    value: Out<*mut c_void>,
    len: Out<usize>,
    info: Option<OutStruct<hostcache_item_info_t>>,
}

impl OutValue {
    /// # Safety
    ///
    /// Each is NULL or writable as long as this is used; `info` as [`OutStruct::new`] says.
    pub(crate) unsafe fn new(
        value: *mut *mut c_void,
        len: *mut usize,
        info: *mut hostcache_item_info_t,
    ) -> Outcome<Self> {
        // SAFETY: the caller's.
        unsafe {
            let len = Out::new(len, 0, "where the value's length goes");
            let value = Out::new(value, std::ptr::null_mut(), "where the value goes")?;
            Ok(Self { value, len: len?, info: OutStruct::optional(info)? })
        }
    }

    /// The item's value in memory of `malloc`, one zero byte behind it.
    pub(crate) fn give(&self, item: Option<Item>) -> Outcome {
        let Some(item) = item else { return Ok(HOSTCACHE_MISS) };
        let bytes = &item.value;
        // SAFETY: `malloc` takes any size; a vector and one byte more are no more than the largest.
        let memory = unsafe { libc::malloc(bytes.len() + 1) }.cast::<u8>();
        if memory.is_null() {
            let detail = format!("no memory for a value of {} bytes", bytes.len());
            return Err(fault(HOSTCACHE_NO_SPACE, detail));
        }
        // SAFETY: the memory is new and has room for all bytes and one.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len());
            memory.add(bytes.len()).write(0);
        }
        self.value.put(memory.cast());
        self.len.put(bytes.len());
        if let Some(info) = &self.info {
            info.put(&(&item.info).into());
        }
        Ok(HOSTCACHE_OK)
    }
}
