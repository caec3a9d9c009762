"""A handle with on_error="miss" does without its region, and finds it again."""

from __future__ import annotations

import logging
import time

import pytest

import hostcache
from hostcache import Cache


def until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def test_a_missing_region_is_a_miss_until_it_is_there(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "hostcache"):
        cache = Cache(name, on_error="miss")
        assert cache.get("k") is None and cache.get("k", 5) == 5
        cache.set("k", 1)
        assert cache.add("k", 1) is False and cache.incr("k") is None and cache.delete("k") is False
        assert cache.get_many(["k"]) == {} and list(cache) == [] and len(cache) == 0
        assert cache.get_or_compute("k", lambda: 7) == 7
        assert cache.failures > 8
        assert cache.stats()["failures"] == cache.failures
        cache.clear(), cache.set_many({"a": 1}), cache.delete_many(["a"]), repr(cache)
        del cache["k"]
    assert len(caplog.records) == 1, "it is told of once a minute"
    assert name in caplog.text and "no region" in caplog.text
    with Cache(name, capacity="2MiB") as made:
        made["k"] = "here"
        until(lambda: cache.get("k") == "here")
    cache.set("k2", 2)
    assert cache.get("k2") == 2


def test_a_replaced_region_is_found_again(name: str) -> None:
    cache = Cache(name, capacity="2MiB", on_error="miss")
    cache["k"] = "old"
    Cache.destroy(name)
    with Cache(name, capacity="2MiB") as made:
        made["k"] = "new"
        until(lambda: cache.get("k") == "new")


def test_a_destroyed_region_is_made_again_where_a_capacity_says_how(name: str) -> None:
    cache = Cache(name, capacity="2MiB", on_error="miss")
    cache["k"] = "old"
    Cache.destroy(name)
    until(lambda: "k" not in cache)
    cache["k"] = "new"
    assert Cache(name)["k"] == "new"


def test_a_value_that_can_not_be_stored_leaves_no_older_one(name: str) -> None:
    cache = Cache(name, capacity="1MiB", on_error="miss")
    for store in (lambda value: cache.set("k", value), lambda value: cache.set_many({"k": value})):
        cache["k"] = b"old"
        store(bytes(1 << 20))
        assert "k" not in cache
    assert cache.failures == 2


def test_what_can_not_be_read_is_a_miss(name: str) -> None:
    cache = Cache(name, capacity="1MiB", on_error="miss")
    cache._set_raw("k", b"no pickle", 3)
    cache["x"] = 1
    assert cache.get("k") is None and cache.get_many(["k", "x"]) == {"x": 1}
    assert list(cache.items()) == [("x", 1)]
    assert cache.failures == 3


def test_the_callers_own_mistakes_are_raised(name: str) -> None:
    cache = Cache(name, on_error="miss")
    with pytest.raises(TypeError):
        cache.get(1)
    cache = Cache(name, capacity="1MiB", on_error="miss")
    with pytest.raises(hostcache.SerializerError):
        cache.set("k", lambda: 0)
    with pytest.raises(hostcache.InvalidKeyError):
        cache.get("")
    cache["k"] = "x"
    with pytest.raises(hostcache.NotANumberError):
        cache.incr("k")
    with pytest.raises(hostcache.InvalidNameError):
        Cache("a b", on_error="miss")
    cache.close()
    with pytest.raises(hostcache.ClosedError):
        cache.get("k")
