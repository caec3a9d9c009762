"""Every operation of a cache, on one handle."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

import hostcache
from hostcache import Cache


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
