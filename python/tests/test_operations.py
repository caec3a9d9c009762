"""Every operation of a cache, on one handle."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

import hostcache
from hostcache import Cache


def test_a_set_value_is_got_until_it_is_deleted(cache: Cache) -> None:
    assert cache.set("k", b"v") is None
    assert cache.get("k") == b"v"
    assert cache.delete("k") is True
    assert cache.delete("k") is False
    assert cache.get("k") is None
    assert cache.get("k", "nothing") == "nothing"


def test_str_and_bytes_name_the_same_key(cache: Cache) -> None:
    cache.set("ключ", 1)
    assert cache.get("ключ".encode()) == 1
    cache.set(b"\xff\x00", 2)
    assert set(cache) == {"ключ", b"\xff\x00"}


def test_add_and_replace_look_at_what_is_there(cache: Cache) -> None:
    assert cache.replace("k", 1) is False
    assert cache.add("k", 2) is True
    assert cache.add("k", 3) is False
    assert cache.replace("k", 4) is True
    assert cache["k"] == 4


def test_a_stored_none_is_a_hit(cache: Cache) -> None:
    cache.set("k", None)
    assert cache.get("k", "default") is None
    assert "k" in cache
    assert cache.get_or_compute("k", lambda: 1) is None
    assert cache.get_many(["k"]) == {"k": None}


def test_counters(cache: Cache) -> None:
    assert cache.incr("n") is None
    cache.set("n", 41)
    assert cache.incr("n") == 42
    assert cache.get("n") == 42 and type(cache.get("n")) is int
    assert cache.decr("n", 40) == 2
    assert cache.decr("n", 40) == 0
    assert cache.incr("n", -1) == 0, "a negative step goes down"
    assert cache.decr("n", -7) == 7, "and back"
    assert cache.incr("new", initial=5, ttl=60) == 5
    assert 0 < cache.ttl("new") <= 60.1
    cache.set("text", "41")
    assert cache.incr("text") == 42 and cache.get("text") == "42"
    cache.set("raw", b"9")
    assert cache.incr("raw") == 10 and cache.get("raw") == b"10"
    cache.set("big", 2**64 - 1)
    assert cache.get("big") == 2**64 - 1
    assert cache.incr("big", 2) == 1, "upward it goes round"
    for value in ("x", b"", -1, {"a": 1}, 1.5):
        cache.set("odd", value)
        with pytest.raises(hostcache.NotANumberError, match="decimal number"):
            cache.incr("odd")
    with pytest.raises(ValueError, match="64 bits"):
        cache.incr("n", 2**64)


def test_lifetimes() -> None:
    cache = hostcache.PrivateCache("1MiB", manual_clock=True, default_ttl=100)
    cache.set("default", 1)
    cache.set("short", 1, ttl=0.5)
    cache.set("delta", 1, timedelta(seconds=2))
    cache.set("whole", 1, ttl=3)
    cache.set("for ever", 1, ttl=math.inf)
    cache.set("gone", 1, ttl=0)
    assert cache.ttl("gone") is None and cache.get("gone") is None
    assert cache.ttl("short") == 0.5
    assert cache.ttl("delta") == 2
    assert cache.ttl("default") == 100
    odd = [milliseconds / 1000 for milliseconds in range(1, 20_000, 7)]
    for ttl in odd:
        cache.set("odd", 1, ttl=ttl)
        assert cache.ttl("odd") == ttl, "the float that was given, not one beside it"
    assert cache.ttl("for ever") == math.inf
    cache.advance(0.5)
    assert cache.get("short") is None
    cache.advance(1.5)
    assert "delta" not in cache and "whole" in cache
    assert cache.touch("whole", 10) is True
    assert cache.touch("nobody", 10) is False
    cache.advance(9.999)
    assert "whole" in cache
    cache.advance(0.001)
    assert "whole" not in cache
    cache.touch("default", math.inf)
    cache.advance(1e9)
    assert sorted(cache) == ["default", "for ever"]


@pytest.mark.parametrize("ttl", [-1, float("nan"), -0.001, timedelta(seconds=-1)])
def test_a_ttl_below_nothing_is_refused(cache: Cache, ttl: object) -> None:
    with pytest.raises(ValueError, match="0 seconds or more"):
        cache.set("k", 1, ttl)


@pytest.mark.parametrize("ttl", ["5", True, [1]])
def test_a_ttl_of_another_type_is_refused(cache: Cache, ttl: object) -> None:
    with pytest.raises(TypeError, match="a ttl is"):
        cache.set("k", 1, ttl)


def test_compare_and_swap(cache: Cache) -> None:
    assert cache.gets("k") is None
    cache.set("k", {"n": 1})
    value, token = cache.gets("k")
    assert value == {"n": 1}
    cache.set("k", {"n": 2})
    assert cache.cas("k", {"n": 3}, token) is False
    value, token = cache.gets("k")
    assert cache.cas("k", {"n": 3}, token) is True
    assert cache["k"] == {"n": 3}
    assert cache.cas("nobody", 1, token) is False


def test_pop_takes_the_value(cache: Cache) -> None:
    cache["k"] = [1, 2]
    assert cache.pop("k") == [1, 2]
    assert cache.pop("k") is None
    assert cache.pop("k", 7) == 7


def test_many_keys_at_once(cache: Cache) -> None:
    items = {f"k{n}": n for n in range(100)}
    cache.set_many(items)
    assert cache.get_many(items) == items
    assert cache.get_many(iter(["k1", "k1", "x", b"k2"])) == {"k1": 1, b"k2": 2}
    assert cache.delete_many([f"k{n}" for n in range(50)] + ["x"]) == 50
    assert len(cache) == 50
    cache.set_many([("a", 1), ("b", 2)], ttl=60)
    assert 0 < cache.ttl("b") <= 60.1
    assert cache.get_many([]) == {}
    with pytest.raises(TypeError):
        cache.get_many(5)
    with pytest.raises(TypeError, match="a key is str or bytes"):
        cache.get_many([1])
    with pytest.raises(TypeError):
        cache.set_many([1])


def test_append_and_prepend(cache: Cache) -> None:
    assert cache.append("k", b"x") is None
    cache["k"] = b"b"
    assert cache.append("k", b"c") == 2
    assert cache.prepend("k", b"a") == 3
    assert cache["k"] == b"abc"
    cache["t"] = "ä"
    cache.append("t", "ö")
    assert cache["t"] == "äö"
    for value in (5, {"a": 1}):
        cache["k"] = value
        with pytest.raises(TypeError, match="set it anew"):
            cache.append("k", b"c")
    with pytest.raises(TypeError, match="bytes and str"):
        cache.append("k", 1)


def test_clear_ends_all(cache: Cache) -> None:
    cache.set_many({str(n): n for n in range(10)})
    cache.clear()
    assert len(cache) == 0 and list(cache) == []


def test_it_is_a_mapping(cache: Cache) -> None:
    assert bool(cache) is True, "an empty cache is a cache"
    cache["k"] = "v"
    assert cache["k"] == "v" and "k" in cache and "x" not in cache
    assert list(cache) == ["k"] and list(cache.items()) == [("k", "v")] and list(cache.values()) == ["v"]
    assert dict(cache) == {"k": "v"}
    del cache["k"]
    with pytest.raises(KeyError, match="'k'"):
        cache["k"]
    with pytest.raises(KeyError, match="'k'"):
        del cache["k"]
    cache.update({"a": 1}, b=2)
    assert len(cache) == 2


def test_iteration_tolerates_change(cache: Cache) -> None:
    cache.set_many({f"stay{n}": n for n in range(500)})
    seen = []
    for number, key in enumerate(cache):
        seen.append(key)
        cache[f"new{number}"] = 1
        cache.delete(f"new{number - 1}")
    assert sorted(k for k in seen if k.startswith("stay")) == sorted(f"stay{n}" for n in range(500))


def test_prefixes(cache: Cache) -> None:
    cache.set_many({"user:1": 1, "user:2": 2, "page:1": 3})
    assert sorted(cache.keys("user:")) == ["user:1", "user:2"]
    assert dict(cache.items("page:")) == {"page:1": 3}
    assert cache.delete_prefix("user:") == 2
    assert list(cache) == ["page:1"]


def test_stats_count(cache: Cache) -> None:
    cache.set("k", 1)
    cache.get("k")
    cache.get("x")
    stats = cache.stats()
    assert (stats["get_hits"], stats["get_misses"], stats["cmd_set"], stats["curr_items"]) == (1, 1, 1, 1)
    assert stats["limit_maxbytes"] == cache.capacity == 8 << 20
    assert cache.info()["capacity"] == 8 << 20 and cache.info()["writable"]


def test_repr_tells(cache: Cache) -> None:
    cache["k"] = b"x" * 1000
    assert repr(cache) == f"<hostcache.Cache {cache.name!r}, 8 MiB, 1 items, 1001 B used>"
    cache.close()
    assert repr(cache) == f"<hostcache.Cache {cache.name!r}, closed>"
    assert repr(Cache(None)).startswith("<hostcache.Cache private, 16 MiB, 0 items")


def test_capacities(name: str) -> None:
    for text, size in (("2MiB", 2 << 20), ("2 mib", 2 << 20), ("3m", 3 << 20), ("2000000", 1_998_848), ("2MB", 1_998_848)):
        with Cache(None, capacity=text) as cache:
            assert cache.capacity == size, text
    for wrong in ("", "MiB", "1.5GiB", "1 lot"):
        with pytest.raises(ValueError, match="is no size"):
            Cache(None, capacity=wrong)
    with pytest.raises(TypeError):
        Cache(None, capacity=True)
    with pytest.raises(hostcache.InvalidSettingError):
        Cache(None, capacity=1000)


def test_an_existing_region_keeps_its_size(cache: Cache) -> None:
    other = Cache(cache.name, capacity="16MiB")
    assert other.capacity == 8 << 20
    with pytest.raises(hostcache.CapacityDiffersError, match="exact=True"):
        Cache(cache.name, capacity="16MiB", exact=True)


def test_a_read_only_handle_reads(cache: Cache) -> None:
    cache["k"] = {"a": 1}
    with Cache(cache.name, read_only=True) as reader:
        assert reader["k"] == {"a": 1} and reader.read_only
        for operation in (
            lambda: reader.set("k", 1),
            lambda: reader.delete("k"),
            lambda: reader.incr("k"),
            lambda: reader.clear(),
            lambda: reader.view("k"),
            lambda: reader.reserve("k", 5),
        ):
            with pytest.raises(hostcache.ReadOnlyError, match="read_only=True"):
                operation()


def test_two_processes_share_a_region(cache: Cache, python) -> None:
    cache.set("from parent", "hello")
    script = """
import sys, hostcache
cache = hostcache.Cache(sys.argv[1])
assert cache.get("from parent") == "hello"
assert cache.delete("from parent")
cache.set("from child", {"n": 1})
"""
    python(script, cache.name)
    assert cache.get("from parent") is None
    assert cache.get("from child") == {"n": 1}
