//! What the methods of `Cache` have in common.

use hostcache::{CounterOptions, Item, SetOptions, SetOutcome, encoding};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::DETACH_BYTES;
use crate::cache::{Cache, Object};
use crate::decode::{decode, fetch};
use crate::encode::with_encoded;
use crate::errors::Failure;
use crate::handle::Attached;
use crate::key::key_bytes;

impl Cache {
    #[inline(always)]
    pub(crate) fn fetch<'py>(
        &self,
        py: Python<'py>,
        key: &Object<'py>,
    ) -> PyResult<Option<Object<'py>>> {
        let key = key_bytes(key)?;
        self.handle.run(py, || None, |attached| fetch(py, attached, &self.codec, key))
    }

    /// Stores a value; what came of it. A forgiving handle that can't leaves no older value behind.
    #[inline(always)]
    pub(crate) fn store(
        &self,
        py: Python<'_>,
        key: &[u8],
        value: &Object<'_>,
        options: SetOptions,
    ) -> PyResult<Option<SetOutcome>> {
        let stored = self.handle.with(|attached| self.store_in(py, attached, key, value, options));
        match stored {
            Ok(outcome) => Ok(Some(outcome)),
            Err(failure) => {
                self.handle.forgive(py, failure)?;
                let _ = self.handle.with(|attached| Ok(attached.cache.delete(key)?));
                Ok(None)
            }
        }
    }

    #[inline(always)]
    pub(crate) fn store_in(
        &self,
        py: Python<'_>,
        attached: &Attached,
        key: &[u8],
        value: &Object<'_>,
        options: SetOptions,
    ) -> Result<SetOutcome, Failure> {
        with_encoded(value, &self.codec, attached.is_trusted, |bytes, encoding| {
            let options = options.encoding(encoding);
            Ok(if bytes.len() > DETACH_BYTES {
                py.detach(|| attached.cache.set_with(key, bytes, &options))?
            } else {
                attached.cache.set_with(key, bytes, &options)?
            })
        })
    }

    pub(crate) fn store_if(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        value: &Object<'_>,
        options: SetOptions,
    ) -> PyResult<bool> {
        let outcome = self.store(py, key_bytes(key)?, value, options)?;
        Ok(outcome.is_some_and(SetOutcome::is_stored))
    }

    pub(crate) fn item<'py>(
        &self,
        py: Python<'py>,
        attached: &Attached,
        item: Item,
    ) -> Result<Object<'py>, Failure> {
        let bytes = PyBytes::new(py, &item.value);
        decode(py, attached, &self.codec, item.info.encoding, bytes)
    }

    pub(crate) fn count(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        (delta, upward): (i128, bool),
        options: CounterOptions,
    ) -> PyResult<Option<u64>> {
        let by = u64::try_from(delta.unsigned_abs()).map_err(|_| {
            PyValueError::new_err(format!("a counter has 64 bits: {delta} is too much at once"))
        })?;
        let (key, upward) = (key_bytes(key)?, upward == (delta >= 0));
        self.handle.run(
            py,
            || None,
            |attached| {
                Ok(match upward {
                    true => attached.cache.increment_with(key, by, &options)?,
                    false => attached.cache.decrement_with(key, by, &options)?,
                })
            },
        )
    }

    /// Adds at an end of a value of bytes or text.
    pub(crate) fn extend(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        part: &Object<'_>,
        extend: impl FnOnce(&hostcache::Cache, &[u8], &[u8]) -> Result<Option<usize>, Failure>,
    ) -> PyResult<Option<usize>> {
        let key = key_bytes(key)?;
        let part = match part.cast::<PyString>() {
            Ok(text) => text.to_str()?.as_bytes(),
            Err(_) => part
                .cast::<PyBytes>()
                .map_err(|_| {
                    PyTypeError::new_err("only bytes and str can be put at the end of a value")
                })?
                .as_bytes(),
        };
        self.handle.run(py, || None, |attached| {
            let cache = &attached.cache;
            match cache.item_info(key).map(|info| info.encoding) {
                None | Some(encoding::BYTES | encoding::UTF8) => extend(cache, key, part),
                Some(_) => Err(PyTypeError::new_err(
                    "the value is neither bytes nor str, so nothing can be put at its ends: set it anew",
                )
                .into()),
            }
        })
    }
}
