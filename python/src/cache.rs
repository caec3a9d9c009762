//! The class `Cache`: what every method does is in one line here, or in a room of its own.

use std::path::PathBuf;

use hostcache::{CasToken, SetOptions};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use crate::arguments::{counter_options, duration, group_of, lifetime, seconds, size};
use crate::clock::ManualClock;
use crate::encode::Codec;
use crate::errors::open_error;
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

pub(crate) type Object<'py> = Bound<'py, PyAny>;

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

    /// A key's value, or `default` on a miss. A stored None is a hit.
    ///
    /// Raises SerializerError if the value can't be read here, InvalidKeyError, ClosedError. Lock-free.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.set("k", b"v")
    /// >>> cache.get("k"), cache.get("x"), cache.get("x", 0)
    /// (b'v', None, 0)
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

    /// Stores a value, whatever was there.
    ///
    /// ttl: seconds or a timedelta; None for the default, math.inf for ever, 0 expires at once.
    ///
    /// Raises SerializerError if the serializer does not take the value, ValueTooLargeError, NoRoomError, ReadOnlyError.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.set("session", {"user": 7}, ttl=1.5)
    /// >>> 0 < cache.ttl("session") < 1.6
    /// True
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

    /// Stores a value only if the key is absent; False if it is present. Else as `set`.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.add("k", 1), cache.add("k", 2), cache.get("k")
    /// (True, False, 1)
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

    /// Stores a value only if the key is present; False if it is absent. Else as `set`.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.replace("k", 1), cache.get("k")
    /// (False, None)
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

    /// Stores a value only if the item is still the one that `gets` gave this token for; whether it was.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.set("k", 1)
    /// >>> value, token = cache.gets("k")
    /// >>> cache.cas("k", value + 1, token), cache.cas("k", 7, token), cache.get("k")
    /// (True, False, 2)
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

    /// A key's value and the token of its version, for `cas`; None is a miss.
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

    /// Ends a key's item; whether there was one.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.delete("k")
    /// False
    fn delete(&self, py: Python<'_>, key: &Object<'_>) -> PyResult<bool> {
        let key = key_bytes(key)?;
        self.handle.run(py, || false, |attached| Ok(attached.cache.delete(key)?))
    }

    /// Deletes every key that begins with `prefix`; how many there were. Takes time in proportion to the index.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.set_many({"user:1": "a", "user:2": "b", "page": "c"})
    /// >>> cache.delete_prefix("user:"), list(cache)
    /// (2, ['page'])
    fn delete_prefix(&self, py: Python<'_>, prefix: &Object<'_>) -> PyResult<u64> {
        let prefix = key_bytes(prefix)?;
        let delete = |attached: &Attached| Ok(py.detach(|| attached.cache.delete_prefix(prefix))?);
        self.handle.run(py, || 0, delete)
    }

    /// Ends a key's item and gives its value back, or `default`: of all who take it at once exactly one gets it.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache["job"] = "do it"
    /// >>> cache.pop("job"), cache.pop("job")
    /// ('do it', None)
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

    /// Adds to a counter; its new value, or None: no such key.
    ///
    /// initial: what a missing key becomes (`delta` is not added to it). ttl: seconds, of a counter that this call makes.
    /// A counter is an int from 0 to 2**64 - 1: upward it goes round, downward it stops at 0.
    ///
    /// Raises NotANumberError on any other value.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.set("n", 41)
    /// >>> cache.incr("n"), cache.get("n"), cache.incr("x"), cache.incr("x", initial=1)
    /// (42, 42, None, 1)
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

    /// Subtracts from a counter, which stops at 0. Else as `incr`.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.set("n", 5)
    /// >>> cache.decr("n", 3), cache.decr("n", 3)
    /// (2, 0)
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

    /// Gives an item a new lifetime; False: no such key. ttl as in `set`.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.set("k", 1, ttl=5)
    /// >>> cache.touch("k", ttl=60), cache.ttl("k") > 50
    /// (True, True)
    #[pyo3(signature = (key, ttl=None))]
    fn touch(&self, py: Python<'_>, key: &Object<'_>, ttl: Option<&Object<'_>>) -> PyResult<bool> {
        let (key, lifetime) = (key_bytes(key)?, lifetime(ttl)?);
        self.handle.run(py, || false, |attached| Ok(attached.cache.touch(key, lifetime)?))
    }

    /// Whether a key is present; counts as no get. `key in cache` says the same.
    fn contains(&self, py: Python<'_>, key: &Object<'_>) -> PyResult<bool> {
        let key = key_bytes(key)?;
        self.handle.run(py, || false, |attached| Ok(attached.cache.try_contains(key)?))
    }

    /// Seconds that an item has left: math.inf if it does not expire, None if there is none.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.set("k", 1)
    /// >>> cache.ttl("k"), cache.ttl("x")
    /// (inf, None)
    fn ttl(&self, py: Python<'_>, key: &Object<'_>) -> PyResult<Option<f64>> {
        let key = key_bytes(key)?;
        self.handle.run(
            py,
            || None,
            |attached| {
                // Tells a key that is not allowed from one that is not there.
                let info = attached.cache.try_contains(key)?.then(|| attached.cache.item_info(key));
                Ok(info.flatten().map(|info| info.ttl.map_or(f64::INFINITY, seconds)))
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

    /// The values of many keys, as a dict of the hits. Each key is an operation of its own.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.set_many({"a": 1, "b": 2})
    /// >>> cache.get_many(["a", "b", "c"])
    /// {'a': 1, 'b': 2}
    fn get_many<'py>(&self, py: Python<'py>, keys: &Object<'py>) -> PyResult<Bound<'py, PyDict>> {
        many::get(self, py, keys)
    }

    /// Stores all of a mapping, or of an iterable of pairs. Each is an operation of its own, and the first that fails is raised.
    #[pyo3(signature = (items, ttl=None))]
    fn set_many(
        &self,
        py: Python<'_>,
        items: &Object<'_>,
        ttl: Option<&Object<'_>>,
    ) -> PyResult<()> {
        many::set(self, py, items, SetOptions::new().lifetime(lifetime(ttl)?))
    }

    /// Ends the items of many keys; how many there were.
    fn delete_many(&self, py: Python<'_>, keys: &Object<'_>) -> PyResult<usize> {
        many::delete(self, py, keys)
    }

    /// Adds bytes or text behind a value of bytes or text; its new length in bytes, or None: no such key.
    ///
    /// Of all that several processes append at once, nothing is lost and nothing mixed.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache["log"] = b"one"
    /// >>> cache.append("log", b",two"), cache["log"]
    /// (7, b'one,two')
    fn append(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        part: &Object<'_>,
    ) -> PyResult<Option<usize>> {
        self.extend(py, key, part, |cache, key, part| Ok(cache.append(key, part)?))
    }

    /// Adds bytes or text before a value. Else as `append`.
    fn prepend(
        &self,
        py: Python<'_>,
        key: &Object<'_>,
        part: &Object<'_>,
    ) -> PyResult<Option<usize>> {
        self.extend(py, key, part, |cache, key, part| Ok(cache.prepend(key, part)?))
    }

    /// Ends every item of the region, at one instant.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.handle.run(py, || (), |attached| Ok(attached.cache.clear()?))
    }

    /// The keys present that begin with `prefix`, in no order, while others change them: one that is present all the time comes exactly
    /// once. A key comes as str where it is UTF-8, else as bytes; either finds the item.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache["user:1"] = cache["user:2"] = cache["page"] = 0
    /// >>> sorted(cache.keys("user:"))
    /// ['user:1', 'user:2']
    #[pyo3(signature = (prefix=None))]
    fn keys(&self, py: Python<'_>, prefix: Option<&Object<'_>>) -> PyResult<KeyIterator> {
        KeyIterator::new(self, py, prefix)
    }

    /// Pairs of key and value. Else as `keys`.
    #[pyo3(signature = (prefix=None))]
    fn items(slf: &Bound<'_, Self>, prefix: Option<&Object<'_>>) -> PyResult<ItemIterator> {
        ItemIterator::new(slf, prefix)
    }

    /// Counters and gauges of the region, under Memcached's names; `failures` are those that this handle forgave.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache.get("k"), cache.stats()["get_misses"]
    /// (None, 1)
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.handle.run(py, hostcache::Stats::default, |attached| {
            Ok(py.detach(|| attached.cache.stats()))
        })?;
        figures::stats(py, &stats, self.handle.failures())
    }

    /// What each slab class holds and earns, smallest chunks first; values too large for a class last, under `whole_pages`.
    ///
    /// A list of dicts: `chunk_size`, `pages`, `chunks`, `used_chunks`, `free_chunks`, `items`, `used_bytes` (items with their headers),
    /// `wasted_bytes` (what their chunks have beyond them), `get_hits` (estimated from one hit in 512), `stored` (stores that took memory
    /// anew, counted a few at once: these stand for misses), `hit_ratio` of these two (0 to 1, or None before 16,384 of both), `evictions`, and `eviction_age`, how long what is evicted had
    /// been there (seconds, or None). Looks at every item's header: about 0.1 s for half a million items.
    fn classes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let classes = self
            .handle
            .run(py, Vec::new, |attached| Ok(py.detach(|| attached.cache.slab_classes())))?;
        figures::classes(py, &classes)
    }

    /// The region's fixed properties: capacity, limits, file, layout version.
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let info =
            self.handle.run(py, Default::default, |attached| Ok(attached.cache.try_info()?));
        figures::info(py, &info?)
    }

    /// The stored bytes in place, as a read-only memoryview; None is a miss.
    ///
    /// The item stays where it is, unchanged, for as long as anything refers to the view, whatever becomes of its key, and of
    /// this handle. All views of all processes hold at most a quarter of the capacity (or one larger value), one process has a few dozen at most,
    /// and a forked child takes views of its own. Small values are read faster by `get`.
    ///
    /// Raises OverBoundError, TooManyPinsError, ReadOnlyError.
    ///
    /// >>> cache = Cache(None)
    /// >>> cache["page"] = b"hello"
    /// >>> view = cache.view("page")
    /// >>> cache.delete("page"), bytes(view)
    /// (True, b'hello')
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

    /// Memory in the region for a value of `nbytes` bytes, to fill in place and then `publish()`: a writable buffer.
    ///
    /// As a context manager it publishes at the end of the block, and gives the memory back if an exception leaves it. Views and
    /// arrays over it must be gone by then. The lifetime runs from the publishing. Nobody sees the value before.
    ///
    /// Raises OverBoundError, TooManyReservationsError, ValueTooLargeError, NoRoomError, also where on_error is "miss".
    ///
    /// >>> cache = Cache(None)
    /// >>> with cache.reserve("page", 5) as page, memoryview(page) as memory:
    /// ...     memory[:] = b"hello"
    /// >>> cache["page"]
    /// b'hello'
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

    /// Lets go of the region. Views stay valid; anything else raises ClosedError from now on.
    fn close(&self) {
        self.handle.close();
    }

    /// Removes a region's name. Who is attached goes on with it; its memory comes back when the last of them is gone.
    ///
    /// Raises RegionMissingError.
    #[staticmethod]
    fn destroy(name: &str) -> PyResult<()> {
        hostcache::Cache::destroy(name).map_err(open_error)
    }

    /// The region's name, or the path that was given; None of a private cache.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.handle.settings.name.as_deref()
    }

    /// The mapped file.
    #[getter]
    fn path(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let path = self.handle.run(py, || None, |attached| Ok(Some(attached.cache.path())))?;
        Ok(path.map(|path| path.display().to_string()))
    }

    /// Bytes of memory in all.
    #[getter]
    fn capacity(&self, py: Python<'_>) -> PyResult<u64> {
        self.handle.run(py, || 0, |attached| Ok(attached.cache.capacity()))
    }

    /// Whether the handle was made without write access.
    #[getter]
    fn read_only(&self) -> bool {
        self.handle.settings.read_only
    }

    /// Whether the handle was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// "raise" or "miss".
    #[getter]
    fn on_error(&self) -> &'static str {
        if self.handle.is_forgiving { "miss" } else { "raise" }
    }

    /// Operations that failed because of the region and were forgiven (on_error="miss").
    #[getter]
    fn failures(&self) -> u64 {
        self.handle.failures()
    }

    /// Whether region and directory are this process's user's alone, so that pickle may be the default.
    #[getter]
    fn is_trusted(&self, py: Python<'_>) -> PyResult<bool> {
        self.handle.run(py, || false, |attached| Ok(attached.is_trusted))
    }

    /// The name of the serializer that was chosen.
    #[getter]
    fn serializer(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.codec.object.getattr(py, "name")
    }

    #[getter]
    fn _codec(&self, py: Python<'_>) -> Py<PyAny> {
        self.codec.object.clone_ref(py)
    }

    /// The largest value that a key can have, in bytes.
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
