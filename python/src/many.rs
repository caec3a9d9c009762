//! Many keys in one call: the memory of the next keys is asked for while the first are read.

use hostcache::SetOptions;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::cache::Cache;
use crate::decode::fetch;
use crate::errors::Failure;
use crate::handle::Attached;
use crate::key::key_bytes;

/// Keys that are asked for at once.
const BATCH: usize = 16;

type Object<'py> = Bound<'py, PyAny>;

/// The objects of any iterable, held: nobody takes them away while their bytes are read.
fn objects<'py>(iterable: &Object<'py>) -> PyResult<Vec<Object<'py>>> {
    if let Ok(list) = iterable.cast_exact::<PyList>() {
        return Ok(list.iter().collect());
    }
    iterable.try_iter()?.collect()
}

/// Runs `operation` for each key, in order; a forgiving handle passes over those that fail.
#[inline(always)]
fn each<'py>(
    cache: &Cache,
    py: Python<'py>,
    keys: &[Object<'py>],
    mut operation: impl FnMut(&Attached, &Object<'py>, &[u8]) -> Result<(), Failure>,
) -> PyResult<()> {
    let mut batch: [&[u8]; BATCH] = [&[]; BATCH];
    for chunk in keys.chunks(BATCH) {
        for (bytes, key) in batch.iter_mut().zip(chunk) {
            *bytes = key_bytes(key)?;
        }
        let batch = &batch[..chunk.len()];
        cache.handle.run(
            py,
            || (),
            |attached| {
                attached.cache.prefetch(batch);
                for (key, bytes) in chunk.iter().zip(batch) {
                    if let Err(failure) = operation(attached, key, bytes) {
                        cache.handle.forgive(py, failure)?;
                    }
                }
                Ok(())
            },
        )?;
    }
    Ok(())
}

/// The hits among the keys.
pub(crate) fn get<'py>(
    cache: &Cache,
    py: Python<'py>,
    keys: &Object<'py>,
) -> PyResult<Bound<'py, PyDict>> {
    let (keys, hits) = (objects(keys)?, PyDict::new(py));
    each(cache, py, &keys, |attached, key, bytes| {
        if let Some(value) = fetch(py, attached, &cache.codec, bytes)? {
            hits.set_item(key, value)?;
        }
        Ok(())
    })?;
    Ok(hits)
}

/// Stores all of a mapping, or of an iterable of pairs.
pub(crate) fn set(
    cache: &Cache,
    py: Python<'_>,
    items: &Object<'_>,
    options: SetOptions,
) -> PyResult<()> {
    let pairs = match items.hasattr("items")? {
        true => objects(&items.call_method0("items")?)?,
        false => objects(items)?,
    };
    let mut keys = Vec::with_capacity(pairs.len());
    let mut values = Vec::with_capacity(pairs.len());
    for pair in &pairs {
        let (key, value): (Object<'_>, Object<'_>) = pair.cast::<PyTuple>()?.extract()?;
        keys.push(key);
        values.push(value);
    }
    let mut values = values.iter();
    each(cache, py, &keys, |attached, _, bytes| {
        // As many as keys.
        let Some(value) = values.next() else { return Ok(()) };
        cache.store_in(py, attached, bytes, value, options).map(|_| ()).inspect_err(|_| {
            // A value that can't be stored leaves no older one behind.
            if cache.handle.is_forgiving {
                let _ = attached.cache.delete(bytes);
            }
        })
    })
}

/// Ends the items of the keys; how many there were.
pub(crate) fn delete(cache: &Cache, py: Python<'_>, keys: &Object<'_>) -> PyResult<usize> {
    let (keys, mut deleted) = (objects(keys)?, 0);
    each(cache, py, &keys, |attached, _, bytes| {
        deleted += usize::from(attached.cache.delete(bytes)?);
        Ok(())
    })?;
    Ok(deleted)
}
