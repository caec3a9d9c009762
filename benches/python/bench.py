"""hostcache from Python, beside its neighbours, in one run.

    python benches/python/bench.py [--rounds 31] [--record FILE] [--chart FILE]

``--record`` writes a dated page, ``--chart`` a picture of its first table.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable

import peers as known
import record
from timing import Loop, ratio, rounds

import hostcache

KEYS = 1_000
VALUE = bytes(range(100))


def empty(key: str) -> None:
    pass


def over(keys: list[str], function: Callable[[str], Any], times: int = 1) -> Loop:
    def loop() -> int:
        for _ in range(times):
            for key in keys:
                function(key)
        return len(keys) * times

    return loop


def single(stack: ExitStack, directory: Path, page: record.Page, count: int) -> None:
    """get and set of 100 bytes, 1,000 keys."""
    cache = hostcache.Cache(str(directory / "region"), capacity="64MiB")
    peers = [
        known.Peer("hostcache", cache.get, cache.set),
        *known.in_process(),
        known.lmdb_peer(stack, directory),
        known.diskcache_peer(stack, directory),
        known.ultradict_peer(stack),
        known.manager_peer(stack),
        *known.memcached_peers(stack, directory),
        *known.redis_peers(stack, directory),
    ]
    keys = [f"catalogue:product:{n}" for n in range(KEYS)]
    random.Random(1).shuffle(keys)
    table = dict.fromkeys(keys, VALUE)
    gets: dict[str, Loop] = {}
    sets: dict[str, Loop] = {}
    for peer in peers:
        for key in keys:
            peer.set(key, VALUE)
        assert all(peer.answer(peer.get(key)) == VALUE for key in keys), peer.name
        # Slower ones take fewer operations, so that a round stays short.
        some = keys[: max(20, KEYS // peer.slowness)]
        gets[peer.name] = over(some, peer.get, 10 if peer.slowness == 1 else 1)
        sets[peer.name] = setting(some, peer.set, 10 if peer.slowness == 1 else 1)

    def reference() -> int:
        for _ in range(10):
            for key in keys:
                table[key]
                empty(key)
        return 10 * len(keys)

    gets["dict lookup + empty call"] = reference
    get, set_ = rounds(gets, count), rounds(sets, count)
    page.table("get of 100 bytes", get, "hostcache")
    page.table("set of 100 bytes", set_, "hostcache")
    page.goal("get / (dict lookup + empty call)", ratio(get, "hostcache", "dict lookup + empty call"), "≤", 2.4)
    page.goal("get / diskcache get", ratio(get, "hostcache", "diskcache"), "≤", 1 / 45)
    page.goal("set / diskcache set", ratio(set_, "hostcache", "diskcache"), "≤", 1 / 140)
    assert all(cache.get(key) == VALUE for key in keys)


def setting(keys: list[str], function: Callable[[str, bytes], Any], times: int) -> Loop:
    def loop() -> int:
        for _ in range(times):
            for key in keys:
                function(key, VALUE)
        return len(keys) * times

    return loop


def objects(page: record.Page, count: int) -> None:
    """A small dict beside what its pickle costs alone."""
    cache = hostcache.Cache(None)
    value = {"id": 7, "name": "Ada Lovelace", "tags": ["first", "programmer"], "price": 9.99, "active": True}
    cache.set("k", value)
    data, loads = pickle.dumps(value, 5), pickle.loads
    assert cache.get("k") == loads(data) == value
    keys, pickles = ["k"] * 1000, [data] * 1000
    times = rounds({"hostcache": over(keys, cache.get), "pickle.loads": over(pickles, loads)}, count)
    page.table("get of a small dict", times, "hostcache")
    page.goal("get of a small dict / pickle.loads", ratio(times, "hostcache", "pickle.loads"), "≤", 1.3)


def django(directory: Path, page: record.Page, count: int) -> None:
    """cache.get through Django."""
    from django.conf import settings

    settings.configure()
    from django.core.cache.backends.locmem import LocMemCache

    from hostcache.django import HostCache

    options = {"OPTIONS": {"capacity": "16MiB"}}
    backends = {"hostcache": HostCache(str(directory / "django"), options), "LocMem": LocMemCache("bench", {})}
    keys = [f"product:{n}" for n in range(200)]
    for backend in backends.values():
        backend.set_many({key: {"id": 7, "name": "Ada"} for key in keys})
        assert backend.get(keys[0]) == {"id": 7, "name": "Ada"}
    times = rounds({name: over(keys, backend.get, 5) for name, backend in backends.items()}, count)
    page.table("Django's cache.get of a small dict", times, "hostcache")
    page.goal("LocMem / hostcache under Django", ratio(times, "LocMem", "hostcache"), "≥", 1.5)


def arrays(directory: Path, page: record.Page, count: int) -> None:
    """A 1 MiB array, in place."""
    import lmdb
    import numpy as np

    array = np.arange(1 << 17)
    cache = hostcache.Cache(str(directory / "arrays"), capacity="64MiB")
    cache.set_array("k", array)
    cache.set("raw", array.tobytes())
    environment = lmdb.open(str(directory / "lmdb-arrays"), map_size=1 << 28)
    with environment.begin(write=True) as transaction:
        transaction.put(b"k", array.tobytes())

    def of_lmdb(_: str) -> Any:
        with environment.begin(buffers=True) as transaction:
            return np.frombuffer(transaction.get(b"k"), dtype=array.dtype)[-1]

    def of_view(_: str) -> Any:
        return np.frombuffer(cache.view("raw"), dtype=array.dtype)[-1]

    def of_array(_: str) -> Any:
        return cache.get_array("k")[-1]

    subjects = {"view": of_view, "get_array": of_array, "py-lmdb buffer": of_lmdb, "get (a copy)": lambda _: cache.get("raw")}
    assert of_lmdb("") == of_view("") == of_array("") == array[-1]
    times = rounds({name: over([""] * 100, function) for name, function in subjects.items()}, count)
    page.table("the last element of a 1 MiB array", times, "view")
    page.goal("1 MiB NumPy view / py-lmdb's buffer", ratio(times, "view", "py-lmdb buffer"), "≤", 0.6)


def batches(directory: Path, page: record.Page, count: int) -> None:
    """100 keys in one call, hot and out of a million."""
    for name, keys_in_all in (("hot", KEYS), ("a million", 1_000_000)):
        cache = hostcache.Cache(str(directory / f"batch-{keys_in_all}"), capacity="400MiB")
        cache.set_many((f"k:{n}", VALUE) for n in range(keys_in_all))
        draw = random.Random(2)
        groups = [[f"k:{draw.randrange(keys_in_all)}" for _ in range(100)] for _ in range(200)]
        assert len(cache.get_many(groups[0])) == len(set(groups[0]))

        def together() -> int:
            for group in groups:
                cache.get_many(group)
            return len(groups)

        def apart() -> int:
            get = cache.get
            for group in groups:
                for key in group:
                    get(key)
            return len(groups)

        times = rounds({"get_many": together, "100 gets": apart}, count)
        page.table(f"100 keys, {name}", times, "get_many")
        page.goal(f"get_many of 100 / 100 gets, {name}", ratio(times, "get_many", "100 gets"), "≤", 1 / 3)
        cache.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--chart", type=Path)
    arguments = parser.parse_args()
    page = record.Page(arguments.rounds)
    base = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="hostcache-bench-", dir=base) as path, ExitStack() as stack:
        directory = Path(path)
        single(stack, directory, page, arguments.rounds)
        objects(page, arguments.rounds)
        django(directory, page, arguments.rounds)
        arrays(directory, page, arguments.rounds)
        batches(directory, page, max(5, arguments.rounds // 3))
    print(page.text())
    if arguments.record:
        arguments.record.write_text(page.text())
    if arguments.chart:
        arguments.chart.write_text(record.chart(page))


if __name__ == "__main__":
    main()
