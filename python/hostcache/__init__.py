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
from .errors import (
    CapacityDiffersError,
    ClosedError,
    ContendedError,
    CorruptError,
    HostcacheError,
    IncompatibleError,
    InvalidKeyError,
    InvalidNameError,
    InvalidSettingError,
    NoRoomError,
    NoSpaceError,
    NotANumberError,
    NotARegionError,
    OpenError,
    OverBoundError,
    PinError,
    ReadError,
    ReadOnlyError,
    RefusedError,
    RegionExistsError,
    RegionMissingError,
    ReservationLostError,
    SerializerError,
    SystemCallError,
    TooManyParticipantsError,
    TooManyPinsError,
    TooManyReservationsError,
    UnsupportedError,
    ValueTooLargeError,
    WriteError,
)
from .memoize import lru_cache

__all__ = [
    "Cache",
    "CapacityDiffersError",
    "ClosedError",
    "ContendedError",
    "CorruptError",
    "HostcacheError",
    "IncompatibleError",
    "InvalidKeyError",
    "InvalidNameError",
    "InvalidSettingError",
    "ManualClock",
    "NoRoomError",
    "NoSpaceError",
    "NotANumberError",
    "NotARegionError",
    "OpenError",
    "OverBoundError",
    "PinError",
    "PrivateCache",
    "ReadError",
    "ReadOnlyError",
    "RefusedError",
    "RegionExistsError",
    "RegionMissingError",
    "Reservation",
    "ReservationLostError",
    "SerializerError",
    "SystemCallError",
    "TooManyParticipantsError",
    "TooManyPinsError",
    "TooManyReservationsError",
    "UnsupportedError",
    "ValueTooLargeError",
    "WriteError",
    "errors",
    "lru_cache",
    "__version__",
]
