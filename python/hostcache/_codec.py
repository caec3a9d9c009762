"""Values that are neither bytes nor str nor int, to bytes and back.

The encoding stands with every item, so a reader needs no agreement with the writer, but for two: pickles are read only
where pickle is trusted or chosen, because reading one runs whatever code its writer put in; and a custom pair is known only
to who has it.
"""

from __future__ import annotations

import importlib
import math
import pickle
import struct
from typing import Any, Callable, Protocol

from .errors import SerializerError

BYTES, UTF8, INTEGER, PICKLE, MSGPACK, JSON, ARRAY, BINCODE, PICKLE_BUFFERS = range(9)
CUSTOM = 128

NAMES = ("pickle", "msgpack", "json", "orjson")

_UNCHOSEN = (
    "the region, or its directory, is not this user's alone, so pickle is not the default there: whoever may write it "
    "could run code in every process that reads a pickle. Choose: serializer=\"json\", \"msgpack\" or \"orjson\", or "
    "\"pickle\" if all who may write the region may run code as you"
)


class SerializerPair(Protocol):
    """A serializer of one's own."""

    def dumps(self, value: Any, /) -> bytes: ...
    def loads(self, data: bytes, /) -> Any: ...


class Codec:
    """What a handle does with other objects."""

    __slots__ = ("_dump", "_loads", "name", "pickle")

    name: str | None
    #: Whether pickles are read; None: where the region is trusted.
    pickle: bool | None

    def __init__(self, serializer: Any = None) -> None:
        self._loads: Callable[[bytes], Any] | None = None
        self.name = serializer if isinstance(serializer, str) else None
        self.pickle = False
        if serializer is None:
            self.pickle, self._dump = None, dump_pickle
        elif serializer == "pickle":
            self.pickle, self._dump = True, dump_pickle
        elif serializer == "json":
            self._dump = dump_json
        elif serializer == "orjson":
            _require("orjson")
            self._dump = dump_orjson
        elif serializer == "msgpack":
            _require("msgpack")
            self._dump = dump_msgpack
        elif isinstance(serializer, str):
            raise ValueError(f"no serializer {serializer!r}: use one of {', '.join(NAMES)}, or a pair (dumps, loads)")
        else:
            dumps, self._loads = _pair(serializer)
            self._dump = lambda value: (CUSTOM, bytes(dumps(value)))
            self.name = "custom"

    def encode(self, value: Any, is_trusted: bool) -> tuple[int, bytes]:
        """A value's encoding and bytes."""
        if type(value) is int:
            # Beyond 64 bits; those within are made in Rust. Longer ones than Python will print go to the serializer.
            try:
                return INTEGER, str(value).encode()
            except ValueError:
                pass
        if self.pickle is None and not is_trusted:
            raise SerializerError(f"a {type(value).__name__} can't be stored without a serializer: {_UNCHOSEN}")
        try:
            return self._dump(value)
        except SerializerError:
            raise
        except Exception as error:
            raise SerializerError(f"a {type(value).__name__} can't be stored by {self._name()}: {error}") from error

    def decode(self, encoding: int, data: bytes, is_trusted: bool) -> Any:
        """A value from its encoding and bytes."""
        try:
            if encoding in (PICKLE, PICKLE_BUFFERS):
                if not (is_trusted if self.pickle is None else self.pickle):
                    raise SerializerError(f"the item is a pickle, and this handle reads none: {_UNCHOSEN}")
                return pickle.loads(data) if encoding == PICKLE else load_pickle_buffers(data)
            if encoding == CUSTOM:
                if self._loads is None:
                    raise SerializerError(
                        "the item was stored by a custom serializer: give this handle the same pair (dumps, loads)"
                    )
                return self._loads(data)
            load = _LOADERS.get(encoding)
            if load is None:
                raise SerializerError(
                    f"the item has encoding {encoding}, which this package does not read: take its bytes by view(key)"
                )
            return load(data)
        except (SerializerError, MemoryError):
            raise
        except Exception as error:
            raise SerializerError(
                f"an item of encoding {encoding} can't be read: {error}; set or delete the key"
            ) from error

    def _name(self) -> str:
        return self.name or "pickle"

    def __repr__(self) -> str:
        return f"<serializer {self._name()}>"


def _require(module: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise SerializerError(f"serializer {module!r} needs the package {module}: pip install {module}") from error


def _pair(serializer: Any) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    pair = serializer if isinstance(serializer, tuple) else None
    if pair is None and hasattr(serializer, "dumps") and hasattr(serializer, "loads"):
        pair = (serializer.dumps, serializer.loads)
    if pair is None or len(pair) != 2 or not all(map(callable, pair)):
        raise TypeError("a serializer is a name, a pair (dumps, loads), or an object with these two")
    return pair


# Pickle. What objects give out of band stands behind the pickle, each buffer at a multiple of 64 bytes.

_COUNT = struct.Struct("<Q")


def dump_pickle(value: Any) -> tuple[int, bytes]:
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    if not buffers:
        return PICKLE, data
    views = [buffer.raw() for buffer in buffers]
    lengths = [len(data), *(view.nbytes for view in views)]
    parts: list[bytes | memoryview] = [_COUNT.pack(len(lengths)), *map(_COUNT.pack, lengths), data]
    at = 8 + 8 * len(lengths) + len(data)
    for view in views:
        parts += [bytes(-at % 64), view]
        at += -at % 64 + view.nbytes
    joined = b"".join(parts)
    for view in views:
        view.release()
    return PICKLE_BUFFERS, joined


def load_pickle_buffers(data: bytes) -> Any:
    # Writable, and shared by no other reader: what comes out is the caller's own.
    memory = memoryview(bytearray(data))
    (count,) = _COUNT.unpack_from(memory)
    if not 1 <= count <= len(memory) // 8 - 1:
        raise ValueError(f"{count} parts are not in {len(memory)} bytes")
    lengths = [_COUNT.unpack_from(memory, 8 + 8 * index)[0] for index in range(count)]
    at = 8 + 8 * count
    parts = []
    for index, length in enumerate(lengths):
        at += -at % 64 if index else 0
        if at + length > len(memory):
            raise ValueError("a part goes beyond the end")
        parts.append(memory[at : at + length])
        at += length
    return pickle.loads(parts[0], buffers=parts[1:])


# JSON and MessagePack give back only what has a form of its own there. Anything else is refused when it is stored: a tuple
# would come back as a list, a key 1 as "1".

_SCALARS = (type(None), bool, str)


def _check(value: Any, name: str, scalars: tuple[type, ...], keys: tuple[type, ...]) -> None:
    kind = type(value)
    if kind in scalars or kind is int:
        return
    if kind is float:
        if bytes not in scalars and not math.isfinite(value):
            raise SerializerError(f"{name} has no {value}: use None, or serializer=\"msgpack\"")
    elif kind is list:
        for item in value:
            _check(item, name, scalars, keys)
    elif kind is dict:
        for key, item in value.items():
            if type(key) not in keys:
                raise SerializerError(f"a key of type {type(key).__name__} would not come back from {name}: use str")
            _check(item, name, scalars, keys)
    else:
        raise SerializerError(
            f"a {kind.__name__} would not come back from {name} as what it is: "
            "convert it, or use serializer=\"pickle\" or a pair of your own"
        )


def dump_json(value: Any) -> tuple[int, bytes]:
    import json

    _check(value, "json", _SCALARS, (str,))
    return JSON, json.dumps(value, separators=(",", ":")).encode()


def dump_orjson(value: Any) -> tuple[int, bytes]:
    import orjson

    _check(value, "orjson", _SCALARS, (str,))
    return JSON, orjson.dumps(value)


def load_json(data: bytes) -> Any:
    import json

    return json.loads(data)


def dump_msgpack(value: Any) -> tuple[int, bytes]:
    import msgpack

    _check(value, "msgpack", (*_SCALARS, bytes), (str, bytes, int, float, bool, type(None)))
    return MSGPACK, msgpack.packb(value, use_bin_type=True)


def load_msgpack(data: bytes) -> Any:
    _require("msgpack")
    import msgpack

    return msgpack.unpackb(data, raw=False, strict_map_key=False)


def load_array(data: bytes) -> Any:
    from . import _arrays

    return _arrays.from_bytes(data)


_LOADERS: dict[int, Callable[[bytes], Any]] = {JSON: load_json, MSGPACK: load_msgpack, ARRAY: load_array}
