"""Decorators that keep what functions return."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import decimal
import enum
import functools
import hashlib
import inspect
import os
import threading
import uuid
from types import MethodType
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

if TYPE_CHECKING:
    from .cache import Cache

__all__ = ["CacheInfo", "Memoized", "lru_cache"]

_MISSING: Any = object()

#: A longer text of arguments is replaced by its digest.
_LONGEST = 200


def canonical(value: Any, typed: bool = True) -> str:
    """A text that is the same for equal arguments, in every process, and differs for different ones.

    >>> canonical((1, "a", None))
    "(1,'a',None)"
    >>> canonical({"b": 1, "a": [True]})
    "{'a':[True],'b':1}"
    """
    kind = type(value)
    if kind is str or kind is bytes or kind is int or kind is bool or value is None:
        return repr(value)
    if kind is float:
        return repr(value)
    if kind is tuple or kind is list:
        inner = ",".join([canonical(part) for part in value])
        return f"({inner})" if kind is tuple else f"[{inner}]"
    if kind is dict:
        return "{" + ",".join(sorted(f"{canonical(k)}:{canonical(v)}" for k, v in value.items())) + "}"
    if kind is set or kind is frozenset:
        return f"{kind.__name__}{{" + ",".join(sorted(map(canonical, value))) + "}"
    name = f"{kind.__module__}.{kind.__qualname__}"
    own = getattr(kind, "__cache_key__", None)
    if own is not None:
        return f"{name}<{canonical(own(value))}>"
    if isinstance(value, enum.Enum):
        return f"{name}<{value.name}>"
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID, complex)):
        return f"{name}<{value!r}>"
    if dataclasses.is_dataclass(value):
        fields = [getattr(value, field.name) for field in dataclasses.fields(value)]
        return f"{name}<{canonical(fields)}>"
    raise TypeError(
        f"an argument of type {name} has no key: give memoize(key=…) a function that makes one from the arguments, "
        "or the class a method __cache_key__"
    )


class Memoized:
    """A function, method or coroutine function whose results are kept in a cache."""

    def __init__(
        self,
        cache: Cache,
        function: Callable[..., Any],
        ttl: float | datetime.timedelta | None,
        key: str | Callable[..., str | bytes] | None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.__wrapped__ = function
        self.cache = cache
        self.ttl = ttl
        self._make_key = key if callable(key) else None
        self.prefix = key if isinstance(key, str) else f"{function.__module__}.{function.__qualname__}"
        self._signature = inspect.signature(function)
        kinds = {parameter.kind for parameter in self._signature.parameters.values()}
        # Calls that name nothing need no binding where every parameter is given by its place.
        plain = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
        self._places = len(self._signature.parameters) if kinds <= set(plain) else -1
        if inspect.iscoroutinefunction(function):
            self._call = self._call_async
            # So that frameworks see what it is.
            self._is_coroutine_marker = getattr(asyncio.coroutines, "_is_coroutine", None)
        else:
            self._call = self._call_sync

    def cache_key(self, *args: Any, **kwargs: Any) -> str | bytes:
        """The key under which a call's result is kept."""
        if self._make_key is not None:
            return self._make_key(*args, **kwargs)
        if kwargs or len(args) != self._places:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            args = tuple(bound.arguments.values())
        text = canonical(args)
        if len(text) > _LONGEST:
            text = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return f"{self.prefix}{text}"

    def invalidate(self, *args: Any, **kwargs: Any) -> bool:
        """Forgets a call's result; whether there was one."""
        return self.cache.delete(self.cache_key(*args, **kwargs))

    def _call_sync(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        key = self.cache_key(*args, **kwargs)
        value = self.cache.get(key, _MISSING)
        if value is _MISSING:
            value = self.__wrapped__(*args, **kwargs)
            self.cache.set(key, value, self.ttl)
        return value

    async def _call_async(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        key = self.cache_key(*args, **kwargs)
        value = await self.cache.aget(key, _MISSING)
        if value is _MISSING:
            value = await self.__wrapped__(*args, **kwargs)
            await self.cache.aset(key, value, self.ttl)
        return value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(args, kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<memoized {self.prefix} in {self.cache!r}>"


class CacheInfo(NamedTuple):
    """As ``functools.lru_cache`` tells it."""

    hits: int
    misses: int
    maxsize: int | None
    currsize: int


def lru_cache(
    maxsize: int | None | Callable[..., Any] = 128,
    typed: bool = False,
    *,
    cache: Cache | str | None = None,
    ttl: float | datetime.timedelta | None = None,
) -> Any:
    """``functools.lru_cache``, shared by all processes.

    cache: a Cache, or the name of one; by default ``$HOSTCACHE_NAME``, else ``"default"``, made with 64 MiB if it is missing.
    maxsize: kept for ``cache_info()``; how much is kept is the capacity of the region, by bytes, over all functions.
    typed: kept for ``cache_parameters()``; arguments of different types are always different.
    ttl: seconds.

    ``cache_info()`` counts this process's hits and misses, and the results of all processes; ``cache_clear()`` forgets them for
    all. Arguments are those that ``Cache.memoize`` takes, results what the cache's serializer takes.

    >>> import hostcache
    >>> cache = hostcache.Cache(None)
    >>> @lru_cache(maxsize=None, cache=cache)
    ... def double(n):
    ...     return 2 * n
    >>> double(4), double(4), double.cache_info()
    (8, 8, CacheInfo(hits=1, misses=1, maxsize=None, currsize=1))
    """
    if callable(maxsize):
        return lru_cache(128, typed)(maxsize)
    if isinstance(maxsize, int) and maxsize < 0:
        maxsize = 0

    def decorate(function: Callable[..., Any]) -> _LruCached:
        return _LruCached(cache, function, ttl, maxsize, typed)

    return decorate


class _LruCached(Memoized):
    def __init__(
        self,
        cache: Cache | str | None,
        function: Callable[..., Any],
        ttl: float | datetime.timedelta | None,
        maxsize: int | None,
        typed: bool,
    ) -> None:
        super().__init__(_resolve(cache), function, ttl, None)
        self.prefix = f"lru:{self.prefix}"
        self._parameters = {"maxsize": maxsize, "typed": typed}
        self._lock = threading.Lock()
        self._hits = self._misses = 0

    def _call_sync(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._parameters["maxsize"] == 0:
            with self._lock:
                self._misses += 1
            return self.__wrapped__(*args, **kwargs)
        key = self.cache_key(*args, **kwargs)
        value = self.cache.get(key, _MISSING)
        hit = value is not _MISSING
        with self._lock:
            self._hits += hit
            self._misses += not hit
        if not hit:
            value = self.__wrapped__(*args, **kwargs)
            self.cache.set(key, value, self.ttl)
        return value

    def cache_info(self) -> CacheInfo:
        """Hits and misses of this process; the number of results that all processes see."""
        currsize = sum(1 for _ in self.cache.keys(f"{self.prefix}("))
        with self._lock:
            return CacheInfo(self._hits, self._misses, self._parameters["maxsize"], currsize)

    def cache_clear(self) -> None:
        """Forgets all results of this function, for all processes."""
        self.cache.delete_prefix(f"{self.prefix}(")
        with self._lock:
            self._hits = self._misses = 0

    def cache_parameters(self) -> dict[str, Any]:
        """The arguments of the decorator."""
        return dict(self._parameters)


def _resolve(cache: Cache | str | None) -> Cache:
    from .cache import Cache

    if isinstance(cache, Cache):
        return cache
    return Cache(cache or os.environ.get("HOSTCACHE_NAME", "default"), capacity="64MiB")
