"""A cache back end for Django::

    CACHES = {
        "default": {
            "BACKEND": "hostcache.django.HostCache",
            "LOCATION": "catalog",                     # the region
            "OPTIONS": {"capacity": "256MiB"},         # and anything else that hostcache.Cache takes
        }
    }
    SESSION_ENGINE = "django.contrib.sessions.backends.cache"

``on_error`` is ``"miss"`` unless OPTIONS say otherwise: a region that is missing or full is a miss, never an error page.
``clear()`` empties the region, whatever else is in it; KEY_PREFIX and VERSION keep keys apart, as everywhere in Django.
"""

from __future__ import annotations

import math
import re
from typing import Any, Iterable

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from .cache import Cache
from .errors import NotANumberError, SerializerError

__all__ = ["HostCache"]

_MISSING: Any = object()

#: What every back end of Django takes: keys of up to 250 printable characters warn nobody.
_IS_PORTABLE = re.compile(r"[\x21-\x7e\x80-\U0010ffff]{1,250}\Z").match


class HostCache(BaseCache):
    """A region of hostcache behind Django's cache API."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        options = {"capacity": "64MiB", "on_error": "miss", **(params.get("OPTIONS") or {})}
        for of_django in ("MAX_ENTRIES", "CULL_FREQUENCY"):
            options.pop(of_django, None)
        self._cache = Cache(location or "django", **options)

    @property
    def client(self) -> Cache:
        """The cache itself."""
        return self._cache

    def validate_key(self, key: str) -> None:
        # The same verdict as the base's, which looks at one character after the other.
        if _IS_PORTABLE(key) is None:
            super().validate_key(key)

    def _ttl(self, timeout: Any) -> float:
        if timeout is DEFAULT_TIMEOUT:
            timeout = self.default_timeout
        return math.inf if timeout is None else max(0, timeout)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._cache.get(self.make_and_validate_key(key, version), default)

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        key = self.make_and_validate_key(key, version)
        with _DjangosErrors():
            self._cache.set(key, value, self._ttl(timeout))

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        key = self.make_and_validate_key(key, version)
        with _DjangosErrors():
            return self._cache.add(key, value, self._ttl(timeout))

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._cache.touch(self.make_and_validate_key(key, version), self._ttl(timeout))

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._cache.delete(self.make_and_validate_key(key, version))

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self._cache.contains(self.make_and_validate_key(key, version))

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        made = {self.make_and_validate_key(key, version): key for key in keys}
        return {made[key]: value for key, value in self._cache.get_many(list(made)).items()}

    def set_many(
        self, data: dict[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[str]:
        pairs = [(self.make_and_validate_key(key, version), value) for key, value in data.items()]
        with _DjangosErrors():
            self._cache.set_many(pairs, self._ttl(timeout))
        return []

    def delete_many(self, keys: Iterable[str], version: int | None = None) -> None:
        self._cache.delete_many([self.make_and_validate_key(key, version) for key in keys])

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        made = self.make_and_validate_key(key, version)
        try:
            value = self._cache.incr(made, delta)
        except NotANumberError:
            return self._incr_other(key, made, delta)
        if value is None:
            raise ValueError(f"Key '{key}' not found")
        return value

    def _incr_other(self, key: str, made: str, delta: int) -> int:
        """Of a negative number, or what else can be added to: not a counter, so by compare and swap."""
        while True:
            found = self._cache.gets(made)
            if found is None:
                raise ValueError(f"Key '{key}' not found")
            value, token = found
            left = self._cache.ttl(made)
            value += delta
            if self._cache.cas(made, value, token, left):
                new: int = value
                return new

    def clear(self) -> None:
        self._cache.clear()

    def close(self, **kwargs: Any) -> None:
        """At the end of a request. The region stays attached: that is what makes the next request fast."""


class _DjangosErrors:
    """What a serializer raised is what Django's users expect to see."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, SerializerError) and error.__cause__ is not None:
            raise error.__cause__
