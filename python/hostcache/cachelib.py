"""A back end for cachelib (and so for what builds on it)::

    from hostcache.cachelib import HostCache
    cache = HostCache("catalog", capacity="256MiB")
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from cachelib.base import BaseCache

from .cache import Cache
from .errors import NotANumberError

__all__ = ["HostCache"]


class HostCache(BaseCache):
    """A region of hostcache behind cachelib's API; on a region that is missing or full it misses.

    default_timeout: seconds; 0: for ever.
    key_prefix: before every key; ``clear()`` then ends the keys with this prefix alone.
    settings: what ``hostcache.Cache`` takes.
    """

    def __init__(
        self,
        name: str | None = "cachelib",
        default_timeout: int | timedelta = 300,
        key_prefix: str | None = None,
        ignore_delete_many_errors: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(default_timeout)
        self.ignore_delete_many_errors = ignore_delete_many_errors
        self.key_prefix = key_prefix or ""
        self._cache = Cache(name, **{"capacity": "64MiB", "on_error": "miss", **settings})

    def _ttl(self, timeout: int | float | timedelta | None) -> float:
        if isinstance(timeout, timedelta):
            seconds = timeout.total_seconds()
        else:
            seconds = float(self.default_timeout if timeout is None else timeout)
        # cachelib: 0 is for ever, -1 too.
        return math.inf if seconds <= 0 else seconds

    def _key(self, key: str) -> str:
        return self.key_prefix + key

    def get(self, key: str) -> Any:
        return self._cache.get(self.key_prefix + key)

    def set(self, key: str, value: Any, timeout: int | timedelta | None = None) -> bool:
        failures = self._cache.failures
        self._cache.set(self._key(key), value, self._ttl(timeout))
        return self._cache.failures == failures

    def add(self, key: str, value: Any, timeout: int | timedelta | None = None) -> bool:
        return self._cache.add(self._key(key), value, self._ttl(timeout))

    def delete(self, key: str) -> bool:
        return self._cache.delete(self._key(key))

    def has(self, key: str) -> bool:
        return self._cache.contains(self._key(key))

    def get_many(self, *keys: str) -> list[Any]:
        found = self._cache.get_many([self._key(key) for key in keys])
        return [found.get(self._key(key)) for key in keys]

    def set_many(self, mapping: dict[str, Any], timeout: int | timedelta | None = None) -> list[Any]:
        return [key for key, value in mapping.items() if self.set(key, value, timeout)]

    def delete_many(self, *keys: str) -> list[Any]:
        failures = self._cache.failures
        self._cache.delete_many([self._key(key) for key in keys])
        if self._cache.failures == failures:
            # Those that were not there are as gone as the others.
            return list(keys)
        if not self.ignore_delete_many_errors:
            raise RuntimeError(f"some of {len(keys)} keys could not be deleted: the region can't be reached")
        return []

    def clear(self) -> bool:
        failures = self._cache.failures
        if self.key_prefix:
            self._cache.delete_prefix(self.key_prefix)
        else:
            self._cache.clear()
        return self._cache.failures == failures

    def inc(self, key: str, delta: int = 1) -> int | None:
        return self._count(key, delta)

    def dec(self, key: str, delta: int = 1) -> int | None:
        return self._count(key, -delta)

    def _count(self, key: str, delta: int) -> int | None:
        made, ttl = self._key(key), self._ttl(None)
        # A counter stops at 0, and cachelib's numbers do not: below, by compare and swap.
        while True:
            found = self._cache.gets(made)
            if found is None:
                if self._cache.add(made, delta, ttl):
                    return delta
                if self._cache.gets(made) is None:
                    return None
                continue
            value, token = found
            if type(value) is int and value >= 0 and delta >= 0:
                try:
                    return self._cache.incr(made, delta)
                except NotANumberError:
                    continue
            new: int = value + delta
            if self._cache.cas(made, new, token, ttl):
                return new
