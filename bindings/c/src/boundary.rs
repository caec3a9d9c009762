//! The border: nothing unwinds across it, and no argument is trusted.
//!
//! A pointer that is not NULL is believed to point to what the header says; everything else about an argument is checked.

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use crate::hostcache_status_t;
use crate::status::{Fault, HOSTCACHE_SYSTEM, HOSTCACHE_TOO_LARGE, Outcome, fault, invalid};

/// The longest key, in bytes.
pub(crate) const MAX_KEY_LEN: usize = 1 << 16;

/// No struct of the header grows beyond this: a larger size is a wild number.
const MAX_STRUCT: usize = 1 << 16;

/// Runs the inside of a C function.
#[inline(always)]
pub(crate) fn guard(operation: impl FnOnce() -> Outcome) -> hostcache_status_t {
    match guarded(operation) {
        Ok(Ok(status)) => status,
        Ok(Err(fault)) => fault.report(),
        Err(status) => status,
    }
}

/// The answer of a part of it, or the status of its panic.
#[inline(always)]
pub(crate) fn guarded<T>(operation: impl FnOnce() -> T) -> Result<T, hostcache_status_t> {
    // What a panic leaves behind is in the region, where any process may stop half-way, or behind the handle, whose parts
    // are atomics: later calls cope with it.
    catch_unwind(AssertUnwindSafe(operation)).map_err(panicked)
}

/// The same for a function that gives a plain answer; `fallback` if that is not to be had.
pub(crate) fn guard_or<T>(fallback: T, operation: impl FnOnce() -> Outcome<T>) -> T {
    match guarded(operation) {
        Ok(Ok(answer)) => answer,
        Ok(Err(fault)) => {
            fault.report();
            fallback
        }
        Err(_) => fallback,
    }
}

#[cold]
fn panicked(payload: Box<dyn std::any::Any + Send>) -> hostcache_status_t {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
    // Dropping an unknown payload might panic once more.
    std::mem::forget(payload);
    let detail = format!("an error within hostcache, please report it: {text}");
    Fault { status: HOSTCACHE_SYSTEM, detail }.report()
}

/// A handle.
///
/// # Safety
///
/// NULL, or a handle of this type that lives as long as `'a`.
#[inline(always)]
pub(crate) unsafe fn handle<'a, T>(handle: *const T, what: &str) -> Outcome<&'a T> {
    // SAFETY: the caller's.
    unsafe { handle.as_ref() }.ok_or_else(|| null(what))
}

/// The same for one that is changed.
///
/// # Safety
///
/// As [`handle`], and nobody else uses it meanwhile.
pub(crate) unsafe fn handle_mut<'a, T>(handle: *mut T, what: &str) -> Outcome<&'a mut T> {
    // SAFETY: the caller's.
    unsafe { handle.as_mut() }.ok_or_else(|| null(what))
}

/// Ends a handle; NULL is allowed.
///
/// # Safety
///
/// NULL, or from `Box::into_raw` and used by nobody any more.
pub(crate) unsafe fn end<T>(handle: *mut T) {
    guard_or((), || {
        if !handle.is_null() {
            // SAFETY: the caller's.
            drop(unsafe { Box::from_raw(handle) });
        }
        Ok(())
    });
}

#[cold]
#[inline(never)]
fn null(what: &str) -> Box<Fault> {
    invalid(format!("{what} is NULL"))
}

/// A key.
///
/// # Safety
///
/// NULL, or as many readable bytes that nobody changes as long as `'a`.
#[inline(always)]
pub(crate) unsafe fn key<'a>(at: *const c_void, len: usize) -> Outcome<&'a [u8]> {
    if at.is_null() || len.wrapping_sub(1) >= MAX_KEY_LEN {
        return Err(bad_key(at, len));
    }
    // SAFETY: the caller's; the length is that of a slice.
    Ok(unsafe { slice::from_raw_parts(at.cast(), len) })
}

#[cold]
#[inline(never)]
fn bad_key(at: *const c_void, len: usize) -> Box<Fault> {
    if at.is_null() {
        return null("the key");
    }
    invalid(format!("a key of {len} bytes is not allowed: keys have 1 to {MAX_KEY_LEN} bytes"))
}

/// Bytes that may be none: NULL then.
///
/// # Safety
///
/// As [`key`].
#[inline(always)]
pub(crate) unsafe fn bytes<'a>(at: *const c_void, len: usize, what: &str) -> Outcome<&'a [u8]> {
    if at.is_null() {
        return if len == 0 { Ok(&[]) } else { Err(null(what)) };
    }
    if len > isize::MAX as usize {
        let detail = format!("{what}: no memory holds {len} bytes");
        return Err(fault(HOSTCACHE_TOO_LARGE, detail));
    }
    // SAFETY: the caller's; the length is that of a slice.
    Ok(unsafe { slice::from_raw_parts(at.cast(), len) })
}

/// Memory to fill, which may be none: NULL then.
///
/// # Safety
///
/// NULL, or as many writable bytes that nobody else uses as long as `'a`.
#[inline(always)]
pub(crate) unsafe fn buffer<'a>(at: *mut c_void, len: usize) -> Outcome<&'a mut [MaybeUninit<u8>]> {
    if at.is_null() || len > isize::MAX as usize {
        return no_buffer(at, len);
    }
    // SAFETY: the caller's; the length is that of a slice.
    Ok(unsafe { slice::from_raw_parts_mut(at.cast(), len) })
}

#[cold]
#[inline(never)]
fn no_buffer<'a>(at: *mut c_void, len: usize) -> Outcome<&'a mut [MaybeUninit<u8>]> {
    match (at.is_null(), len) {
        (true, 0) => Ok(&mut []),
        (true, _) => Err(null("the buffer")),
        (false, len) => Err(invalid(format!("no memory holds a buffer of {len} bytes"))),
    }
}

/// A string in UTF-8.
///
/// # Safety
///
/// NULL, or a string that ends with NUL and that nobody changes as long as `'a`.
pub(crate) unsafe fn text<'a>(at: *const c_char, what: &str) -> Outcome<&'a str> {
    // SAFETY: the caller's.
    unsafe { optional_text(at, what) }?.ok_or_else(|| null(what))
}

/// The same where NULL stands for none.
///
/// # Safety
///
/// As [`text`].
pub(crate) unsafe fn optional_text<'a>(at: *const c_char, what: &str) -> Outcome<Option<&'a str>> {
    if at.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's.
    let text = unsafe { CStr::from_ptr(at) }.to_str();
    text.map(Some).map_err(|_| invalid(format!("{what} is not UTF-8")))
}

/// Where one answer goes.
#[derive(Debug)]
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// An answer that must be taken; `empty` until there is a better one.
    ///
    /// # Safety
    ///
    /// NULL, or writable as long as this is used.
    #[inline(always)]
    pub(crate) unsafe fn new(at: *mut T, empty: T, what: &str) -> Outcome<Self> {
        if at.is_null() {
            return Err(null(what));
        }
        let out = Self(at);
        out.put(empty);
        Ok(out)
    }

    /// An answer that may be left: NULL then.
    ///
    /// # Safety
    ///
    /// As [`Out::new`].
    #[inline(always)]
    pub(crate) unsafe fn optional(at: *mut T, empty: T) -> Self {
        let out = Self(at);
        out.put(empty);
        out
    }

    #[inline(always)]
    pub(crate) fn put(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY: writable (contract of the constructors).
            unsafe { self.0.write(value) };
        }
    }
}

impl<T> Out<*mut T> {
    /// Hands a handle to the caller.
    pub(crate) fn hand_out(&self, handle: T) {
        self.put(Box::into_raw(Box::new(handle)));
    }
}

/// A struct of the header that later versions may make longer: its first field says how long the caller's is.
///
/// # Safety
///
/// `#[repr(C)]`, begins with `size: usize`, and any bytes are a value: integers and pointers.
pub(crate) unsafe trait Growing: Copy {
    /// Its name in the header.
    const NAME: &str;
    /// Its length in the first version of the header, in bytes.
    const FIRST: usize;
}

/// Declares a struct of the header to be [`Growing`].
macro_rules! growing {
    ($name:ident, $first:expr) => {
        const _: () = assert!(std::mem::offset_of!($name, size) == 0);
        const _: () = assert!(std::mem::size_of::<$name>() >= $first);
        // SAFETY: `#[repr(C)]` with the size first; integers and pointers only.
        unsafe impl crate::boundary::Growing for $name {
            const NAME: &str = stringify!($name);
            const FIRST: usize = $first;
        }
    };
}
pub(crate) use growing;

/// The caller's size of a struct, checked.
///
/// # Safety
///
/// Not NULL, and begins with a `size_t` that is readable.
unsafe fn size_of_growing<T: Growing>(at: *const T) -> Outcome<usize> {
    const { assert!(size_of::<T>() <= MAX_STRUCT && T::FIRST >= size_of::<usize>()) };
    // SAFETY: the caller's.
    let size = unsafe { at.cast::<usize>().read_unaligned() };
    if size < T::FIRST || size > MAX_STRUCT {
        let name = T::NAME;
        return Err(invalid(format!(
            "{name}.size is {size}: set it to sizeof({name}), as HOSTCACHE_INIT does"
        )));
    }
    Ok(size)
}

/// Options, `None` for NULL. What a shorter struct lacks is 0; what a longer one has beyond this version must be 0.
///
/// # Safety
///
/// NULL, or as many readable bytes as its first field says.
pub(crate) unsafe fn options<T: Growing>(at: *const T) -> Outcome<Option<T>> {
    if at.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's.
    let given = unsafe {
        let size = size_of_growing(at)?;
        slice::from_raw_parts(at.cast::<u8>(), size)
    };
    let known = given.len().min(size_of::<T>());
    if given[known..].iter().any(|&byte| byte != 0) {
        let detail = "has fields set that this version of the library does not know";
        return Err(invalid(format!("{} {detail}", T::NAME)));
    }
    // SAFETY: any bytes are a value (contract of the trait); `known` of them are readable and writable.
    unsafe {
        let mut options: T = MaybeUninit::zeroed().assume_init();
        ptr::copy_nonoverlapping(given.as_ptr(), (&raw mut options).cast(), known);
        Ok(Some(options))
    }
}

/// A struct to fill.
#[derive(Debug)]
pub(crate) struct OutStruct<T> {
    at: *mut T,
    /// What the caller's holds.
    size: usize,
}

impl<T: Growing> OutStruct<T> {
    /// A struct that must be there.
    ///
    /// # Safety
    ///
    /// NULL, or as many writable bytes as its first field says, as long as this is used.
    pub(crate) unsafe fn new(at: *mut T) -> Outcome<Self> {
        if at.is_null() {
            return Err(null(T::NAME));
        }
        // SAFETY: the caller's.
        let size = unsafe { size_of_growing(at) }?;
        Ok(Self { at, size })
    }

    /// A struct that may be left: NULL then.
    ///
    /// # Safety
    ///
    /// As [`OutStruct::new`].
    pub(crate) unsafe fn optional(at: *mut T) -> Outcome<Option<Self>> {
        if at.is_null() {
            return Ok(None);
        }
        // SAFETY: the caller's.
        unsafe { Self::new(at) }.map(Some)
    }

    /// Fills as much as the caller knows of, and zeroes what the caller knows more of; the size stays.
    pub(crate) fn put(&self, value: &T) {
        const HEAD: usize = size_of::<usize>();
        let known = self.size.min(size_of::<T>());
        // SAFETY: `size` bytes are writable (contract of the constructors), at least the first field's; a value has `known`
        // bytes.
        unsafe {
            let (from, to) = (ptr::from_ref(value).cast::<u8>(), self.at.cast::<u8>());
            ptr::copy_nonoverlapping(from.add(HEAD), to.add(HEAD), known - HEAD);
            ptr::write_bytes(to.add(known), 0, self.size - known);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;
    use crate::status::{HOSTCACHE_INVALID_ARGUMENT, HOSTCACHE_OK, hostcache_error_message};

    fn message() -> String {
        // SAFETY: the text is this thread's, and ends with NUL.
        unsafe { CStr::from_ptr(hostcache_error_message()) }.to_str().expect("UTF-8").to_owned()
    }

    #[test]
    fn a_panic_becomes_a_status_with_its_words() {
        assert_eq!(guard(|| panic!("the {} word", "first")), HOSTCACHE_SYSTEM);
        assert!(message().contains("the first word"), "{}", message());
        assert_eq!(guard_or(7, || panic!("the second")), 7);
        assert!(message().contains("the second"), "{}", message());
        assert_eq!(guard(|| std::panic::panic_any(5)), HOSTCACHE_SYSTEM);
        assert_eq!(guard(|| Ok(HOSTCACHE_OK)), HOSTCACHE_OK);
        assert!(message().contains("please report"), "a success leaves it: {}", message());
    }

    #[test]
    fn a_long_message_is_cut_between_characters_and_has_no_nul_inside() {
        let long = "\0é".repeat(4000);
        assert_eq!(guard(|| Err(invalid(long.clone()))), HOSTCACHE_INVALID_ARGUMENT);
        let kept = message();
        assert!(kept.len() > 1000 && kept.chars().all(|c| c == 'é'), "{kept}");
    }

    #[test]
    fn messages_belong_to_their_threads() {
        guard(|| Err(invalid("mine")));
        std::thread::spawn(|| {
            assert_eq!(message(), "");
            guard(|| Err(invalid("another's")));
        })
        .join()
        .expect("a thread");
        assert_eq!(message(), "mine");
    }
}
