//! Memory that forked processes share: an anonymous `MAP_SHARED` mapping, seen as words.
//!
//! Everything in it is an [`AtomicU64`], so that several processes may use it at once through plain
//! references, and what is built on it (the floor table, the start line) is safe code.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

/// Zero-filled words that this process shares with the processes that it forks.
pub struct SharedWords {
    start: NonNull<AtomicU64>,
    len: usize,
}

// SAFETY: the mapping is owned, has a fixed address, and is reached only as atomics.
unsafe impl Send for SharedWords {}
// SAFETY: as above; `&SharedWords` gives out nothing but `&[AtomicU64]`.
unsafe impl Sync for SharedWords {}

impl SharedWords {
    /// Maps `len` words and touches all of them, so that no later access waits for a page to be made.
    pub fn new(len: usize) -> io::Result<Self> {
        let bytes = len.checked_mul(size_of::<AtomicU64>()).filter(|&bytes| bytes > 0);
        let bytes = bytes.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no other memory.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_POPULATE,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { start, len })
    }

    /// All words.
    #[inline]
    #[must_use]
    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping has `len` words, is page-aligned, zero-filled (a valid atomic), and lives as
        // long as `self`; other processes change it only through atomics.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for SharedWords {
    fn drop(&mut self) {
        // SAFETY: `new` mapped exactly this range, and no reference outlives `self`.
        // Unmapping a whole mapping cannot fail.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len * size_of::<AtomicU64>()) };
    }
}
