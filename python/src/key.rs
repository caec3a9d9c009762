//! Keys: `str` as UTF-8, or `bytes`, neither copied.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// The bytes of a key, which live as long as the object.
#[inline(always)]
pub(crate) fn key_bytes<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(text) = key.cast::<PyString>() {
        // The interpreter keeps the UTF-8 form with the string.
        return match text.to_str() {
            Ok(text) => Ok(text.as_bytes()),
            Err(error) => Err(not_utf8(key.py(), error)),
        };
    }
    match key.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes()),
        Err(_) => Err(wrong_type(key)),
    }
}

/// A key as Python sees it: a `str` where it is UTF-8, else `bytes`. Either finds the item.
pub(crate) fn key_object<'py>(py: Python<'py>, key: &[u8]) -> Bound<'py, PyAny> {
    match std::str::from_utf8(key) {
        Ok(text) => PyString::new(py, text).into_any(),
        Err(_) => PyBytes::new(py, key).into_any(),
    }
}

#[cold]
fn not_utf8(py: Python<'_>, cause: PyErr) -> PyErr {
    let error = crate::errors::invalid_key(
        "a key with lone surrogates has no UTF-8 form: give it as bytes",
    );
    error.set_cause(py, Some(cause));
    error
}

#[cold]
fn wrong_type(key: &Bound<'_, PyAny>) -> PyErr {
    let kind = key.get_type();
    let kind = kind.name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "a key is str or bytes, not {kind}: use str(key), or bytes of your own"
    ))
}
