//! From bytes with an encoding to Python's values.

use std::mem::MaybeUninit;

use hostcache::{Found, encoding};
use pyo3::exceptions::PyException;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString};

use crate::DETACH_BYTES;
use crate::encode::Codec;
use crate::errors::{Failure, Trouble, serializer_error};
use crate::handle::Attached;

/// Texts and numbers up to this length are read without an object in between.
const SMALL: usize = 256;

/// What a read takes from the region. The answers that pass through the read are small, and this stays where it is.
#[derive(Default)]
struct Taken<'py> {
    /// The value, unless it is in the buffer.
    bytes: Option<Bound<'py, PyBytes>>,
    failed: Option<PyErr>,
}

/// A key's value; `None` is a miss.
#[inline(always)]
pub(crate) fn fetch<'py>(
    py: Python<'py>,
    attached: &Attached,
    codec: &Codec,
    key: &[u8],
) -> Result<Option<Bound<'py, PyAny>>, Failure> {
    let mut buffer = [MaybeUninit::<u8>::uninit(); SMALL];
    let mut taken = Taken::default();
    let found = attached.cache.try_get_with(key, |found| take(py, found, &mut buffer, &mut taken));
    let (len, encoding) = match found {
        Ok(None) => return Ok(None),
        Ok(Some(LenEncoding(len, encoding))) => (len, encoding),
        Err(error) => return Err((*error).into()),
    };
    match taken.bytes {
        Some(bytes) if encoding == encoding::BYTES => Ok(Some(bytes.into_any())),
        Some(bytes) => decode(py, attached, codec, encoding, bytes).map(Some),
        None => match taken.failed {
            Some(error) => Err(error.into()),
            None => {
                // SAFETY: `take` initialised so many bytes.
                let bytes = unsafe { buffer[..len as usize].assume_init_ref() };
                decode_small(py, encoding, bytes).map(Some)
            }
        },
    }
}

/// Length, where it counts, and encoding of what was taken.
struct LenEncoding(u32, u8);

#[inline(always)]
fn take<'py>(
    py: Python<'py>,
    found: &Found<'_>,
    buffer: &mut [MaybeUninit<u8>; SMALL],
    taken: &mut Taken<'py>,
) -> LenEncoding {
    let (len, encoding) = (found.len(), found.encoding());
    if matches!(encoding, encoding::UTF8 | encoding::INTEGER) && len <= SMALL {
        found.copy_to_uninit(&mut buffer[..len]);
        // An attempt before may have met another value.
        taken.bytes = None;
        return LenEncoding(len as u32, encoding);
    }
    match new_bytes(py, len, |out| {
        if len > DETACH_BYTES {
            py.detach(|| found.copy_to_uninit(out));
        } else {
            found.copy_to_uninit(out);
        }
    }) {
        Ok(bytes) => taken.bytes = Some(bytes),
        Err(error) => {
            taken.bytes = None;
            taken.failed = Some(error);
        }
    }
    LenEncoding(0, encoding)
}

/// A `bytes` object whose contents `fill` initialises.
#[inline(always)]
fn new_bytes<'py>(
    py: Python<'py>,
    len: usize,
    fill: impl FnOnce(&mut [MaybeUninit<u8>]),
) -> PyResult<Bound<'py, PyBytes>> {
    // SAFETY: a null pointer asks for bytes that are not initialised; null comes back with an exception set, and is looked
    // for. A block of memory has at most isize::MAX bytes.
    let object = unsafe {
        let object = ffi::PyBytes_FromStringAndSize(std::ptr::null(), len.cast_signed());
        Bound::from_owned_ptr_or_err(py, object)?
    };
    // SAFETY: the object is a `bytes` of this length that nobody else has; the one that all empty ones share is not
    // written, because the slice is empty.
    unsafe {
        let bytes = ffi::PyBytes_AsString(object.as_ptr());
        fill(std::slice::from_raw_parts_mut(bytes.cast(), len));
        Ok(object.cast_into_unchecked())
    }
}

/// Calls a function with one object. In the stable ABI of 3.11 this is the one way to do so without a tuple.
fn call<'py>(
    function: &Bound<'py, PyAny>,
    object: &Bound<'py, PyBytes>,
) -> PyResult<Bound<'py, PyAny>> {
    let end = std::ptr::null_mut::<ffi::PyObject>();
    // SAFETY: live objects, with the interpreter attached; the list of arguments ends with null. The answer is a new
    // reference, or null with an exception set.
    unsafe {
        let answer = ffi::PyObject_CallFunctionObjArgs(function.as_ptr(), object.as_ptr(), end);
        Bound::from_owned_ptr_or_err(function.py(), answer)
    }
}

/// A value from its stored form.
pub(crate) fn decode<'py>(
    py: Python<'py>,
    attached: &Attached,
    codec: &Codec,
    encoding: u8,
    bytes: Bound<'py, PyBytes>,
) -> Result<Bound<'py, PyAny>, Failure> {
    match encoding {
        encoding::BYTES => Ok(bytes.into_any()),
        encoding::UTF8 | encoding::INTEGER => decode_small(py, encoding, bytes.as_bytes()),
        encoding::PICKLE if codec.reads_pickle(attached.is_trusted) => {
            call(codec.loads.bind(py), &bytes).map_err(|e| unreadable(py, "a pickled value", e))
        }
        _ => codec
            .decode
            .bind(py)
            .call1((encoding, bytes, attached.is_trusted))
            .map_err(|error| Box::new(Trouble::Unreadable(error))),
    }
}

fn decode_small<'py>(
    py: Python<'py>,
    encoding: u8,
    bytes: &[u8],
) -> Result<Bound<'py, PyAny>, Failure> {
    if encoding == encoding::UTF8 {
        let text = PyString::from_bytes(py, bytes);
        return Ok(text.map_err(|e| unreadable(py, "a text", e))?.into_any());
    }
    if let Some(number) = parse_int(bytes) {
        return Ok(number.into_pyobject(py).map_err(PyErr::from)?.into_any());
    }
    let number = py.get_type::<PyInt>().call1((PyBytes::new(py, bytes),));
    number.map_err(|error| unreadable(py, "an integer", error))
}

/// Up to 18 digits: none of them overflows.
fn parse_int(bytes: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some(if is_negative { -number } else { number })
}

/// What an ordinary exception of a decoder becomes; an interrupt or the end of memory stays what it is.
#[cold]
fn unreadable(py: Python<'_>, what: &str, cause: PyErr) -> Failure {
    let is_ordinary = cause.is_instance_of::<PyException>(py)
        && !cause.is_instance_of::<pyo3::exceptions::PyMemoryError>(py);
    if !is_ordinary {
        return cause.into();
    }
    let text = format!("{what} can't be read: {}; set or delete the key", cause.value(py));
    Box::new(Trouble::Unreadable(serializer_error(py, &text, cause)))
}
