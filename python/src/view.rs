//! Views: memory of the region under a `memoryview`, held for as long as anything refers to it.

use std::ffi::c_int;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

/// An item held in place. Only ever seen as the object behind a `memoryview`.
#[pyclass(frozen, module = "hostcache._hostcache")]
pub(crate) struct Pin {
    pin: hostcache::Pin,
}

/// A read-only `memoryview` of the item.
pub(crate) fn memoryview<'py>(py: Python<'py>, pin: hostcache::Pin) -> PyResult<Bound<'py, PyAny>> {
    let pin = Bound::new(py, Pin { pin })?;
    Ok(PyMemoryView::from(&pin)?.into_any())
}

#[pymethods]
impl Pin {
    /// # Safety
    ///
    /// `buffer` is null or valid for writes, as the interpreter promises.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        buffer: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let this = slf.get();
        // It would change under a forked child once the parent lets go.
        if this.pin.is_inherited() {
            return Err(PyBufferError::new_err(
                "the view is the parent process's: take one of your own, cache.view(key)",
            ));
        }
        let (start, len) = (this.pin.as_ptr().cast_mut(), this.pin.len().cast_signed());
        // SAFETY: `len` bytes are readable from `start` on for as long as the pin lives, and the buffer keeps this object
        // alive, which never lets go before its end. Read-only: a request for writing is refused. That no hostile process
        // stores to them is what a shared region's users rely on (the package's README says so).
        let answer =
            unsafe { ffi::PyBuffer_FillInfo(buffer, slf.as_ptr(), start.cast(), len, 1, flags) };
        if answer == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }

    fn __len__(&self) -> usize {
        self.pin.len()
    }
}
