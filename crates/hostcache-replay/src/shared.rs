//! Memory that processes share across a fork: an anonymous `MAP_SHARED` mapping of atomics.
//!
//! It needs no name, so nothing is left behind, and it does not count as anonymous memory of a
//! process, so what the replay keeps here does not show in the measured growth of the heap.

use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use crate::ReplayError;

/// Types that consist of atomics only.
///
/// # Safety
/// All zero bytes must be a valid value, every field must be an atomic (another process changes it
/// behind a `&T`), and dropping a value must do nothing.
pub(crate) unsafe trait Atomics {}

// SAFETY: an atomic integer is valid when zero, and has no drop.
unsafe impl Atomics for AtomicU8 {}
// SAFETY: as above.
unsafe impl Atomics for AtomicU32 {}
// SAFETY: as above.
unsafe impl Atomics for AtomicU64 {}

/// A zero-filled array of `T` that children made by `fork` share with their parent.
pub(crate) struct SharedArray<T: Atomics> {
    base: NonNull<T>,
    len: usize,
}

impl<T: Atomics> SharedArray<T> {
    /// Maps `len` values, at least one. Pages take memory only once they are touched.
    pub(crate) fn new(len: usize) -> Result<Self, ReplayError> {
        let failed = |source| ReplayError::System {
            operation: "mapping memory for the replay's processes to share",
            source,
        };
        // mmap gives page alignment, which is enough for every type up to a page's.
        const { assert!(align_of::<T>() <= 4096 && size_of::<T>() > 0) };
        let len = len.max(1);
        let bytes = len
            .checked_mul(size_of::<T>())
            .ok_or_else(|| failed(io::ErrorKind::OutOfMemory.into()))?;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory
        // that anything else uses.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        match NonNull::new(base.cast::<T>()) {
            Some(base) if base.as_ptr().cast() != libc::MAP_FAILED => Ok(Self { base, len }),
            _ => Err(failed(io::Error::last_os_error())),
        }
    }
}

impl<T: Atomics> Deref for SharedArray<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the mapping holds `len` values of `T`, zero-filled and so valid (`Atomics`), is
        // aligned to a page, lives as long as `self`, and is only ever reached as shared atomics.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }
}

impl<T: Atomics> Drop for SharedArray<T> {
    fn drop(&mut self) {
        // SAFETY: `new` mapped exactly these bytes, and no reference outlives `self`. The result is
        // not looked at: unmapping a whole mapping of one's own can't fail.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len * size_of::<T>()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn a_new_array_is_zero_and_keeps_what_is_stored() {
        let array = SharedArray::<AtomicU32>::new(5000).expect("map");
        assert_eq!(array.len(), 5000);
        assert!(array.iter().all(|value| value.load(Relaxed) == 0));
        array[4999].store(7, Relaxed);
        assert_eq!(array[4999].load(Relaxed), 7);
    }

    #[test]
    fn an_array_that_fits_nowhere_is_an_error() {
        assert!(SharedArray::<AtomicU64>::new(usize::MAX / 4).is_err());
        assert!(SharedArray::<AtomicU64>::new(usize::MAX / 16).is_err());
    }
}
