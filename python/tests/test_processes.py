"""Forked, spawned, killed: real processes on one region."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time

import pytest

import hostcache
from conftest import in_child, wait_for
from hostcache import Cache

METHODS = ["fork", "forkserver", "spawn"]


def count(cache: Cache, key: str, times: int) -> None:
    for n in range(times):
        cache.incr(key, initial=1)
        cache.set(f"{key}:{os.getpid()}", {"n": n})


@pytest.mark.parametrize("method", METHODS)
def test_a_handle_goes_to_children(cache: Cache, method: str) -> None:
    """As an argument: inherited by fork, pickled by the others."""
    context = multiprocessing.get_context(method)
    children = [context.Process(target=count, args=(cache, "n", 500)) for _ in range(3)]
    for child in children:
        child.start()
    count(cache, "n", 500)
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert cache["n"] == 2000
    assert len(list(cache.keys("n:"))) == 4


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_uses_one_region(cache: Cache, method: str) -> None:
    with multiprocessing.get_context(method).Pool(2, initializer=use, initargs=(cache,)) as pool:
        results = pool.map(work, range(40))
        pool.close()
        pool.join()
    assert results == [n * n for n in range(40)]
    assert cache["work"] == 40


used: Cache


def use(cache: Cache) -> None:
    global used
    used = cache


def work(n: int) -> int:
    used.incr("work", initial=1)
    return used.get_or_compute(f"square:{n}", lambda: n * n)


def test_child_and_parent_work_at_once_and_independently(cache: Cache) -> None:
    """Attached before the fork, as under gunicorn --preload."""
    cache["k"] = "parent"
    before = cache.stats()["participants"]

    def child() -> None:
        for n in range(20_000):
            cache.incr("n", initial=1)
        assert cache["k"] == "parent"
        cache.close()

    pids = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            try:
                child()
                os._exit(0)
            except BaseException:
                os._exit(1)
        pids.append(pid)
    for _ in range(20_000):
        cache.incr("n", initial=1)
    assert [wait_for(pid) for pid in pids] == [0, 0]
    assert cache["n"] == 60_000, "no increment is lost"
    assert cache["k"] == "parent" and cache.stats()["participants"] == before


def test_grandchildren_and_threads_of_children(cache: Cache) -> None:
    def grandchild() -> None:
        cache["grandchild"] = os.getppid()

    def child() -> None:
        threads = [threading.Thread(target=cache.incr, args=("n",), kwargs={"initial": 1}) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert in_child(grandchild) == 0

    assert in_child(child) == 0
    assert cache["n"] == 8 and cache["grandchild"] != os.getpid()


def test_a_fork_while_threads_work(cache: Cache) -> None:
    stop = threading.Event()

    def work(number: int) -> None:
        value = bytes(50_000)
        while not stop.is_set():
            cache.set(f"large{number}", value)
            assert len(cache.get(f"large{number}", value)) == 50_000

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for n in range(20):
            assert in_child(lambda: cache.set("child", n)) == 0
            assert cache["child"] == n
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_killed_process_holds_up_nobody_and_leaves_nothing(cache: Cache) -> None:
    started = time.monotonic()
    for round in range(20):
        pid = os.fork()
        if pid == 0:
            views = []
            while True:
                for n in range(1000):
                    cache.set(f"k{n}", b"%d" % n * 200)
                    views = [cache.view(f"k{n}"), cache.get_many([f"k{m}" for m in range(10)])]
        time.sleep(0.02 + 0.003 * round)
        os.kill(pid, signal.SIGKILL)
        for n in range(200):
            cache.set(f"mine{n}", n)
            assert cache.get(f"mine{n}") == n
        assert wait_for(pid) == -signal.SIGKILL
    for key, value in cache.items("k"):
        assert value == key[1:].encode() * 200, "a value is whole, and its key's"
    views = [cache.view(f"k{n}") for n in range(0, 1000, 25)]
    assert len(views) == 40, "the pins of the dead count for nothing"
    assert time.monotonic() - started < 50


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_worker_of_multiprocessing(cache: Cache, method: str) -> None:
    context = multiprocessing.get_context(method)
    child = context.Process(target=count, args=(cache, "endless", 10**9))
    child.start()
    deadline = time.monotonic() + 30
    while "endless" not in cache:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.kill()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    before = cache["endless"]
    assert cache.incr("endless") == before + 1


def test_a_stopped_process_holds_up_nobody(cache: Cache) -> None:
    pid = os.fork()
    if pid == 0:
        while True:
            cache.set("k", bytes(1000))
            cache.incr("n", initial=1)
    deadline = time.monotonic() + 40
    try:
        while "n" not in cache:
            time.sleep(0.01)
        for _ in range(50):
            os.kill(pid, signal.SIGSTOP)
            for n in range(100):
                cache.set("k", n)
                cache.incr("n")
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.001)
            assert time.monotonic() < deadline
    finally:
        os.kill(pid, signal.SIGKILL)
        wait_for(pid)


def test_a_private_cache_is_the_familys(python) -> None:
    cache = hostcache.PrivateCache("1MiB", manual_clock=True)
    cache.set("k", "v", ttl=10)

    def child() -> None:
        assert cache["k"] == "v"
        cache["child"] = 1
        cache.advance(10)

    assert in_child(child) == 0
    assert cache["child"] == 1 and "k" not in cache, "time and items are shared"
    with pytest.raises(TypeError, match="private cache can't be pickled"):
        pickle.dumps(cache)


def test_a_pickled_handle_attaches_with_its_settings(cache: Cache) -> None:
    handle = Cache(cache.name, serializer="json", on_error="miss", default_ttl=5)
    other = pickle.loads(pickle.dumps(handle))
    assert (other.name, other.serializer, other.on_error) == (cache.name, "json", "miss")
    other["k"] = [1]
    assert cache["k"] == [1]


def test_one_handle_serves_many_threads(cache: Cache) -> None:
    cache["n"] = 0
    errors = []

    def work(number: int) -> None:
        try:
            for n in range(3000):
                cache.incr("n")
                cache.set(f"k{number}", {"n": n})
                assert cache.get(f"k{number}") == {"n": n}
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and cache["n"] == 24_000


def test_large_copies_let_other_threads_run(name: str) -> None:
    """The interpreter is detached: another thread runs while one copies."""
    cache = Cache(name, capacity="256MiB")
    value = bytes(60 << 20)
    turns, stop = 0, threading.Event()

    def spin() -> None:
        nonlocal turns
        while not stop.is_set():
            turns += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    thread = threading.Thread(target=spin)
    try:
        # With this interval nobody is made to give way: whoever runs lets go by himself, or not at all.
        for operation in (lambda: cache.set("k", value), lambda: cache.get("k")):
            stop.clear()
            thread = threading.Thread(target=lambda: (operation(), stop.set()))
            thread.start()
            thread.join(30)
            assert not thread.is_alive()
        stop.clear()
        spinner = threading.Thread(target=waits_for, args=(stop,))
        spinner.start()
        cache.get("k")
        stop.set()
        spinner.join(30)
        assert not spinner.is_alive()
    finally:
        stop.set()
        sys.setswitchinterval(interval)


def waits_for(event: threading.Event) -> None:
    event.wait()


def test_an_interrupt_harms_nothing(cache: Cache) -> None:
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupts = 0
        cache["ready"] = 1
        while interrupts < 50:
            try:
                n = 0
                while True:
                    n += 1
                    cache.set_many({f"k{m}": {"m": m} for m in range(50)})
                    assert all(value == {"m": int(key[1:])} for key, value in cache.items("k"))
                    view = cache.view("k1")
                    with cache.reserve("r", 10) as reservation, memoryview(reservation) as memory:
                        memory[:] = b"0123456789"
                    del view, memory, reservation
            except KeyboardInterrupt:
                interrupts += 1
                cache["interrupts"] = interrupts
        os._exit(0)
    while "ready" not in cache:
        time.sleep(0.01)
    deadline = time.monotonic() + 40
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        assert time.monotonic() < deadline, cache.get("interrupts")
        os.kill(pid, signal.SIGINT)
        time.sleep(0.003)
    assert cache["interrupts"] == 50
    assert cache.get("r") == b"0123456789"
    cache["k1"] = "still works"
    assert cache["k1"] == "still works"
