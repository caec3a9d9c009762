//! Reservations: memory of the region to fill through a writable buffer, and then publish.

use std::ffi::c_int;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hostcache::SetOutcome;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::errors::{Failure, raise};

/// Memory of the region to make a value in. A writable buffer; `publish` stores it.
#[pyclass(frozen, weakref, module = "hostcache._hostcache")]
pub(crate) struct Reservation {
    state: Mutex<State>,
    len: usize,
    process: u32,
}

struct State {
    /// `None` once it was published or cancelled.
    reservation: Option<hostcache::Reservation>,
    /// Buffers that somebody holds.
    exports: usize,
}

impl Reservation {
    pub(crate) fn new(reservation: hostcache::Reservation) -> Self {
        let len = reservation.len();
        let state = State { reservation: Some(reservation), exports: 0 };
        Self { state: Mutex::new(state), len, process: std::process::id() }
    }

    /// Held for moments, and never across a call into Python. A panic in between leaves nothing half-done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> PyResult<hostcache::Reservation> {
        let mut state = self.state();
        if state.exports > 0 && state.reservation.is_some() {
            return Err(PyBufferError::new_err(format!(
                "{} views of the reservation are still in use: release the memoryviews and drop the arrays over \
                 it first (a published value never changes)",
                state.exports
            )));
        }
        state.reservation.take().ok_or_else(finished)
    }
}

fn finished() -> PyErr {
    raise(
        "ReservationLostError",
        "the reservation is published or cancelled already: reserve anew, cache.reserve(key, nbytes)",
    )
}

#[pymethods]
impl Reservation {
    /// Stores the value; no view of it may be in use any more.
    fn publish(&self, py: Python<'_>) -> PyResult<()> {
        let reservation = self.take()?;
        let outcome = py.detach(|| reservation.publish());
        let outcome: SetOutcome = outcome.map_err(|e| Failure::from(e).into_pyerr())?;
        debug_assert!(outcome.is_stored());
        Ok(())
    }

    /// Gives the memory back.
    fn cancel(&self) -> PyResult<()> {
        self.take()?.cancel();
        Ok(())
    }

    /// Whether it was published or cancelled.
    #[getter]
    fn finished(&self) -> bool {
        self.state().reservation.is_none()
    }

    /// Bytes of the value.
    #[getter]
    fn nbytes(&self) -> usize {
        self.len
    }

    /// Where the memory begins in this process.
    #[getter]
    fn _address(&self) -> PyResult<usize> {
        let mut state = self.state();
        let reservation = state.reservation.as_mut().ok_or_else(finished)?;
        Ok(reservation.as_mut_ptr().addr())
    }

    fn __len__(&self) -> usize {
        self.len
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// Publishes at the end of the block, or cancels if an exception leaves it.
    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        if self.finished() {
            return Ok(());
        }
        match exception.get_item(0).is_ok_and(|kind| !kind.is_none()) {
            true => {
                // A view that is still in use keeps the memory until it goes: the exception under way matters more.
                let _ = self.cancel();
                Ok(())
            }
            false => self.publish(py),
        }
    }

    fn __repr__(&self) -> String {
        let state = if self.finished() { "finished" } else { "open" };
        format!("<hostcache.Reservation of {} bytes, {state}>", self.len)
    }

    /// # Safety
    ///
    /// `buffer` is null or valid for writes, as the interpreter promises.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        buffer: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let this = slf.get();
        if this.process != std::process::id() {
            return Err(PyBufferError::new_err(
                "the reservation is the parent process's: reserve anew, cache.reserve(key, nbytes)",
            ));
        }
        let mut state = this.state();
        let reservation = state.reservation.as_mut().ok_or_else(finished)?;
        let (start, len) = (reservation.as_mut_ptr(), this.len.cast_signed());
        // SAFETY: `len` bytes may be written from `start` on until the reservation ends, which `take` refuses while a
        // buffer is out; the buffer keeps this object alive. Readers that still copy from the memory throw away what
        // they read.
        let answer =
            unsafe { ffi::PyBuffer_FillInfo(buffer, slf.as_ptr(), start.cast(), len, 0, flags) };
        if answer != 0 {
            return Err(PyErr::fetch(slf.py()));
        }
        state.exports += 1;
        Ok(())
    }

    /// # Safety
    ///
    /// None: the buffer is not looked at.
    unsafe fn __releasebuffer__(&self, _buffer: *mut ffi::Py_buffer) {
        self.state().exports -= 1;
    }
}
