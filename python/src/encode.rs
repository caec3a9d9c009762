//! From Python's values to bytes with an encoding.
//!
//! `bytes`, `str` and `int` (these types themselves, so not `bool`) go in as they are, whatever the serializer; all else
//! through it.

use hostcache::encoding;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString, PyTuple};

use crate::errors::Failure;

/// The serializer's side of a handle: see `hostcache/_codec.py`.
#[derive(Debug)]
pub(crate) struct Codec {
    pub(crate) object: Py<PyAny>,
    encode: Py<PyAny>,
    pub(crate) decode: Py<PyAny>,
    /// `pickle.loads`.
    pub(crate) loads: Py<PyAny>,
    /// Whether pickles are read; `None`: where the region is trusted.
    pickle: Option<bool>,
}

impl Codec {
    pub(crate) fn new(serializer: Option<&Bound<'_, PyAny>>, py: Python<'_>) -> PyResult<Self> {
        let object = py.import("hostcache._codec")?.getattr("Codec")?.call1((serializer,))?;
        Ok(Self {
            encode: object.getattr("encode")?.unbind(),
            decode: object.getattr("decode")?.unbind(),
            pickle: object.getattr("pickle")?.extract()?,
            loads: py.import("pickle")?.getattr("loads")?.unbind(),
            object: object.unbind(),
        })
    }

    #[inline]
    pub(crate) fn reads_pickle(&self, is_trusted: bool) -> bool {
        self.pickle.unwrap_or(is_trusted)
    }
}

/// Calls `store` with a value's bytes and their encoding.
#[inline(always)]
pub(crate) fn with_encoded<T>(
    value: &Bound<'_, PyAny>,
    codec: &Codec,
    is_trusted: bool,
    store: impl FnOnce(&[u8], u8) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        return store(bytes.as_bytes(), encoding::BYTES);
    }
    // Lone surrogates have no UTF-8 form: the serializer's business.
    if let Ok(text) = value.cast_exact::<PyString>()
        && let Ok(text) = text.to_str()
    {
        return store(text.as_bytes(), encoding::UTF8);
    }
    if let Ok(number) = value.cast_exact::<PyInt>()
        && let Some(number) = small_int(number)
    {
        let mut digits = [0; 20];
        return store(format_int(number, &mut digits), encoding::INTEGER);
    }
    let py = value.py();
    let encoded = codec.encode.bind(py).call1((value, is_trusted))?;
    let encoded = encoded.cast_into::<PyTuple>().map_err(PyErr::from)?;
    let (encoding, bytes): (u8, Bound<'_, PyBytes>) = encoded.extract()?;
    store(bytes.as_bytes(), encoding)
}

fn small_int(number: &Bound<'_, PyInt>) -> Option<i64> {
    let mut overflow = 0;
    // SAFETY: a live int, with the interpreter attached; `overflow` is valid for writes. An exact int makes no call
    // into Python, and an overflow is no exception.
    let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(number.as_ptr(), &raw mut overflow) };
    (overflow == 0).then_some(value)
}

/// Decimal digits, at the end of the buffer.
fn format_int(number: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let (mut rest, mut at) = (number.unsigned_abs(), buffer.len());
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}
