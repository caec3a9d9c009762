//! A mapping: one process's view of a region's bytes.
//!
//! The bytes behind the pointer may change at any moment by any other process, so this module
//! never forms a reference or a slice over them and hands out nothing but an address and a length.
//! How to read and write them is the business of the code above.

use crate::error::OsError;
use crate::file::file_len;
use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr::NonNull;

/// A shared mapping of the first bytes of a file, unmapped on drop.
///
/// It does not need the file any more: the file may be closed, renamed or unlinked. It must not
/// be truncated: an access beyond the end of the file ends with SIGBUS.
#[derive(Debug)]
pub struct Mapping {
    // `MmapRaw` is `Send + Sync`, and so is this.
    raw: Raw,
    address: NonNull<u8>,
    writable: bool,
}

/// Who unmaps.
#[derive(Debug)]
enum Raw {
    Anywhere(MmapRaw),
    Aligned(Reservation),
    #[cfg(feature = "shared_memory")]
    Segment(crate::segment::Segment),
}

/// Addresses that were reserved, and are unmapped with whatever is mapped there.
#[derive(Debug)]
struct Reservation {
    start: *mut libc::c_void,
    len: usize,
    /// How many of the bytes, from an aligned one on, are the file's.
    mapped: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: the addresses were reserved by this value's maker, and nobody uses them after it.
        unsafe { libc::munmap(self.start, self.len) };
    }
}

// SAFETY: `address` is the start of `raw`, which may be used from any thread; it is only kept
// beside it to spare a check for null. Unmapping needs ownership. A segment is a mapping, a
// descriptor and a name, none of which belongs to a thread.
unsafe impl Send for Mapping {}
// SAFETY: a shared `Mapping` gives out an address and two numbers, and changes nothing. Access to
// the bytes is `unsafe` code elsewhere, which answers for its own ordering.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of `file`, shared with every other mapping of it.
    ///
    /// With `writable` false the pages are `PROT_READ` and the file may be open read-only. A file
    /// shorter than `len` is refused here, where it is an error and not yet a SIGBUS.
    pub fn map(file: &File, len: usize, writable: bool) -> Result<Self, OsError> {
        let fail = |source| OsError::new("mmap", Path::new(""), source);
        if len == 0 {
            return Err(fail(io::Error::new(io::ErrorKind::InvalidInput, "a length of 0 bytes")));
        }
        check_len(file, len)?;
        let mut options = MmapOptions::new();
        options.len(len);
        let raw = if writable { options.map_raw(file) } else { options.map_raw_read_only(file) }
            .map_err(fail)?;
        let address = NonNull::new(raw.as_mut_ptr())
            .ok_or_else(|| fail(io::Error::other("the system chose address 0")))?;
        Ok(Self { raw: Raw::Anywhere(raw), address, writable })
    }

    /// As [`Mapping::map`], at an address that is a multiple of `align` (a power of two, at least a page): a huge
    /// page is only seen as one at a multiple of its size.
    pub fn map_aligned(
        file: &File,
        len: usize,
        writable: bool,
        align: usize,
    ) -> Result<Self, OsError> {
        let fail = |source| OsError::new("mmap", Path::new(""), source);
        let invalid = |text: String| fail(io::Error::new(io::ErrorKind::InvalidInput, text));
        let reserved = len.checked_add(align).filter(|_| len > 0 && align.is_power_of_two());
        let Some(reserved) = reserved else {
            return Err(invalid(format!("{len} bytes aligned to {align}")));
        };
        check_len(file, len)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: the system chooses the addresses, so that nothing else is mapped there.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), reserved, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(fail(io::Error::last_os_error()));
        }
        let reservation = Reservation { start, len: reserved, mapped: len };
        let skipped = start.align_offset(align);
        if skipped > align {
            return Err(invalid(format!("no address aligned to {align}")));
        }
        let protection =
            if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        let flags = libc::MAP_SHARED | libc::MAP_FIXED;
        // SAFETY: at most `align` bytes are skipped, so the new mapping lies within the reservation, which it
        // replaces in part.
        let address = unsafe {
            let wanted = start.add(skipped);
            libc::mmap(wanted, len, protection, flags, file.as_raw_fd(), 0)
        };
        match NonNull::new(address.cast::<u8>()) {
            Some(address) if address.as_ptr().cast() != libc::MAP_FAILED => {
                Ok(Self { raw: Raw::Aligned(reservation), address, writable })
            }
            _ => Err(fail(io::Error::last_os_error())),
        }
    }

    /// The mapping of a named segment.
    #[cfg(feature = "shared_memory")]
    pub fn of_segment(segment: crate::segment::Segment) -> Self {
        let address = segment.address();
        Self { raw: Raw::Segment(segment), address, writable: true }
    }

    /// Is it a named segment, and no file?
    pub fn is_named_segment(&self) -> bool {
        #[cfg(feature = "shared_memory")]
        return matches!(self.raw, Raw::Segment(_));
        #[cfg(not(feature = "shared_memory"))]
        false
    }

    /// Address of the first byte, on a page boundary, valid for [`Mapping::len`] bytes as long as
    /// `self` lives.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.address
    }

    /// How many bytes are mapped; never 0.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // an empty mapping does not exist
    pub fn len(&self) -> usize {
        match &self.raw {
            Raw::Anywhere(raw) => raw.len(),
            Raw::Aligned(reservation) => reservation.mapped,
            #[cfg(feature = "shared_memory")]
            Raw::Segment(segment) => segment.len(),
        }
    }

    /// May this process write through the mapping?
    #[inline]
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Keeps the bytes out of core dumps: they are many, and other people's data.
    pub fn dont_dump(&self) -> Result<(), OsError> {
        self.call("madvise(MADV_DONTDUMP)", libc::MADV_DONTDUMP, 0, self.len())
    }

    /// Takes the page faults of `len` bytes from `offset` on now instead of at first use. Called
    /// in steps, no step takes long.
    ///
    /// Unlike `MAP_POPULATE` it reports a failure. Needs Linux 5.14; older systems answer with
    /// *invalid argument*, and nothing is lost but time at first use.
    pub fn populate(&self, offset: usize, len: usize) -> Result<(), OsError> {
        let advice =
            if self.writable { libc::MADV_POPULATE_WRITE } else { libc::MADV_POPULATE_READ };
        self.call("madvise(MADV_POPULATE)", advice, offset, len)
    }

    /// Advice on whole pages.
    pub(crate) fn call(
        &self,
        operation: &'static str,
        advice: libc::c_int,
        offset: usize,
        len: usize,
    ) -> Result<(), OsError> {
        let fail = |source| OsError::new(operation, Path::new(""), source);
        if offset.checked_add(len).is_none_or(|end| end > self.len()) {
            let text = format!("bytes {offset} and {len} more of a mapping of {}", self.len());
            return Err(fail(io::Error::new(io::ErrorKind::InvalidInput, text)));
        }
        // SAFETY: the range lies within the mapping. None of the callers' advice gives pages up.
        let answer =
            unsafe { libc::madvise(self.address.as_ptr().add(offset).cast(), len, advice) };
        if answer == 0 { Ok(()) } else { Err(fail(io::Error::last_os_error())) }
    }
}

/// Refuses to map what the file does not have.
fn check_len(file: &File, len: usize) -> Result<(), OsError> {
    let actual = file_len(file)?;
    if actual >= len as u64 {
        return Ok(());
    }
    let text = format!("the file has {actual} bytes where {len} are to be mapped");
    let short = io::Error::new(io::ErrorKind::UnexpectedEof, text);
    Err(OsError::new("mmap", Path::new(""), short))
}
