"""One tree of exceptions, and texts that say what to do."""

from __future__ import annotations

import gc
import inspect
import weakref

import pytest

import hostcache
from hostcache import Cache, errors


def test_every_exception_is_in_the_tree_and_exported() -> None:
    classes = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert classes == set(errors.__all__) <= set(hostcache.__all__)
    for name in classes:
        kind = getattr(errors, name)
        assert issubclass(kind, hostcache.HostcacheError) and kind.__doc__, name


@pytest.mark.parametrize("key", [1, None, 1.5, ("a",), bytearray(b"k"), memoryview(b"k")])
def test_a_key_of_another_type_is_named(cache: Cache, key: object) -> None:
    for operation in (cache.get, cache.delete, cache.pop, cache.contains, cache.ttl, cache.view, lambda k: cache.set(k, 1)):
        with pytest.raises(TypeError, match=f"a key is str or bytes, not {type(key).__name__}"):
            operation(key)


@pytest.mark.parametrize("key", ["", b"", "k" * 65537, b"k" * 65537])
def test_a_key_of_wrong_length_is_refused(cache: Cache, key: str | bytes) -> None:
    for operation in (cache.get, cache.delete, cache.pop, cache.contains, cache.ttl, cache.view, lambda k: cache.set(k, 1)):
        with pytest.raises(hostcache.InvalidKeyError, match="1 to 65536 bytes"):
            operation(key)
    assert cache.get("k" * 65536) is None


def test_a_key_without_a_utf8_form_is_refused(cache: Cache) -> None:
    with pytest.raises(hostcache.InvalidKeyError, match="give it as bytes"):
        cache.get("\ud800")


def test_a_value_too_large_is_refused_and_the_old_one_stays(cache: Cache) -> None:
    cache["k"] = b"old"
    limit = cache.max_value_len("k")
    with pytest.raises(hostcache.ValueTooLargeError, match=f"over the limit of {limit} bytes"):
        cache["k"] = bytes(limit + 1)
    assert cache["k"] == b"old"
    cache["k"] = bytes(limit)
    assert len(cache["k"]) == limit


def test_a_closed_handle_says_so(cache: Cache) -> None:
    cache["k"] = b"v"
    view = cache.view("k")
    cache.close()
    cache.close()
    assert cache.closed and bytes(view) == b"v"
    for operation in (
        lambda: cache.get("k"), lambda: cache.set("k", 1), lambda: "k" in cache, lambda: len(cache), lambda: list(cache),
        lambda: cache.stats(), lambda: cache.get_many(["k"]), lambda: cache.reserve("k", 1), lambda: cache.capacity,
    ):  # fmt: skip
        with pytest.raises(hostcache.ClosedError, match="make another"):
            operation()


def test_a_missing_region_names_the_ways_to_make_one(name: str) -> None:
    with pytest.raises(hostcache.RegionMissingError, match='capacity="256MiB"'):
        Cache(name)
    with pytest.raises(hostcache.RegionMissingError):
        Cache.destroy(name)


@pytest.mark.parametrize("wrong", ["", "-x", "a b", "x" * 31, "ä"])
def test_an_invalid_name_is_refused(wrong: str) -> None:
    with pytest.raises(hostcache.InvalidNameError, match="1 to 30 characters"):
        Cache(wrong, capacity="1MiB")


def test_a_file_that_is_no_region_is_refused(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10000)
    path.chmod(0o600)
    with pytest.raises(hostcache.NotARegionError, match="not a hostcache region"):
        Cache(str(path))


def test_a_call_that_the_system_refuses_is_an_oserror(tmp_path) -> None:
    with pytest.raises(hostcache.OpenError):
        Cache(f"{tmp_path}/no/such/directory", capacity="1MiB")


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match='"raise" or "miss"'):
        Cache(None, on_error="ignore")
    with pytest.raises(ValueError, match="private"):
        Cache("x", capacity="1MiB", clock=hostcache.ManualClock())
    with pytest.raises(hostcache.InvalidSettingError, match="no group"):
        Cache("x", capacity="1MiB", group="no-such-group-here")
    with pytest.raises(TypeError):
        Cache(None, unknown=1)
    with pytest.raises(RuntimeError, match="manual_clock=True"):
        hostcache.PrivateCache().advance(1)
    with pytest.raises(ValueError, match="goes forward"):
        hostcache.ManualClock().advance(-1)


def test_a_handle_can_be_collected() -> None:
    cache = Cache(None)
    cache.itself = cache
    reference = weakref.ref(cache)
    del cache
    gc.collect()
    assert reference() is None
