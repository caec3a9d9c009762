"""Every value comes back equal and of its type, or is refused when it is stored."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import os
import pickle
import uuid
from collections import OrderedDict, namedtuple
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import hostcache
from hostcache import Cache


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    pass


Point = namedtuple("Point", "x y")

VALUES = [
    b"", b"x", b"\x00\xff" * 1000, b"b" * 100_000,
    "", "x", "äöü \U0001f600", "s" * 256, "s" * 257, "s" * 100_000, "\ud800 alone",
    0, 1, -1, 10**17, 10**18, 10**19, 2**63 - 1, -(2**63), 2**64, -(2**64), 10**300, -(10**5000), 1 << 20000,
    True, False, None, 1.5, -0.0, float("inf"), 1 + 2j,
    [], [1, "a", None], {}, {"a": {"b": [1, 2]}}, {1: 2, (1, 2): 3}, (), (1, (2, 3)), {1, 2}, frozenset({1}),
    bytearray(b"abc"), Text("sub"), Colour.RED, Point(1, 2), OrderedDict(a=1), Path("/x"),
    datetime.datetime(2026, 11, 23, 5, 54, tzinfo=datetime.timezone.utc), datetime.timedelta(1, 2),
    decimal.Decimal("1.10"), Fraction(1, 3), uuid.UUID(int=5), range(5), ..., ValueError("x").args,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}")
def test_a_value_comes_back(cache: Cache, value: object) -> None:
    cache.set("k", value)
    got = cache.get("k")
    assert got == value and type(got) is type(value)
    assert math.copysign(1, got) == math.copysign(1, value) if isinstance(value, float) else True
    assert cache.get_many(["k"]) == {"k": value}
    assert dict(cache.items()) == {"k": value}
    assert cache.gets("k")[0] == value
    assert cache.pop("k") == value


def test_what_is_stored_as_itself(cache: Cache) -> None:
    for value, encoding in ((b"x", 0), ("x", 1), (5, 2), (-5, 2), (1 << 90, 2), (True, 3), (None, 3), (Colour.RED, 3)):
        cache.set("k", value)
        assert cache._stored("k")[1] == encoding, value
    cache.set("n", -5)
    assert bytes(cache.view("n")) == b"-5"


@pytest.mark.parametrize("serializer", ["json", "orjson", "msgpack"])
def test_a_format_gives_back_what_it_takes(name: str, serializer: str) -> None:
    cache = Cache(name, capacity="4MiB", serializer=serializer)
    value = {"a": [1, 2.5, None, True, "ä"], "b": {"c": -1}, "d": []}
    cache.set("k", value)
    assert cache.get("k") == value
    assert cache._stored("k")[1] == (4 if serializer == "msgpack" else 5)
    assert cache.serializer == serializer
    # Whatever its own, a handle reads the others' formats: they run no code.
    assert Cache(name, serializer="json").get("k") == value
    assert Cache(name).get("k") == value
    for refused in ((1, 2), {"t": (1,)}, {1, 2}, Colour.RED, Text("x"), object(), {(1, 2): 3}, [datetime.date.today()]):
        with pytest.raises(hostcache.SerializerError):
            cache.set("k", refused)
    if serializer == "msgpack":
        cache.set("k", {1: b"x", b"y": math.inf})
        assert cache.get("k") == {1: b"x", b"y": math.inf}
    else:
        for refused in ({1: 2}, [math.nan], [b"x"]):
            with pytest.raises(hostcache.SerializerError):
                cache.set("k", refused)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(JSON)
def test_any_plain_value_comes_back_from_every_format(value: object) -> None:
    with Cache(None, capacity="1MiB") as cache:
        for serializer in ("json", "orjson", "msgpack", "pickle"):
            codec = Cache(None, capacity="1MiB", serializer=serializer)
            codec.set("k", value)
            got = codec.get("k")
            assert got == value and repr(got) == repr(value)
        cache.set("k", value)
        assert repr(cache.get("k")) == repr(value)


def test_a_pair_of_ones_own(name: str) -> None:
    pair = (lambda value: repr(value).encode(), lambda data: eval(data.decode()))
    cache = Cache(name, capacity="4MiB", serializer=pair)
    cache.set("k", (1, "a"))
    assert cache.get("k") == (1, "a") and cache._stored("k")[1] == 128
    with pytest.raises(hostcache.SerializerError, match="same pair"):
        Cache(name).get("k")
    with Cache(None, serializer=pickle) as own:
        own.set("k", {1})
        assert own.get("k") == {1}
    for wrong in (5, (1, 2), (len,), object()):
        with pytest.raises(TypeError, match="a pair"):
            Cache(None, serializer=wrong)
    with pytest.raises(ValueError, match="use one of pickle, msgpack, json, orjson"):
        Cache(None, serializer="yaml")


def test_pickle_is_chosen_where_others_may_write(tmp_path: Path) -> None:
    """Whoever may write the region could otherwise run code in its readers."""
    directory = tmp_path / "regions"
    directory.mkdir(mode=0o700)
    path = f"{directory}/shared"
    with Cache(path, capacity="2MiB") as own:
        assert own.is_trusted
        own.set("k", {"a": (1, 2)})
        assert own.get("k") == {"a": (1, 2)}
    for shared in (lambda: directory.chmod(0o770), lambda: (directory.chmod(0o700), os.chmod(path, 0o660))):
        shared()
        with Cache(path) as cache:
            assert not cache.is_trusted
            for operation in (lambda: cache.get("k"), lambda: dict(cache.items()), lambda: cache.get_many(["k"])):
                with pytest.raises(hostcache.SerializerError, match="Choose: serializer="):
                    operation()
            with pytest.raises(hostcache.SerializerError, match="without a serializer"):
                cache.set("k2", {"a": 1})
            cache.set("plain", b"bytes need none")
            cache.set("n", 5)
            assert cache.get("plain") == b"bytes need none" and cache.incr("n") == 6
        with Cache(path, serializer="json") as cache:
            cache.set("j", {"a": 1})
            assert cache.get("j") == {"a": 1}
            with pytest.raises(hostcache.SerializerError, match="reads none"):
                cache.get("k")
        with Cache(path, serializer="pickle") as cache:
            assert cache.get("k") == {"a": (1, 2)}


def test_a_serializer_that_fails_says_so_and_what_it_raised_is_the_cause(cache: Cache) -> None:
    with pytest.raises(hostcache.SerializerError, match="can't be stored by pickle") as caught:
        cache.set("k", lambda: 0)
    assert isinstance(caught.value.__cause__, (pickle.PicklingError, AttributeError))
    assert "k" not in cache
    cache._set_raw("k", b"no pickle", 3)
    with pytest.raises(hostcache.SerializerError, match="set or delete the key"):
        cache.get("k")
    for encoding, data in ((1, b"\xff"), (2, b"x"), (4, b"\xc1"), (5, b"{"), (6, b""), (7, b""), (8, b""), (8, b"\x02" + bytes(50)), (99, b"")):
        cache._set_raw("k", data, encoding)
        with pytest.raises(hostcache.SerializerError):
            cache.get("k")


def test_an_interrupt_in_a_serializer_stays_one(cache: Cache) -> None:
    cache._set_raw("k", pickle.dumps(Interrupting()), 3)
    with pytest.raises(KeyboardInterrupt):
        cache.get("k")
    assert cache.get("x") is None


class Interrupting:
    def __reduce__(self):
        return _interrupt, ()


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_buffers_of_a_pickle_are_kept_beside_it(cache: Cache) -> None:
    np = pytest.importorskip("numpy")
    value = {"a": np.arange(1000), "b": np.ones((3, 4), order="F"), "c": "text", "e": np.empty(0)}
    cache.set("k", value)
    assert cache._stored("k")[1] == 8
    got = cache.get("k")
    assert got["c"] == "text" and all((got[key] == value[key]).all() for key in "abe")
    assert got["b"].flags.f_contiguous
    got["a"][0] = 7
    assert cache.get("k")["a"][0] == 0, "what is got is the caller's own"
