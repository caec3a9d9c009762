"""The class that users meet: the extension's, with what is better said in Python."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping

from . import _hostcache
from . import errors as _errors

if TYPE_CHECKING:
    from datetime import timedelta

    import numpy as np

    from .memoize import Memoized

_MISSING: Any = object()

#: Values longer than this are encoded and copied in a thread by the asyncio variants.
_INLINE_BYTES = 32 << 10


class Cache(_hostcache.Cache):
    """A cache in the memory of this host, shared by all processes that name it.

    ``Cache(name)`` attaches to a region, ``Cache(name, capacity="256MiB")`` makes it where it is missing; an existing one
    keeps its size. ``name`` is 1 to 30 characters of ``A-Z a-z 0-9 . _ -``, or a path with a ``/`` in it; None makes a
    private cache, which forked children share and nobody else finds.

    capacity: bytes, or a text such as ``"256MiB"``: all memory that it takes, at least 1 MiB.
    read_only: attach without write access; reads are not counted then, and nothing can be pinned.
    default_ttl: lifetime of items that are set without one, in seconds (or a timedelta); stored in a region that this makes.
    serializer: for values that are neither bytes nor str nor int: ``"pickle"``, ``"msgpack"``, ``"json"``, ``"orjson"``, a
        pair ``(dumps, loads)``, or None: pickle where the region and its directory are this user's alone, else none.
    on_error: ``"raise"``; or ``"miss"``: while the region is missing, full or unreadable, every get is a miss and every set
        does nothing (logged once a minute, counted in ``failures``), and the handle attaches again when it is back.
    exact: an existing region of another capacity is an error.
    max_ttl, participants, expected_item_size, mode, group: of a region that this makes, see the README.
    directory: of the region, instead of ``$HOSTCACHE_DIR`` or ``/dev/shm/hostcache-<uid>``.
    clock: a ManualClock, for a private cache in tests.

    One handle may be used by all threads. After a fork the child attaches by itself at its first operation; pickled (for
    ``multiprocessing`` with spawn or forkserver) it attaches by its name where it is unpickled.

    Raises OpenError and its kinds.

    >>> cache = Cache(None, capacity="1MiB")
    >>> cache["greeting"] = "hello"
    >>> cache["greeting"], cache.get("nobody"), "greeting" in cache
    ('hello', None, True)
    """

    _arguments: dict[str, Any]

    def __init__(self, name: str | None, capacity: int | str | None = None, **settings: Any) -> None:
        self._arguments = {"name": name, "capacity": capacity, **settings}

    def __reduce__(self) -> tuple[Any, ...]:
        if self.name is None:
            raise TypeError(
                "a private cache can't be pickled, since nobody finds it by a name: "
                "let the child inherit it by fork, or give the cache a name"
            )
        return _attach, (type(self), self._arguments)

    def __repr__(self) -> str:
        name = "private" if self.name is None else repr(self.name)
        if self.closed:
            return f"<hostcache.{type(self).__name__} {name}, closed>"
        try:
            stats = self.stats()
        except _errors.HostcacheError as error:
            return f"<hostcache.{type(self).__name__} {name}, unreachable: {error}>"
        access = ", read-only" if self.read_only else ""
        return (
            f"<hostcache.{type(self).__name__} {name}, {_size(stats['limit_maxbytes'])}{access}, "
            f"{stats['curr_items']} items, {_size(stats['bytes'])} used>"
        )

    def values(self) -> Iterator[Any]:
        """The values present, in no order, while others change them.

        >>> cache = Cache(None)
        >>> cache["a"] = 1
        >>> list(cache.values())
        [1]
        """
        return (value for _, value in self.items())

    def update(self, items: Mapping[str | bytes, Any] | Iterable[tuple[str | bytes, Any]] = (), /, **more: Any) -> None:
        """Stores many values, as ``dict.update`` does; each key is an operation of its own.

        >>> cache = Cache(None)
        >>> cache.update({"a": 1}, b=2)
        >>> cache.get_many(["a", "b", "c"])
        {'a': 1, 'b': 2}
        """
        self.set_many(items)
        self.set_many(more)

    def get_or_compute(
        self, key: str | bytes, fn: Callable[[], Any], ttl: float | timedelta | None = None
    ) -> Any:
        """The value of a key; on a miss what ``fn()`` returns, which is stored for ``ttl`` seconds.

        A stored None is a hit. Two processes that miss at once both compute, and the later one's value stays. What ``fn``
        raises is raised, and nothing is stored.

        >>> cache = Cache(None)
        >>> cache.get_or_compute("answer", lambda: 6 * 7, ttl=60)
        42
        >>> cache.get_or_compute("answer", lambda: 0)
        42
        """
        value = self.get(key, _MISSING)
        if value is _MISSING:
            value = fn()
            self.set(key, value, ttl)
        return value

    def memoize(
        self,
        ttl: float | timedelta | None = None,
        key: str | Callable[..., str | bytes] | None = None,
    ) -> Callable[[Callable[..., Any]], Memoized]:
        """Decorates a function, a method or a coroutine function: what it returns is kept for ``ttl`` seconds.

        key: a prefix instead of the function's module and qualified name; or a callable that makes the whole key from the
        arguments. Without one, the key is made from the arguments by value: numbers, texts, bytes, None, dates, UUIDs,
        enums, dataclasses, and tuples, lists, sets and dicts of them. An object may say what it counts as by a method
        ``__cache_key__``. Other arguments raise TypeError.

        The decorated function has ``cache_key(*args)``, ``invalidate(*args)`` and ``__wrapped__``.

        >>> cache = Cache(None)
        >>> @cache.memoize(ttl=60)
        ... def square(n):
        ...     print("computing")
        ...     return n * n
        >>> square(3), square(n=3)
        computing
        (9, 9)
        >>> square.invalidate(3)
        True
        """
        from .memoize import Memoized

        return lambda function: Memoized(self, function, ttl, key)

    # asyncio. What takes microseconds is done at once; what might take longer than that, in a thread.

    async def aget(self, key: str | bytes, default: Any = None) -> Any:
        """``get`` that never blocks the event loop: values over 32 KiB are copied and decoded in a thread."""
        stored = self._stored(key)
        if stored is not None and stored[0] > _INLINE_BYTES:
            return await asyncio.to_thread(self.get, key, default)
        return self.get(key, default)

    async def aset(self, key: str | bytes, value: Any, ttl: float | timedelta | None = None) -> None:
        """``set`` that never blocks the event loop: what may be over 32 KiB is encoded and copied in a thread."""
        if _is_small(value):
            self.set(key, value, ttl)
        else:
            await asyncio.to_thread(self.set, key, value, ttl)

    async def adelete(self, key: str | bytes) -> bool:
        """``delete``, for symmetry: it takes less than a microsecond."""
        return self.delete(key)

    async def aget_many(self, keys: Iterable[str | bytes]) -> dict[str | bytes, Any]:
        """``get_many`` in a thread."""
        return await asyncio.to_thread(self.get_many, list(keys))

    async def aset_many(self, items: Mapping[str | bytes, Any], ttl: float | timedelta | None = None) -> None:
        """``set_many`` in a thread."""
        await asyncio.to_thread(self.set_many, dict(items), ttl)

    async def aget_or_compute(
        self, key: str | bytes, fn: Callable[[], Any], ttl: float | timedelta | None = None
    ) -> Any:
        """``get_or_compute`` for asyncio. ``fn`` may be a coroutine function; a plain one runs in a thread.

        >>> import asyncio
        >>> cache = Cache(None)
        >>> async def load():
        ...     return {"id": 7}
        >>> asyncio.run(cache.aget_or_compute("row:7", load, ttl=60))
        {'id': 7}
        """
        value = await self.aget(key, _MISSING)
        if value is _MISSING:
            if inspect.iscoroutinefunction(fn):
                value = await fn()
            else:
                value = await asyncio.to_thread(fn)
                if inspect.isawaitable(value):
                    value = await value
            await self.aset(key, value, ttl)
        return value

    # Arrays.

    def set_array(self, key: str | bytes, array: Any, ttl: float | timedelta | None = None) -> None:
        """Stores a NumPy array with its type and shape, copied once, straight into the region; its bytes begin at a
        multiple of 64 there.

        Raises TypeError for arrays of objects, ValueTooLargeError, NoRoomError.

        >>> import numpy as np
        >>> cache = Cache(None)
        >>> cache.set_array("grid", np.arange(6).reshape(2, 3))
        >>> cache.get_array("grid")[1, 2]
        np.int64(5)
        """
        from . import _arrays

        _arrays.store(self, key, array, ttl)

    def get_array(self, key: str | bytes, *, copy: bool | None = None) -> np.ndarray[Any, Any] | None:
        """A NumPy array that ``set_array`` stored; None is a miss.

        copy: None: the array lies in the region, without a copy, where that can be had, else it is a copy; either way it is
        read-only. False: it lies in the region, or PinError or ReadOnlyError says why not. True: a copy, writable.
        An array in the region holds its bytes, whatever becomes of the key, until the last reference to it goes. A process
        can hold a few dozen of them.

        Raises SerializerError if the item is no array.

        >>> import numpy as np
        >>> cache = Cache(None)
        >>> cache.set_array("ones", np.ones(3, dtype="f4"))
        >>> ones = cache.get_array("ones")
        >>> ones.flags.writeable, ones.dtype, ones.sum()
        (False, dtype('float32'), np.float32(3.0))
        """
        from . import _arrays

        array: np.ndarray[Any, Any] | None = _arrays.load(self, key, copy)
        return array

    def set_arrow(self, key: str | bytes, data: Any, ttl: float | timedelta | None = None) -> None:
        """Stores an Arrow table or record batch, written once, straight into the region, as an IPC stream. Needs pyarrow."""
        from . import _arrow

        _arrow.store(self, key, data, ttl)

    def get_arrow(self, key: str | bytes) -> Any:
        """An Arrow table that ``set_arrow`` stored, its buffers in the region, without a copy; None is a miss."""
        from . import _arrow

        return _arrow.load(self, key)


class PrivateCache(Cache):
    """A cache of this process and its forked children alone, gone with the last of them.

    capacity: bytes, or a text such as ``"16MiB"``.
    manual_clock: lifetimes count by a clock that stands still until ``advance`` moves it: for tests.

    >>> cache = PrivateCache("1MiB", manual_clock=True)
    >>> cache.set("k", "v", ttl=60)
    >>> cache.advance(59); cache.get("k")
    'v'
    >>> cache.advance(1); cache.get("k")
    """

    _clock: _hostcache.ManualClock | None

    def __new__(
        cls, capacity: int | str = "16MiB", *, manual_clock: bool = False, **settings: Any
    ) -> PrivateCache:
        clock = _hostcache.ManualClock() if manual_clock else None
        self = super().__new__(cls, None, capacity, clock=clock, **settings)
        self._clock = clock
        return self

    def __init__(self, capacity: int | str = "16MiB", *, manual_clock: bool = False, **settings: Any) -> None:
        super().__init__(None, capacity)

    def advance(self, seconds: float) -> None:
        """Moves the clock on, for this process and its forked children. RuntimeError without ``manual_clock=True``."""
        if self._clock is None:
            raise RuntimeError("this cache counts by the host's clock: make it with manual_clock=True")
        self._clock.advance(seconds)


def _attach(kind: type[Cache], arguments: dict[str, Any]) -> Cache:
    return kind(**arguments)


def _size(size: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024  # type: ignore[assignment]
    return f"{size:.4g} GiB"


def _is_small(value: Any, budget: int = 256) -> bool:
    """Whether a value is encoded within microseconds: plain, and of few parts."""
    left, size, pending = budget, _INLINE_BYTES, [value]
    while pending:
        part = pending.pop()
        kind = type(part)
        left -= 1
        if kind is str or kind is bytes:
            size -= len(part)
        elif kind is int or kind is float or kind is bool or part is None:
            size -= 16
        elif len(pending) > left:
            return False
        elif (kind is list or kind is tuple) and len(part) <= left:
            pending += part
        elif kind is dict and 2 * len(part) <= left:
            pending += part
            pending += part.values()
        else:
            return False
        if left < 0 or size < 0:
            return False
    return True


