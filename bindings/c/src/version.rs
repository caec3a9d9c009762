//! Versions.

use std::ffi::{CStr, c_char};

use hostcache::LAYOUT_VERSION;

/// The library's version, as HOSTCACHE_VERSION has the header's: "1.2.3".
/// The string is static. Thread-safe. Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn hostcache_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"unknown",
        };
    VERSION.as_ptr()
}

/// Version of the regions' byte format that this library reads and writes. Not the library's version: it changes only when the
/// bytes do.
/// Thread-safe. Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn hostcache_layout_version() -> u32 {
    LAYOUT_VERSION
}
