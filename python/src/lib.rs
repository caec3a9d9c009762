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

use pyo3::prelude::*;

/// Copies longer than this are made with the interpreter detached.
const DETACH_BYTES: usize = 32 << 10;

#[pymodule(gil_used = false)]
fn _hostcache(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // A logger is there already only if the module is made a second time.
    let _ = pyo3_log::try_init();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<cache::Cache>()?;
    module.add_class::<clock::ManualClock>()?;
    module.add_class::<reservation::Reservation>()?;
    module.add_class::<view::Pin>()?;
    module.add_class::<walk::KeyIterator>()?;
    module.add_class::<walk::ItemIterator>()?;
    Ok(())
}
