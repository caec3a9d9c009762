//! Walks over keys and items, beside writers.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use hostcache::{Item, Items, Keys};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::cache::Cache;
use crate::decode::decode;
use crate::key::{key_bytes, key_object};

/// Keys read ahead at once: the walk over what lies between them is made with the interpreter detached.
const AHEAD: usize = 64;

struct Ahead<W: Iterator> {
    walk: Option<W>,
    ready: VecDeque<W::Item>,
}

impl<W: Iterator> Ahead<W> {
    fn new(walk: Option<W>) -> Mutex<Self> {
        Mutex::new(Self { walk, ready: VecDeque::new() })
    }

    fn next(&mut self, ahead: usize) -> Option<W::Item> {
        if self.ready.is_empty()
            && let Some(walk) = &mut self.walk
        {
            self.ready.extend(walk.take(ahead));
        }
        self.ready.pop_front()
    }
}

fn step<W: Iterator + Send>(py: Python<'_>, walk: &Mutex<Ahead<W>>, ahead: usize) -> Option<W::Item>
where
    W::Item: Send,
{
    // Detached before the lock is waited for: its holder may be waiting to be attached.
    py.detach(|| walk.lock().unwrap_or_else(PoisonError::into_inner).next(ahead))
}

/// Iterator over keys.
#[pyclass(frozen, module = "hostcache._hostcache")]
pub(crate) struct KeyIterator {
    walk: Mutex<Ahead<Keys>>,
}

impl KeyIterator {
    pub(crate) fn new(
        cache: &Cache,
        py: Python<'_>,
        prefix: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let prefix = prefix.map_or(Ok(&[][..]), key_bytes)?;
        let walk = cache.handle.run(py, || None, |a| Ok(Some(a.cache.keys().prefix(prefix))))?;
        Ok(Self { walk: Ahead::new(walk) })
    }
}

#[pymethods]
impl KeyIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        step(py, &self.walk, AHEAD).map(|key| key_object(py, &key))
    }
}

/// Iterator over pairs of key and value.
#[pyclass(frozen, module = "hostcache._hostcache")]
pub(crate) struct ItemIterator {
    walk: Mutex<Ahead<Items>>,
    cache: Py<Cache>,
}

impl ItemIterator {
    pub(crate) fn new(
        cache: &Bound<'_, Cache>,
        prefix: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let prefix = prefix.map_or(Ok(&[][..]), key_bytes)?;
        let (handle, py) = (&cache.get().handle, cache.py());
        let walk = handle.run(py, || None, |a| Ok(Some(a.cache.items().prefix(prefix))))?;
        Ok(Self { walk: Ahead::new(walk), cache: cache.clone().unbind() })
    }
}

#[pymethods]
impl ItemIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
        let cache = self.cache.get();
        // One at a time: values may be large. A forgiving handle passes over what it can't read.
        while let Some((key, Item { value, info, .. })) = step(py, &self.walk, 1) {
            let bytes = PyBytes::new(py, &value);
            let value = cache.handle.run(
                py,
                || None,
                |attached| decode(py, attached, &cache.codec, info.encoding, bytes).map(Some),
            )?;
            if let Some(value) = value {
                return Ok(Some((key_object(py, &key), value)));
            }
        }
        Ok(None)
    }
}
