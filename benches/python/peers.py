"""What is measured beside hostcache: each peer with its own way of getting and setting bytes."""

from __future__ import annotations

import functools
import multiprocessing
import shutil
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable


@dataclass
class Peer:
    """A cache: get and set of one key, and how many operations a round may take."""

    name: str
    get: Callable[[str], Any]
    set: Callable[[str, bytes], Any]
    #: Relative to the fastest: how many operations fewer.
    slowness: int = 1
    #: Answers other than bytes, to compare with.
    answer: Callable[[Any], bytes] = bytes


def serving(stack: ExitStack, command: list[str], path: Path) -> bool:
    """Starts a server on a Unix socket; False if it is not installed."""
    if shutil.which(command[0]) is None:
        print(f"skipped: {command[0]} is not installed")
        return False
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(server.wait)
    stack.callback(server.terminate)
    for _ in range(100):
        if path.exists():
            return True
        time.sleep(0.05)
    raise SystemExit(f"{command[0]} did not start")


def in_process() -> list[Peer]:
    table: dict[str, bytes] = {}

    @functools.lru_cache(maxsize=None)
    def memo(key: str) -> bytes:
        return table[key]

    return [
        Peer("dict.get", table.get, table.__setitem__),
        Peer("lru_cache", memo, table.__setitem__),
    ]


def lmdb_peer(stack: ExitStack, directory: Path) -> Peer:
    import lmdb

    environment = stack.enter_context(lmdb.open(str(directory / "lmdb"), map_size=1 << 30, sync=False, writemap=True))

    def get(key: str) -> bytes | None:
        with environment.begin() as transaction:
            return transaction.get(key.encode())

    def set(key: str, value: bytes) -> None:
        with environment.begin(write=True) as transaction:
            transaction.put(key.encode(), value)

    return Peer("py-lmdb", get, set, 10)


def diskcache_peer(stack: ExitStack, directory: Path) -> Peer:
    import diskcache

    cache = stack.enter_context(diskcache.Cache(str(directory / "diskcache")))
    return Peer("diskcache", cache.get, cache.set, 100)


def ultradict_peer(stack: ExitStack) -> Peer:
    import UltraDict

    table = UltraDict.UltraDict(buffer_size=1 << 22, auto_unlink=True)
    stack.callback(table.close)
    return Peer("UltraDict", table.__getitem__, table.__setitem__, 50)


def manager_peer(stack: ExitStack) -> Peer:
    manager = stack.enter_context(multiprocessing.Manager())
    table = manager.dict()
    return Peer("Manager().dict()", table.get, table.__setitem__, 200)


def memcached_peers(stack: ExitStack, directory: Path) -> list[Peer]:
    socket = directory / "memcached.sock"
    if not serving(stack, ["memcached", "-u", "root", "-s", str(socket)], socket):
        return []
    from pymemcache.client.base import Client

    client = Client(f"unix:{socket}")
    peers = [Peer("pymemcache", client.get, functools.partial(client.set, noreply=False), 200)]
    try:
        import pylibmc
    except ImportError:
        print("skipped: pylibmc is not installed")
    else:
        fast = pylibmc.Client([str(socket)], binary=True)
        peers.append(Peer("pylibmc", fast.get, fast.set, 100))
    return peers


def redis_peers(stack: ExitStack, directory: Path) -> list[Peer]:
    socket = directory / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(directory)]
    if not serving(stack, ["redis-server", *options], socket):
        return []
    import redis

    client = redis.Redis(unix_socket_path=str(socket))
    return [Peer("redis-py", client.get, client.set, 200)]
