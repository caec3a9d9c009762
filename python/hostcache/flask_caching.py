"""A back end for Flask-Caching::

    app.config.update(
        CACHE_TYPE="hostcache.flask_caching.HostCache",
        CACHE_HOSTCACHE_NAME="catalog",
        CACHE_OPTIONS={"capacity": "256MiB"},
    )
    cache = flask_caching.Cache(app)

``CACHE_DEFAULT_TIMEOUT`` and ``CACHE_KEY_PREFIX`` are Flask-Caching's own.
"""

from __future__ import annotations

from typing import Any

from flask_caching.backends.base import BaseCache

from . import cachelib

__all__ = ["HostCache"]


class HostCache(cachelib.HostCache, BaseCache):
    """A region of hostcache behind Flask-Caching's API."""

    def __init__(
        self,
        name: str | None = "flask",
        default_timeout: int = 300,
        key_prefix: str | None = None,
        ignore_delete_many_errors: bool = False,
        **settings: Any,
    ) -> None:
        cachelib.HostCache.__init__(self, name, default_timeout, key_prefix, ignore_delete_many_errors, **settings)

    @classmethod
    def factory(cls, app: Any, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> HostCache:
        """As Flask-Caching makes its back ends."""
        settings = {
            "name": config.get("CACHE_HOSTCACHE_NAME", "flask"),
            "key_prefix": config.get("CACHE_KEY_PREFIX"),
            **kwargs,
        }
        return cls(*args, **settings)
