"""Nothing grows: neither memory nor pins. HOSTCACHE_TEST_LEAK_OPS (10,000,000 for the long form) says how many operations."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

import hostcache

OPERATIONS = int(os.environ.get("HOSTCACHE_TEST_LEAK_OPS", 400_000))
MIB = 1 << 20


def resident() -> int:
    """Memory of this process alone: pages of the region are everybody's."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


def turn(cache: hostcache.Cache, number: int) -> int:
    """Some of everything; how many operations."""
    key = f"k{number % 50}"
    cache.set(key, b"x" * (number % 3000))
    cache.get(key)
    cache.get("missing")
    cache.set(key, {"n": number, "s": "text"}, ttl=60)
    cache.get(key)
    cache.set("n", 5)
    cache.incr("n")
    cache.get("n")
    cache.set("s", "text" * 100)
    cache.get("s")
    cache.get_many(["n", "s", key, "x"])
    view = cache.view("s")
    part = view[1:3]
    del view, part
    cache.set_many({"a": 1, "b": b"2"})
    cache.delete("a")
    cache.pop("b")
    cache.gets("s")
    cache.ttl("s")
    "s" in cache
    for wrong in (lambda: cache.get(1), lambda: cache.incr("s"), lambda: cache.get("")):
        try:
            wrong()
        except (TypeError, ValueError):
            pass
    with cache.reserve("r", 100) as reservation, memoryview(reservation) as memory:
        memory[:4] = b"abcd"
    for _ in cache.keys("n"):
        pass
    for _ in cache.items("s"):
        pass
    return 30


@pytest.mark.timeout(3600 if OPERATIONS > 10**6 else 60)
def test_memory_stays_and_pins_end() -> None:
    cache = hostcache.Cache(None, capacity="1MiB")
    done = 0
    # What the interpreter and its allocator keep for themselves settles first.
    while done < OPERATIONS // 4:
        done += turn(cache, done)
    gc.collect()
    before = resident()
    while done < OPERATIONS:
        done += turn(cache, done)
    gc.collect()
    grown = resident() - before
    assert grown < MIB, f"{grown} bytes more after {done} operations"
    stats = cache.stats()
    assert stats["pins"] == stats["pinned_bytes"] == stats["reserved_bytes"] == 0
    print(f"{done} operations, {grown} bytes more")
