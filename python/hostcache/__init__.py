"""A cache in the memory of one host, shared by many processes.

>>> import hostcache
>>> cache = hostcache.Cache("catalog", capacity="64MiB")   # attach, or create
>>> cache.set("user:7", {"name": "Ada"}, ttl=30)
>>> cache.get("user:7")                                    # from any process of this user
{'name': 'Ada'}
"""

from . import errors
from ._hostcache import ManualClock, Reservation, __version__
from .cache import Cache, PrivateCache
from .errors import *  # noqa: F403
from .memoize import lru_cache

__all__ = [
    "Cache",
    "ManualClock",
    "PrivateCache",
    "Reservation",
    "__version__",
    "errors",
    "lru_cache",
    *errors.__all__,
]
