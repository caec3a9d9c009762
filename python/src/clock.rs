//! A clock that tests move.

use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arguments::seconds;
use crate::errors::open_error;

/// A clock that stands still until it is moved. Threads and forked children share the time.
#[pyclass(frozen, module = "hostcache._hostcache")]
pub(crate) struct ManualClock {
    pub(crate) clock: hostcache::ManualClock,
}

#[pymethods]
impl ManualClock {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self { clock: hostcache::ManualClock::new().map_err(open_error)? })
    }

    /// Moves the clock on.
    fn advance(&self, seconds: f64) -> PyResult<()> {
        let by = Duration::try_from_secs_f64(seconds).map_err(|_| {
            PyValueError::new_err(format!(
                "a clock goes forward: {seconds} is no number of seconds"
            ))
        })?;
        self.clock.advance(by);
        Ok(())
    }

    /// Seconds that it has been moved.
    #[getter]
    fn elapsed(&self) -> f64 {
        seconds(self.clock.elapsed())
    }

    fn __repr__(&self) -> String {
        format!("ManualClock(elapsed={:?})", self.elapsed())
    }
}
