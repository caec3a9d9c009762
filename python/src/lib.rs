//! The extension module `hostcache._hostcache`: the public crate as Python objects.
//!
//! What Python does better is in `../hostcache`: serializers, decorators, back ends. Here is what has to be fast, and what
//! touches memory of the region. No Python code runs while an operation of the cache is under way, but a lock of the
//! interpreter may be taken and left: values over 32 KiB are copied with the interpreter detached.

mod arguments;
mod cache;
mod clock;
mod decode;
mod encode;
mod errors;
mod figures;
mod handle;
mod key;
mod many;
mod operations;
mod reservation;
mod settings;
mod view;
mod walk;

use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Copies longer than this are made with the interpreter detached.
const DETACH_BYTES: usize = 32 << 10;

/// Objects of one interpreter are kept in statics (classes of exceptions, interned names), so there is no second one.
fn refuse_subinterpreters() -> PyResult<()> {
    static FIRST: AtomicI64 = AtomicI64::new(-1);
    // SAFETY: a module is initialised with the interpreter attached.
    let this = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    // Relaxed: the number is all there is to it.
    match FIRST.compare_exchange(-1, this, Ordering::Relaxed, Ordering::Relaxed) {
        Err(first) if first != this => Err(PyImportError::new_err(
            "hostcache does not support subinterpreters: use threads, or processes (they share the cache)",
        )),
        _ => Ok(()),
    }
}

#[pymodule(gil_used = false)]
fn _hostcache(module: &Bound<'_, PyModule>) -> PyResult<()> {
    refuse_subinterpreters()?;
    // Levels are asked for anew each time: applications set them after their imports. A logger is there already only if
    // the module is made a second time.
    let _ = pyo3_log::Logger::new(module.py(), pyo3_log::Caching::Loggers)?.install();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<cache::Cache>()?;
    module.add_class::<clock::ManualClock>()?;
    module.add_class::<reservation::Reservation>()?;
    module.add_class::<view::Pin>()?;
    module.add_class::<walk::KeyIterator>()?;
    module.add_class::<walk::ItemIterator>()?;
    Ok(())
}
