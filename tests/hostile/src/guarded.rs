//! A region's memory with nothing around it: every access beside it ends the process.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use hostcache_core::Memory;

/// Bytes without access on either side: what a location of 34 bits reaches, twice.
const REACH: usize = 256 << 30;
/// Where the system gives no such range of addresses.
const LESS: usize = 1 << 30;

/// Shared with forked children; between two ranges of addresses that nobody may touch.
#[derive(Debug)]
pub struct Guarded {
    start: *mut libc::c_void,
    reserved: usize,
    base: NonNull<u64>,
    words: usize,
}

impl Guarded {
    /// Room for so many words, rounded up to pages: the last word ends where the guard begins.
    #[must_use]
    pub fn new(words: usize) -> Self {
        Self::over(words, None)
    }

    /// The same, of a file that has so many bytes.
    #[must_use]
    pub fn over(words: usize, file: Option<BorrowedFd<'_>>) -> Self {
        let bytes = (words * 8).next_multiple_of(4096);
        let (start, reach) = [REACH, LESS]
            .into_iter()
            .find_map(|reach| Some((reserve(2 * reach + bytes)?, reach)))
            .unwrap_or_else(|| panic!("reserving addresses: {}", io::Error::last_os_error()));
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let (kind, fd) = match file {
            None => (libc::MAP_ANONYMOUS, -1),
            Some(file) => (0, file.as_raw_fd()),
        };
        let kind = kind | libc::MAP_SHARED | libc::MAP_FIXED;
        // SAFETY: the new mapping lies within the reservation, which it replaces in part.
        let inside = unsafe { libc::mmap(start.byte_add(reach), bytes, access, kind, fd, 0) };
        assert_ne!(inside, libc::MAP_FAILED, "mapping: {}", io::Error::last_os_error());
        // SAFETY: fewer bytes than were mapped, so that the end is the mapping's.
        let base = unsafe { inside.byte_add(bytes - words * 8) };
        let base = NonNull::new(base.cast()).unwrap_or_else(|| unreachable!("no mapping is at 0"));
        Self { start, reserved: 2 * reach + bytes, base, words }
    }

    /// The words as the core sees them.
    #[must_use]
    pub fn memory(&self) -> Memory {
        // SAFETY: mapped until `self` is dropped, which every user of this crate outlives by its process; no
        // reference but to atomics is formed over it.
        unsafe { Memory::from_raw(self.base, self.words) }
    }

    /// How many words there are.
    #[must_use]
    pub fn words(&self) -> u64 {
        self.words as u64
    }

    /// Address of the first word.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.base.as_ptr().addr() as u64
    }

    /// One word.
    #[must_use]
    pub fn word(&self, index: u64) -> &AtomicU64 {
        assert!(index < self.words());
        // SAFETY: in bounds, aligned and mapped; every access is atomic and of this width.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(index as usize)) }
    }

    /// Loads one word.
    #[must_use]
    pub fn load(&self, index: u64) -> u64 {
        self.word(index).load(Ordering::Relaxed)
    }

    /// Stores one word.
    pub fn store(&self, index: u64, word: u64) {
        self.word(index).store(word, Ordering::Relaxed);
    }

    /// Makes it an image.
    pub fn restore(&self, image: &[u64]) {
        assert_eq!(image.len(), self.words);
        // SAFETY: as many words as were mapped; whoever else accesses them is a hostile writer by intent, or stands
        // still.
        unsafe { self.base.as_ptr().copy_from_nonoverlapping(image.as_ptr(), self.words) };
    }

    /// What is there.
    #[must_use]
    pub fn image(&self) -> Vec<u64> {
        (0..self.words()).map(|at| self.load(at)).collect()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the addresses were reserved by this value's maker.
        unsafe { libc::munmap(self.start, self.reserved) };
    }
}

fn reserve(bytes: usize) -> Option<*mut libc::c_void> {
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: the system chooses the addresses, so that nothing else is mapped there.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, kind, -1, 0) };
    (start != libc::MAP_FAILED).then_some(start)
}
