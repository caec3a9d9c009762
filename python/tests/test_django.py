"""The Django back end, under Django's own test classes."""

from __future__ import annotations

import re

import pytest

SETTINGS = """
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="x",
    USE_TZ=False,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}, "other": {"ENGINE": "django.db.backends.sqlite3"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "cache"],
    CACHES={"default": {"BACKEND": "hostcache.django.HostCache", "LOCATION": "own", "OPTIONS": {"capacity": "8MiB"}}},
    MIDDLEWARE=[],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()
"""

SUITE = (
    SETTINGS.replace('"cache"]', '"cache", "sessions_tests"]')
    + """
import sys, unittest
from django.core.cache import caches
from django.test import SimpleTestCase, TestCase, override_settings
from django.test.utils import setup_test_environment
from django.test.runner import DiscoverRunner
import cache.tests as upstream
from cache.tests import BaseCacheTests, caches_setting_for_tests
from sessions_tests.tests import CacheSessionTests

OPTIONS = {"capacity": "16MiB", "on_error": "raise"}


@override_settings(
    CACHES=caches_setting_for_tests(
        BACKEND="hostcache.django.HostCache",
        LOCATION="django-suite",
        exclude={"cull", "zero_cull"},  # as for memcached and Redis: the cache evicts by itself
        OPTIONS=OPTIONS,
    )
)
class HostCacheTests(BaseCacheTests, TestCase):
    test_cull = test_zero_cull = None


@override_settings(
    CACHES={"default": {"BACKEND": "hostcache.django.HostCache", "LOCATION": "django-sessions", "OPTIONS": OPTIONS}}
)
class HostCacheSessionTests(CacheSessionTests):
    pass


for name in ("BaseCacheTests", "CacheSessionTests"):
    globals().pop(name)

if __name__ == "__main__":
    runner = DiscoverRunner(verbosity=1, interactive=False)
    runner.setup_test_environment()
    loader = unittest.defaultTestLoader
    # Classes of Django's own that test something else stay out.
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (HostCacheTests, HostCacheSessionTests))
    databases = runner.setup_databases()
    result = runner.run_suite(suite)
    runner.teardown_databases(databases)
    runner.teardown_test_environment()
    print(f"ran {result.testsRun}, skipped {len(result.skipped)}")
    sys.exit(not result.wasSuccessful())
"""
)


@pytest.mark.timeout(180)
def test_djangos_own_tests_pass(upstream, tmp_path) -> None:
    import os
    import subprocess
    import sys

    tests = upstream("django") / "tests"
    (tmp_path / "suite.py").write_text(SUITE)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "suite.py")],
        env={**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ran = re.search(r"ran (\d+), skipped (\d+)", done.stdout)
    assert ran and int(ran[1]) > 90, done.stdout
    print(ran[0])


def test_a_region_that_is_not_there_is_a_miss_not_an_error_page(python) -> None:
    script = (
        SETTINGS.replace('{"capacity": "8MiB"}', '{"capacity": None}').replace('"own"', '"nowhere"')
        + """
import logging
logging.disable()
from django.core.cache import cache
assert cache.get("k") is None and cache.get("k", 5) == 5
cache.set("k", 1)
assert cache.add("k", 1) is False and cache.get_many(["k"]) == {} and cache.get_or_set("k", 7) == 7
cache.set_many({"a": 1}); cache.delete_many(["a"]); cache.clear(); cache.close()
assert cache.client.failures > 5
"""
    )
    python(script.replace('"cache"]', "]"))


def test_values_and_numbers(python) -> None:
    script = (
        SETTINGS.replace('"cache"]', "]")
        + """
from django.core.cache import cache
from django.utils.safestring import SafeString, mark_safe
import datetime, pickle
cache.clear()
for value in (5, -5, True, None, "text", b"bytes", mark_safe("<b>"), {"a": (1,)}, datetime.datetime.now(), 1.5):
    cache.set("k", value, 60)
    got = cache.get("k", "missed")
    assert got == value and type(got) is type(value), value
cache.set("n", -5)
assert cache.incr("n", 3) == -2 and cache.decr("n", 4) == -6 and cache.get("n") == -6
cache.set("n", 3)
assert cache.decr("n", 2) == 1
assert cache.set_many({"a": 1, "b": 2}, 60) == [] and cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
try:
    cache.incr("nobody")
except ValueError:
    pass
else:
    raise AssertionError
cache.set("gone", 1, 0)
assert "gone" not in cache
cache.set("gone", 1, -1)
assert "gone" not in cache
"""
    )
    python(script)
