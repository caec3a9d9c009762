"""NumPy arrays in the region: a header, padding up to a multiple of 64 bytes, and the array's bytes.

======  =====================================================
offset  what
======  =====================================================
0       version, 1 byte
1       order: ``C`` or ``F``
2       dimensions, 1 byte
3       0
4       length of the type's text, 4 bytes, little-endian
8       where the array's bytes begin, 8 bytes
16      the shape, 8 bytes each
..      the type as ``numpy.lib.format`` writes it, as text
======  =====================================================
"""

from __future__ import annotations

import ast
import math
import struct
from typing import Any

import numpy as np
from numpy.lib.format import descr_to_dtype, dtype_to_descr

from ._codec import ARRAY
from .errors import OverBoundError, PinError, ReadOnlyError, SerializerError, TooManyReservationsError

_HEAD = struct.Struct("<BcBBIQ")
_VERSION = 1
_ALIGN = 64
_MOST_DIMENSIONS = 64


def _head(array: Any) -> tuple[bytes, bytes, Any]:
    """The header without the place of the bytes, twice: before and after it."""
    if array.dtype.hasobject:
        raise TypeError("an array of objects has no bytes to share: use set(), which pickles it")
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    descr = repr(dtype_to_descr(array.dtype)).encode()
    shape = b"".join(struct.pack("<Q", n) for n in array.shape)
    return _HEAD.pack(_VERSION, order.encode(), array.ndim, 0, len(descr), 0)[:8], shape + descr, order


def store(cache: Any, key: str | bytes, array: Any, ttl: Any) -> None:
    array = np.asanyarray(array)
    before, after, order = _head(array)
    head = len(before) + 8 + len(after)
    # Where the value begins is known only once it is reserved: room for any padding.
    nbytes = head + _ALIGN + array.nbytes
    try:
        reservation = cache.reserve(key, nbytes, ttl=ttl, encoding=ARRAY)
    except (OverBoundError, TooManyReservationsError):
        cache._set_raw(key, to_bytes(array), ARRAY, ttl)
        return
    with reservation:
        start = head + -(reservation._address + head) % _ALIGN
        with memoryview(reservation) as memory:
            memory[:head] = before + struct.pack("<Q", start) + after
            place: Any = np.ndarray(array.shape, array.dtype, memory, start, order=order)
            place[...] = array
            del place


def to_bytes(array: Any) -> bytes:
    before, after, order = _head(array)
    head = len(before) + 8 + len(after)
    start = head + -head % _ALIGN
    return b"".join((before, struct.pack("<Q", start), after, bytes(start - head), array.tobytes(order)))


def _parse(memory: memoryview) -> tuple[Any, tuple[int, ...], Any, int]:
    """Type, shape, order and place of the bytes. Nothing of it is trusted."""
    try:
        version, order, dimensions, _, descr_len, start = _HEAD.unpack_from(memory)
        if version != _VERSION or order not in (b"C", b"F") or dimensions > _MOST_DIMENSIONS:
            raise ValueError(f"version {version}, order {order!r}, {dimensions} dimensions")
        shape = struct.unpack_from(f"<{dimensions}Q", memory, _HEAD.size)
        at = _HEAD.size + 8 * dimensions
        dtype = _dtype(bytes(memory[at : at + descr_len]))
        if dtype.hasobject:
            raise ValueError("it is an array of objects")
        if start + math.prod(shape) * dtype.itemsize > len(memory):
            raise ValueError("it goes beyond the end of the item")
    except (struct.error, ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise SerializerError(f"the item is no array: {error}; set or delete the key") from error
    return dtype, shape, order.decode(), start


_dtypes: dict[bytes, Any] = {}


def _dtype(descr: bytes) -> Any:
    dtype = _dtypes.get(descr)
    if dtype is None:
        dtype = descr_to_dtype(ast.literal_eval(descr.decode()))
        if len(_dtypes) < 256:
            _dtypes[descr] = dtype
    return dtype


def _over(memory: memoryview) -> Any:
    dtype, shape, order, start = _parse(memory)
    array: Any = np.ndarray(shape, dtype, memory, start, order=order)
    return array


def from_bytes(data: bytes) -> Any:
    return _over(memoryview(data)).copy(order="K")


def load(cache: Any, key: str | bytes, copy: bool | None) -> Any:
    if not copy:
        try:
            found = cache._view(key)
        except (PinError, ReadOnlyError):
            if copy is False:
                raise
        else:
            if found is None:
                return None
            _is_array(found[1])
            array = _over(found[0])
            # An item that was touched or appended to may lie elsewhere.
            if array.flags.aligned:
                return array
            array = array.copy(order="K")
            array.flags.writeable = False
            return array
    found = cache._raw(key)
    if found is None:
        return None
    _is_array(found[1])
    array = from_bytes(found[0])
    array.flags.writeable = bool(copy)
    return array


def _is_array(encoding: int) -> None:
    if encoding != ARRAY:
        raise SerializerError(f"the item is no array (its encoding is {encoding}): read it by get()")
