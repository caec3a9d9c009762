//! Status codes, and what a thread was told last.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};

use hostcache::{OpenError, PinError, ReadError, WriteError};

/// How a call ended. Numbers keep their meaning in all versions; later versions may add some, so treat one that you don't
/// know as a failure.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum hostcache_status_t {
    /// Done.
    HOSTCACHE_OK = 0,
    /// No such key, no item left, nobody there. Not a failure.
    HOSTCACHE_MISS = 1,
    /// The key is present (add), or the item carries another token (compare_and_swap); the region exists (create). Nothing
    /// was changed.
    HOSTCACHE_EXISTS = 2,
    /// The value is longer than the buffer: nothing was copied, its length is told.
    HOSTCACHE_BUFFER_TOO_SMALL = 3,
    /// A NULL, a number out of its range, a name, key or setting that is not allowed.
    HOSTCACHE_INVALID_ARGUMENT = 4,
    /// The value is not a counter of ASCII decimal digits.
    HOSTCACHE_NOT_A_NUMBER = 5,
    /// The value is over the region's limit.
    HOSTCACHE_TOO_LARGE = 6,
    /// No region of that name.
    HOSTCACHE_NO_REGION = 7,
    /// The handle is read-only.
    HOSTCACHE_READ_ONLY = 8,
    /// No room: for the region in its filesystem, for the value in the region, for one more participant, pin or
    /// reservation.
    HOSTCACHE_NO_SPACE = 9,
    /// The region has another layout version.
    HOSTCACHE_INCOMPATIBLE = 10,
    /// The file is no region, or the region contradicts itself.
    HOSTCACHE_CORRUPT = 11,
    /// The operating system refused a call, or a file's owner or mode forbids to trust it.
    HOSTCACHE_SYSTEM = 12,
}

pub(crate) use hostcache_status_t::*;

/// What each status is called, by its number.
const NAMES: [&CStr; 13] = [
    c"ok",
    c"miss",
    c"exists",
    c"buffer too small",
    c"invalid argument",
    c"not a number",
    c"too large",
    c"no region",
    c"read-only",
    c"no space",
    c"incompatible layout version",
    c"corrupt",
    c"system error",
];

/// A failure with its text.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) status: hostcache_status_t,
    pub(crate) detail: String,
}

/// What the inside of a C function ends with. The fault is boxed to keep the answer small.
pub(crate) type Outcome<T = hostcache_status_t> = Result<T, Box<Fault>>;

/// An argument that is not allowed.
#[cold]
pub(crate) fn invalid(detail: impl Into<String>) -> Box<Fault> {
    fault(HOSTCACHE_INVALID_ARGUMENT, detail)
}

#[cold]
pub(crate) fn fault(status: hostcache_status_t, detail: impl Into<String>) -> Box<Fault> {
    Box::new(Fault { status, detail: detail.into() })
}

/// Bytes of the longest text that is kept, its NUL included.
const LONGEST: usize = 2048;

thread_local! {
    /// A place that never moves: callers keep a pointer to it.
    static DETAIL: Cell<[u8; LONGEST]> = const { Cell::new([0; LONGEST]) };
}

impl Fault {
    /// Keeps the text for [`hostcache_error_message`].
    #[cold]
    pub(crate) fn report(self) -> hostcache_status_t {
        let end = self.detail.floor_char_boundary(LONGEST - 1);
        let mut text = [0; LONGEST];
        let bytes = self.detail[..end].bytes().filter(|&byte| byte != 0);
        text.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        DETAIL.set(text);
        self.status
    }
}

impl From<OpenError> for Box<Fault> {
    fn from(error: OpenError) -> Self {
        fault(open_status(&error), words(&error))
    }
}

impl From<WriteError> for Box<Fault> {
    fn from(error: WriteError) -> Self {
        let status = match &error {
            WriteError::InvalidKey { .. } | WriteError::ReservationLost { .. } => {
                HOSTCACHE_INVALID_ARGUMENT
            }
            WriteError::TooLarge { .. } => HOSTCACHE_TOO_LARGE,
            WriteError::NoRoom { .. }
            | WriteError::OverBound { .. }
            | WriteError::TooManyReservations { .. } => HOSTCACHE_NO_SPACE,
            WriteError::NotANumber { .. } => HOSTCACHE_NOT_A_NUMBER,
            WriteError::ReadOnly { .. } => HOSTCACHE_READ_ONLY,
            WriteError::Corrupt { .. } => HOSTCACHE_CORRUPT,
            WriteError::Attach(error) => open_status(error),
            // `#[non_exhaustive]`, so the wildcard is required.
            _ => HOSTCACHE_SYSTEM,
        };
        let detail = match &error {
            WriteError::ReadOnly { region } => {
                format!("region {region:?} is open read-only: open it with hostcache_open to write")
            }
            WriteError::Attach(error) => format!("can't take part: {}", words(error)),
            error => error.to_string(),
        };
        fault(status, detail)
    }
}

impl From<ReadError> for Box<Fault> {
    fn from(error: ReadError) -> Self {
        let status = match &error {
            ReadError::InvalidKey { .. } => HOSTCACHE_INVALID_ARGUMENT,
            ReadError::Attach(error) => open_status(error),
            // The value could not be had, which is what a miss says; `get_contended` counts it.
            ReadError::Contended { .. } => HOSTCACHE_MISS,
            ReadError::Corrupt { .. } => HOSTCACHE_CORRUPT,
            _ => HOSTCACHE_SYSTEM,
        };
        fault(status, error.to_string())
    }
}

impl From<Box<ReadError>> for Box<Fault> {
    fn from(error: Box<ReadError>) -> Self {
        (*error).into()
    }
}

impl From<PinError> for Box<Fault> {
    fn from(error: PinError) -> Self {
        let status = match &error {
            PinError::InvalidKey { .. } => HOSTCACHE_INVALID_ARGUMENT,
            PinError::ReadOnly { .. } => HOSTCACHE_READ_ONLY,
            PinError::OverBound { .. } | PinError::TooManyPins { .. } => HOSTCACHE_NO_SPACE,
            PinError::Attach(error) => open_status(error),
            PinError::Contended { .. } => HOSTCACHE_MISS,
            _ => HOSTCACHE_SYSTEM,
        };
        fault(status, error.to_string())
    }
}

/// What an error says, with C's names for what to do.
fn words(error: &OpenError) -> String {
    match error {
        OpenError::Missing { region, path } => format!(
            "no region {region:?} at {}: make one with hostcache_create or hostcache_open_or_create and a capacity, or by \
             `hostcache create {region} --capacity 256MiB`",
            path.display()
        ),
        OpenError::CapacityDiffers { region, wanted, actual } => format!(
            "region {region:?} has a capacity of {actual} bytes, {wanted} were asked for: leave HOSTCACHE_EXACT out to take it \
             as it is, or destroy it and create it anew"
        ),
        OpenError::TooManyParticipants { region, slots } => format!(
            "all {slots} participant slots of region {region:?} are held by living threads: end some of them, open it \
             read-only, or create the region with more (hostcache_options_t.participants)"
        ),
        error => error.to_string(),
    }
}

fn open_status(error: &OpenError) -> hostcache_status_t {
    match error {
        OpenError::InvalidName { .. }
        | OpenError::InvalidSetting { .. }
        | OpenError::Unsupported { .. } => HOSTCACHE_INVALID_ARGUMENT,
        OpenError::Missing { .. } => HOSTCACHE_NO_REGION,
        OpenError::Exists { .. } | OpenError::CapacityDiffers { .. } => HOSTCACHE_EXISTS,
        OpenError::NoSpace { .. } | OpenError::TooManyParticipants { .. } => HOSTCACHE_NO_SPACE,
        OpenError::Incompatible { .. } => HOSTCACHE_INCOMPATIBLE,
        OpenError::NotARegion { .. } | OpenError::Corrupt { .. } => HOSTCACHE_CORRUPT,
        // Refused, System, and what later versions add.
        _ => HOSTCACHE_SYSTEM,
    }
}

/// A status in a word or two, for messages: "no region". Any number is allowed.
/// The string is static. Thread-safe. Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn hostcache_status_str(status: c_int) -> *const c_char {
    let name = usize::try_from(status).ok().and_then(|number| NAMES.get(number));
    name.copied().unwrap_or(c"unknown status").as_ptr()
}

/// What went wrong in the last call of this thread that failed: what was tried, on which region, what the system answered, what to
/// do. A miss, an unmet condition and a small buffer are no failures, and leave it as it is. Empty if there was none.
/// The string is the thread's: it lives as long as that, and changes with its next failure. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn hostcache_error_message() -> *const c_char {
    DETAIL.with(|detail| detail.as_ptr().cast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_name_and_other_numbers_are_unknown() {
        let text = |status: c_int| {
            // SAFETY: the strings are static.
            unsafe { CStr::from_ptr(hostcache_status_str(status)) }.to_str().expect("ASCII")
        };
        assert_eq!(text(HOSTCACHE_OK as c_int), "ok");
        assert_eq!(text(HOSTCACHE_BUFFER_TOO_SMALL as c_int), "buffer too small");
        assert_eq!(text(HOSTCACHE_SYSTEM as c_int), "system error");
        for unknown in [-1, 13, c_int::MIN, c_int::MAX] {
            assert_eq!(text(unknown), "unknown status");
        }
    }
}
