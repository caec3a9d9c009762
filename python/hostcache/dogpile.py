"""A back end for dogpile.cache::

    region = dogpile.cache.make_region().configure(
        "hostcache", expiration_time=60, arguments={"name": "catalog", "capacity": "256MiB"}
    )

``arguments`` are those of ``hostcache.Cache``; ``ttl`` among them is when memory may be given back, in seconds: set it above the
region's ``expiration_time``. dogpile's own lock is one of threads: two processes may compute one value at once.
"""

from __future__ import annotations

import inspect
import math
from typing import Any, Mapping, Sequence

from dogpile.cache.api import NO_VALUE, CacheBackend

from . import _hostcache
from .cache import Cache

__all__ = ["HostCacheBackend"]

_SETTINGS = frozenset(inspect.signature(_hostcache.Cache).parameters)


class HostCacheBackend(CacheBackend):
    """A region of hostcache behind dogpile's API; on a region that is missing or full it misses."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        # dogpile hands on arguments that are meant for proxies, too.
        own = {key: value for key, value in arguments.items() if key in _SETTINGS}
        settings: dict[str, Any] = {"name": "dogpile", "capacity": "64MiB", "on_error": "miss", **own}
        ttl = arguments.get("ttl")
        self._ttl = math.inf if ttl is None else ttl
        self._cache = Cache(**settings)

    def get(self, key: str) -> Any:
        return self._cache.get(key, NO_VALUE)

    def get_multi(self, keys: Sequence[str]) -> list[Any]:
        found = self._cache.get_many(keys)
        return [found.get(key, NO_VALUE) for key in keys]

    def set(self, key: str, value: Any) -> None:
        self._cache.set(key, value, self._ttl)

    def set_multi(self, mapping: Mapping[str, Any]) -> None:
        self._cache.set_many(mapping, self._ttl)

    def delete(self, key: str) -> None:
        self._cache.delete(key)

    def delete_multi(self, keys: Sequence[str]) -> None:
        self._cache.delete_many(keys)
