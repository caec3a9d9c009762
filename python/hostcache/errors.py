"""The exceptions of this package: one tree, in the families of the core.

Every text says what was tried, on which region, what the system answered, and what to do::

    HostcacheError
    ├── OpenError            a region can't be created, opened or destroyed
    ├── WriteError           a write did not happen
    ├── ReadError            a read could not be answered (a miss is no error)
    ├── PinError             an item can't be held in place
    ├── InvalidKeyError      also a ValueError
    ├── ReadOnlyError        writing or pinning through a read-only handle
    ├── CorruptError         the region contradicts itself
    ├── ClosedError          the handle was closed
    └── SerializerError      a value can't be turned into bytes, or back
"""

__all__ = [
    "CapacityDiffersError",
    "ClosedError",
    "ContendedError",
    "CorruptError",
    "HostcacheError",
    "IncompatibleError",
    "InvalidKeyError",
    "InvalidNameError",
    "InvalidSettingError",
    "NoRoomError",
    "NoSpaceError",
    "NotANumberError",
    "NotARegionError",
    "OpenError",
    "OverBoundError",
    "PinError",
    "ReadError",
    "ReadOnlyError",
    "RefusedError",
    "RegionExistsError",
    "RegionMissingError",
    "ReservationLostError",
    "SerializerError",
    "SystemCallError",
    "TooManyParticipantsError",
    "TooManyPinsError",
    "TooManyReservationsError",
    "UnsupportedError",
    "ValueTooLargeError",
    "WriteError",
]


class HostcacheError(Exception):
    """Any failure of this package."""


class OpenError(HostcacheError):
    """A region can't be created, opened or destroyed."""


class InvalidNameError(OpenError, ValueError):
    """The name is not 1 to 30 characters of ``A-Z a-z 0-9 . _ -``, the first a letter or digit."""


class InvalidSettingError(OpenError, ValueError):
    """A setting is out of its range."""


class RegionMissingError(OpenError):
    """No region of that name, and no capacity to make one."""


class RegionExistsError(OpenError):
    """A region of that name exists already."""


class CapacityDiffersError(OpenError):
    """``exact=True``, and the region has another capacity."""


class NoSpaceError(OpenError):
    """The filesystem has no room for the region."""


class UnsupportedError(OpenError):
    """The region's backing can't do what was asked for."""


class NotARegionError(OpenError):
    """The file is no region."""


class IncompatibleError(OpenError):
    """The region has another layout version than this library."""


class RefusedError(OpenError):
    """The file's owner, mode or type forbids to trust it."""


class TooManyParticipantsError(OpenError):
    """Every participant slot is taken by a living thread."""


class SystemCallError(OpenError, OSError):
    """The operating system refused a call; ``errno`` is its answer."""


class WriteError(HostcacheError):
    """A write did not happen."""


class ValueTooLargeError(WriteError, ValueError):
    """The value is over the region's limit."""


class NoRoomError(WriteError):
    """No memory could be freed for the value."""


class NotANumberError(WriteError, ValueError):
    """The value is not a counter of decimal digits."""


class TooManyReservationsError(WriteError):
    """This process has as many reservations as it may."""


class ReservationLostError(WriteError):
    """The reservation has ended, or is the parent process's."""


class ReadError(HostcacheError):
    """A read could not be answered."""


class PinError(HostcacheError):
    """An item can't be held in place."""


class OverBoundError(PinError, WriteError):
    """Pins and reservations together would hold more than they may."""


class TooManyPinsError(PinError):
    """This process has as many views as it may."""


class ContendedError(ReadError, PinError):
    """The item was replaced at every attempt to read it."""


class InvalidKeyError(HostcacheError, ValueError):
    """The key is empty, longer than 64 KiB, or has no UTF-8 form."""


class ReadOnlyError(HostcacheError):
    """The region is attached read-only."""


class CorruptError(OpenError, WriteError, ReadError):
    """The region contradicts itself."""


class ClosedError(HostcacheError):
    """The handle was closed."""


class SerializerError(HostcacheError):
    """A value can't be turned into bytes, or back; the cause is what the serializer raised."""
