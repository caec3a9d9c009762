"""The back ends for cachelib and Flask-Caching, under the projects' own test classes."""

from __future__ import annotations

import pytest


@pytest.mark.timeout(180)
def test_cachelibs_own_tests_pass(upstream, suite, tmp_path) -> None:
    # What its conftest starts servers with, which are not needed here.
    (tmp_path / "xprocess.py").write_text("class ProcessStarter: pass\n")
    script = """
from common import CommonTests
from clear import ClearTests
from has import HasTests
from delete_many_with_prefix import DeleteManyWithPrefixTests
from hostcache.cachelib import HostCache


class TestHostCache(CommonTests, ClearTests, HasTests, DeleteManyWithPrefixTests):
    def cache_factory(self, *args, **kwargs):
        return HostCache(None, *args, capacity="1MiB", on_error="raise", **kwargs)
"""
    out = suite(script, upstream("cachelib") / "tests")
    assert int(out.split(" passed")[0].split()[-1]) >= 15, out


@pytest.mark.timeout(180)
def test_flask_cachings_own_tests_pass(upstream, suite) -> None:
    script = """
import sys, types
sys.modules["xprocess"] = types.ModuleType("xprocess")
sys.modules["xprocess"].ProcessStarter = object
import pytest
from test_backend_cache import GenericCacheTests
from hostcache.flask_caching import HostCache


class TestHostCache(GenericCacheTests):
    _can_use_fast_sleep = False

    @pytest.fixture
    def make_cache(self):
        return lambda *args, **kwargs: HostCache(None, *args, capacity="1MiB", on_error="raise", **kwargs)

    @pytest.fixture
    def sleep(self):
        import time
        return time.sleep


del GenericCacheTests
"""
    out = suite(script, upstream("flask-caching") / "tests")
    assert int(out.split(" passed")[0].split()[-1]) >= 13, out


def test_flask_caching_finds_it_by_its_settings(name: str) -> None:
    import flask
    import flask_caching

    import hostcache

    app = flask.Flask("shop")
    app.config.update(
        CACHE_TYPE="hostcache.flask_caching.HostCache",
        CACHE_HOSTCACHE_NAME=name,
        CACHE_OPTIONS={"capacity": "2MiB"},
        CACHE_KEY_PREFIX="shop:",
    )
    cache = flask_caching.Cache(app)
    calls = []

    @app.get("/")
    @cache.cached(timeout=60)
    def index() -> str:
        calls.append(1)
        return "hello"

    @cache.memoize(60)
    def double(n: int) -> int:
        calls.append(n)
        return 2 * n

    client = app.test_client()
    assert client.get("/").text == client.get("/").text == "hello"
    with app.app_context():
        assert double(4) == double(4) == 8
        assert calls == [1, 4]
        cache.delete_memoized(double)
        assert double(4) == 8 and calls == [1, 4, 4]
        region = hostcache.Cache(name)
        region["other"] = 1
        assert all(key.startswith("shop:") for key in region if key != "other")
        cache.clear()
        assert list(region) == ["other"], "clear ends the keys with the prefix alone"


def test_numbers_go_below_nothing() -> None:
    from hostcache.cachelib import HostCache

    cache = HostCache(None)
    assert cache.dec("n", 3) == -3 and cache.inc("n", 5) == 2 and cache.inc("n") == 3 and cache.dec("n", 4) == -1


def test_a_missing_region_misses(name: str, caplog) -> None:
    from hostcache.cachelib import HostCache

    cache = HostCache(name, capacity=None)
    assert cache.get("k") is None and cache.set("k", 1) is False and cache.clear() is False
    assert cache.inc("n") is None and cache.delete_many("a") == [] and cache.get_many("a") == [None]
    strict = HostCache(name, capacity=None, ignore_delete_many_errors=False)
    with pytest.raises(RuntimeError, match="can't be reached"):
        strict.delete_many("a")
