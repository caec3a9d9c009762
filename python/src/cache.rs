//! The class `Cache`: what every method does is in one line here, or in a room of its own.

use std::path::PathBuf;

use hostcache::{CasToken, CounterOptions, Item, SetOptions, SetOutcome, encoding};
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyString, PyTuple};

use crate::DETACH_BYTES;
use crate::arguments::{duration, lifetime, size};
use crate::clock::ManualClock;
use crate::decode::{decode, fetch};
use crate::encode::{Codec, with_encoded};
use crate::errors::{Failure, open_error, raise};
use crate::figures;
use crate::handle::{Attached, Handle};
use crate::key::key_bytes;
use crate::many;
use crate::reservation::Reservation;
use crate::settings::Settings;
use crate::view;
use crate::walk::{ItemIterator, KeyIterator};

/// A cache in the memory of this host, shared by all processes that name it.
#[pyclass(frozen, subclass, weakref, module = "hostcache._hostcache")]
pub(crate) struct Cache {
    pub(crate) handle: Handle,
    pub(crate) codec: Codec,
}

type Object<'py> = Bound<'py, PyAny>;

impl Cache {
    #[inline(always)]
    fn fetch<'py>(&self, py: Python<'py>, key: &Object<'py>) -> PyResult<Option<Object<'py>>> {
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

    fn store_if(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        value: &Object<'_>,
        options: SetOptions,
    ) -> PyResult<bool> {
        let outcome = self.store(py, key_bytes(key)?, value, options)?;
        Ok(outcome.is_some_and(SetOutcome::is_stored))
    }

    fn item<'py>(
        &self,
        py: Python<'py>,
        attached: &Attached,
        item: Item,
    ) -> Result<Object<'py>, Failure> {
        let bytes = PyBytes::new(py, &item.value);
        decode(py, attached, &self.codec, item.info.encoding, bytes)
    }

    fn count(
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
    fn extend(
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

#[pymethods]
impl Cache {
    #[new]
    #[pyo3(signature = (
        name, capacity=None, *, read_only=false, default_ttl=None, serializer=None, on_error="raise", exact=false,
        max_ttl=None, participants=None, expected_item_size=None, directory=None, mode=None, group=None, clock=None,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords of Python")]
    fn new(
        py: Python<'_>,
        name: Option<String>,
        capacity: Option<&Object<'_>>,
        read_only: bool,
        default_ttl: Option<&Object<'_>>,
        serializer: Option<&Object<'_>>,
        on_error: &str,
        exact: bool,
        max_ttl: Option<&Object<'_>>,
        participants: Option<u32>,
        expected_item_size: Option<u32>,
        directory: Option<PathBuf>,
        mode: Option<u32>,
        group: Option<&Object<'_>>,
        clock: Option<&Bound<'_, ManualClock>>,
    ) -> PyResult<Self> {
        let is_forgiving = match on_error {
            "raise" => false,
            "miss" => true,
            other => {
                let text = format!("on_error is \"raise\" or \"miss\", not {other:?}");
                return Err(PyValueError::new_err(text));
            }
        };
        if clock.is_some() && name.is_some() {
            return Err(PyValueError::new_err(
                "only a private cache (name None) takes a clock: processes that met by a name would disagree",
            ));
        }
        let group = match group {
            None => None,
            Some(group) => Some(group_of(group)?),
        };
        let settings = Settings {
            name,
            capacity: capacity.map(size).transpose()?,
            read_only,
            exact,
            default_ttl: default_ttl.map(duration).transpose()?.flatten(),
            max_ttl: max_ttl.map(duration).transpose()?.flatten(),
            participants,
            expected_item_size,
            directory,
            mode,
            group,
            clock: clock.map(|clock| clock.get().clock.clone()),
        };
        let codec = Codec::new(serializer, py)?;
        Ok(Self { handle: Handle::open(py, settings, is_forgiving)?, codec })
    }

    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Object<'py>,
        default: Option<Object<'py>>,
    ) -> PyResult<Object<'py>> {
        Ok(match self.fetch(py, key)? {
            Some(value) => value,
            None => default.unwrap_or_else(|| py.None().into_bound(py)),
        })
    }

    #[pyo3(signature = (key, value, ttl=None))]
    fn set(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        value: &Object<'_>,
        ttl: Option<&Object<'_>>,
    ) -> PyResult<()> {
        let options = SetOptions::new().lifetime(lifetime(ttl)?);
        self.store(py, key_bytes(key)?, value, options)?;
        Ok(())
    }

    #[pyo3(signature = (key, value, ttl=None))]
    fn add(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        value: &Object<'_>,
        ttl: Option<&Object<'_>>,
    ) -> PyResult<bool> {
        let options = SetOptions::new().lifetime(lifetime(ttl)?).only_if_absent();
        self.store_if(py, key, value, options)
    }

    #[pyo3(signature = (key, value, ttl=None))]
    fn replace(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        value: &Object<'_>,
        ttl: Option<&Object<'_>>,
    ) -> PyResult<bool> {
        let options = SetOptions::new().lifetime(lifetime(ttl)?).only_if_present();
        self.store_if(py, key, value, options)
    }

    #[pyo3(signature = (key, value, token, ttl=None))]
    fn cas(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        value: &Object<'_>,
        token: u64,
        ttl: Option<&Object<'_>>,
    ) -> PyResult<bool> {
        let options = SetOptions::new().lifetime(lifetime(ttl)?).only_if_token(CasToken(token));
        self.store_if(py, key, value, options)
    }

    fn gets<'py>(
        &self,
        py: Python<'py>,
        key: &Object<'py>,
    ) -> PyResult<Option<(Object<'py>, u64)>> {
        let key = key_bytes(key)?;
        self.handle.run(
            py,
            || None,
            |attached| {
                let Some(item) = attached.cache.try_get_item(key)? else { return Ok(None) };
                let token = item.info.cas_token.0;
                Ok(Some((self.item(py, attached, item)?, token)))
            },
        )
    }

    fn delete(&self, py: Python<'_>, key: &Object<'_>) -> PyResult<bool> {
        let key = key_bytes(key)?;
        self.handle.run(py, || false, |attached| Ok(attached.cache.delete(key)?))
    }

    fn delete_prefix(&self, py: Python<'_>, prefix: &Object<'_>) -> PyResult<u64> {
        let prefix = key_bytes(prefix)?;
        let delete = |attached: &Attached| Ok(py.detach(|| attached.cache.delete_prefix(prefix))?);
        self.handle.run(py, || 0, delete)
    }

    #[pyo3(signature = (key, default=None))]
    fn pop<'py>(
        &self,
        py: Python<'py>,
        key: &Object<'py>,
        default: Option<Object<'py>>,
    ) -> PyResult<Object<'py>> {
        let key = key_bytes(key)?;
        let value = self.handle.run(
            py,
            || None,
            |attached| {
                let Some(item) = attached.cache.take_item(key)? else { return Ok(None) };
                self.item(py, attached, item).map(Some)
            },
        )?;
        Ok(value.or(default).unwrap_or_else(|| py.None().into_bound(py)))
    }

    #[pyo3(signature = (key, delta=1, *, initial=None, ttl=None))]
    fn incr(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        delta: i128,
        initial: Option<u64>,
        ttl: Option<&Object<'_>>,
    ) -> PyResult<Option<u64>> {
        self.count(py, key, (delta, true), counter_options(initial, ttl)?)
    }

    #[pyo3(signature = (key, delta=1, *, initial=None, ttl=None))]
    fn decr(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        delta: i128,
        initial: Option<u64>,
        ttl: Option<&Object<'_>>,
    ) -> PyResult<Option<u64>> {
        self.count(py, key, (delta, false), counter_options(initial, ttl)?)
    }

    #[pyo3(signature = (key, ttl=None))]
    fn touch(&self, py: Python<'_>, key: &Object<'_>, ttl: Option<&Object<'_>>) -> PyResult<bool> {
        let (key, lifetime) = (key_bytes(key)?, lifetime(ttl)?);
        self.handle.run(py, || false, |attached| Ok(attached.cache.touch(key, lifetime)?))
    }

    fn contains(&self, py: Python<'_>, key: &Object<'_>) -> PyResult<bool> {
        let key = key_bytes(key)?;
        self.handle.run(py, || false, |attached| Ok(attached.cache.try_contains(key)?))
    }

    fn ttl(&self, py: Python<'_>, key: &Object<'_>) -> PyResult<Option<f64>> {
        let key = key_bytes(key)?;
        self.handle.run(
            py,
            || None,
            |attached| {
                // Tells a key that is not allowed from one that is not there.
                let info = attached.cache.try_contains(key)?.then(|| attached.cache.item_info(key));
                let left = |ttl: Option<std::time::Duration>| {
                    ttl.map_or(f64::INFINITY, |left| left.as_secs_f64())
                };
                Ok(info.flatten().map(|info| left(info.ttl)))
            },
        )
    }

    /// Bytes of the stored value and its encoding.
    fn _stored(&self, py: Python<'_>, key: &Object<'_>) -> PyResult<Option<(usize, u8)>> {
        let key = key_bytes(key)?;
        self.handle.run(
            py,
            || None,
            |attached| {
                Ok(attached.cache.item_info(key).map(|info| (info.value_len, info.encoding)))
            },
        )
    }

    fn get_many<'py>(&self, py: Python<'py>, keys: &Object<'py>) -> PyResult<Bound<'py, PyDict>> {
        many::get(self, py, keys)
    }

    #[pyo3(signature = (items, ttl=None))]
    fn set_many(
        &self,
        py: Python<'_>,
        items: &Object<'_>,
        ttl: Option<&Object<'_>>,
    ) -> PyResult<()> {
        many::set(self, py, items, SetOptions::new().lifetime(lifetime(ttl)?))
    }

    fn delete_many(&self, py: Python<'_>, keys: &Object<'_>) -> PyResult<usize> {
        many::delete(self, py, keys)
    }

    fn append(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        part: &Object<'_>,
    ) -> PyResult<Option<usize>> {
        self.extend(py, key, part, |cache, key, part| Ok(cache.append(key, part)?))
    }

    fn prepend(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        part: &Object<'_>,
    ) -> PyResult<Option<usize>> {
        self.extend(py, key, part, |cache, key, part| Ok(cache.prepend(key, part)?))
    }

    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.handle.run(py, || (), |attached| Ok(attached.cache.clear()?))
    }

    #[pyo3(signature = (prefix=None))]
    fn keys(&self, py: Python<'_>, prefix: Option<&Object<'_>>) -> PyResult<KeyIterator> {
        KeyIterator::new(self, py, prefix)
    }

    #[pyo3(signature = (prefix=None))]
    fn items(slf: &Bound<'_, Self>, prefix: Option<&Object<'_>>) -> PyResult<ItemIterator> {
        ItemIterator::new(slf, prefix)
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.handle.run(py, hostcache::Stats::default, |attached| {
            Ok(py.detach(|| attached.cache.stats()))
        })?;
        figures::stats(py, &stats, self.handle.failures())
    }

    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let info =
            self.handle.run(py, Default::default, |attached| Ok(attached.cache.try_info()?));
        figures::info(py, &info?)
    }

    fn view<'py>(&self, py: Python<'py>, key: &Object<'py>) -> PyResult<Option<Object<'py>>> {
        let key = key_bytes(key)?;
        let pin = self.handle.run(py, || None, |attached| Ok(attached.cache.pin(key)?))?;
        pin.map(|pin| view::memoryview(py, pin)).transpose()
    }

    /// A view and the encoding of what it shows.
    fn _view<'py>(
        &self,
        py: Python<'py>,
        key: &Object<'py>,
    ) -> PyResult<Option<(Object<'py>, u8)>> {
        let key = key_bytes(key)?;
        let pin = self.handle.run(py, || None, |attached| Ok(attached.cache.pin(key)?))?;
        let Some(pin) = pin else { return Ok(None) };
        let encoding = pin.info().encoding;
        Ok(Some((view::memoryview(py, pin)?, encoding)))
    }

    /// The stored bytes and their encoding, copied.
    fn _raw<'py>(
        &self,
        py: Python<'py>,
        key: &Object<'py>,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, u8)>> {
        let key = key_bytes(key)?;
        let item =
            self.handle.run(py, || None, |attached| Ok(attached.cache.try_get_item(key)?))?;
        Ok(item.map(|item| (PyBytes::new(py, &item.value), item.info.encoding)))
    }

    /// Stores bytes under an encoding.
    #[pyo3(signature = (key, value, encoding, ttl=None))]
    fn _set_raw(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        value: &Bound<'_, PyBytes>,
        encoding: u8,
        ttl: Option<&Object<'_>>,
    ) -> PyResult<()> {
        let (key, bytes) = (key_bytes(key)?, value.as_bytes());
        let options = SetOptions::new().lifetime(lifetime(ttl)?).encoding(encoding);
        self.handle.run(
            py,
            || (),
            |attached| {
                py.detach(|| attached.cache.set_with(key, bytes, &options))?;
                Ok(())
            },
        )
    }

    #[pyo3(signature = (key, nbytes, *, ttl=None, encoding=0))]
    fn reserve(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        nbytes: usize,
        ttl: Option<&Object<'_>>,
        encoding: u8,
    ) -> PyResult<Reservation> {
        let options = SetOptions::new().lifetime(lifetime(ttl)?).encoding(encoding);
        let key = key_bytes(key)?;
        let reserved = self
            .handle
            .with(|attached| Ok(py.detach(|| attached.cache.reserve(key, nbytes, &options))?));
        // A forgiving handle can't pretend that there is memory.
        reserved.map(Reservation::new).map_err(|failure| failure.into_pyerr())
    }

    fn close(&self) {
        self.handle.close();
    }

    #[staticmethod]
    fn destroy(name: &str) -> PyResult<()> {
        hostcache::Cache::destroy(name).map_err(open_error)
    }

    #[getter]
    fn name(&self) -> Option<&str> {
        self.handle.settings.name.as_deref()
    }

    #[getter]
    fn path(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let path = self.handle.run(py, || None, |attached| Ok(Some(attached.cache.path())))?;
        Ok(path.map(|path| path.display().to_string()))
    }

    #[getter]
    fn capacity(&self, py: Python<'_>) -> PyResult<u64> {
        self.handle.run(py, || 0, |attached| Ok(attached.cache.capacity()))
    }

    #[getter]
    fn read_only(&self) -> bool {
        self.handle.settings.read_only
    }

    #[getter]
    fn closed(&self) -> bool {
        self.handle.is_closed()
    }

    #[getter]
    fn on_error(&self) -> &'static str {
        if self.handle.is_forgiving { "miss" } else { "raise" }
    }

    #[getter]
    fn failures(&self) -> u64 {
        self.handle.failures()
    }

    #[getter]
    fn is_trusted(&self, py: Python<'_>) -> PyResult<bool> {
        self.handle.run(py, || false, |attached| Ok(attached.is_trusted))
    }

    #[getter]
    fn serializer(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.codec.object.getattr(py, "name")
    }

    #[getter]
    fn _codec(&self, py: Python<'_>) -> Py<PyAny> {
        self.codec.object.clone_ref(py)
    }

    fn max_value_len(&self, py: Python<'_>, key: &Object<'_>) -> PyResult<usize> {
        let key = key_bytes(key)?;
        self.handle.run(py, || 0, |attached| Ok(attached.cache.max_value_len(key.len())))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) {
        self.close();
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.handle.run(
            py,
            || 0,
            |attached| {
                let items = py.detach(|| attached.cache.stats()).curr_items;
                Ok(usize::try_from(items).unwrap_or(usize::MAX >> 1))
            },
        )
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __contains__(&self, py: Python<'_>, key: &Object<'_>) -> PyResult<bool> {
        self.contains(py, key)
    }

    fn __getitem__<'py>(&self, py: Python<'py>, key: &Object<'py>) -> PyResult<Object<'py>> {
        self.fetch(py, key)?.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    fn __setitem__(&self, py: Python<'_>, key: &Object<'_>, value: &Object<'_>) -> PyResult<()> {
        self.set(py, key, value, None)
    }

    fn __delitem__(&self, py: Python<'_>, key: &Object<'_>) -> PyResult<()> {
        match self.delete(py, key)? || self.handle.is_forgiving {
            true => Ok(()),
            false => Err(PyKeyError::new_err(key.clone().unbind())),
        }
    }

    fn __iter__(&self, py: Python<'_>) -> PyResult<KeyIterator> {
        KeyIterator::new(self, py, None)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.codec.object)
    }
}

fn counter_options(initial: Option<u64>, ttl: Option<&Object<'_>>) -> PyResult<CounterOptions> {
    let mut options = CounterOptions::new();
    if let Some(initial) = initial {
        options = options.initial(initial);
    }
    if let Some(ttl) = ttl.map(duration).transpose()?.flatten() {
        options = options.ttl(ttl);
    }
    Ok(options)
}

/// A group by its id or name.
fn group_of(group: &Object<'_>) -> PyResult<u32> {
    if group.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err("a group is a name or an id, not bool"));
    }
    let Ok(name) = group.cast::<PyString>() else { return group.extract() };
    match hostcache::group_id(name.to_str()?) {
        Some(gid) => Ok(gid),
        None => Err(raise("InvalidSettingError", &format!("there is no group {name}"))),
    }
}
