"""A pool of workers, as Celery's prefork pool is: processes that come and go, and share what they learnt.

Each worker ends after some tasks (``max_tasks_per_child``), one is killed in the middle of its work, and nothing that the others put
into the cache is lost.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import hostcache

NAME = f"worker-pool-{os.getpid()}"

#: Attached before the pool forks: each child goes on by itself.
cache = hostcache.Cache(NAME, capacity="16MiB")


def slow_square(n: int) -> int:
    """What is worth sharing."""
    cache.incr("computed", initial=1)
    time.sleep(0.001)
    return n * n


def task(n: int) -> tuple[int, int]:
    """One task: the rate limit first, then the result, from whoever computed it before."""
    minute = int(time.monotonic() // 60)
    count = cache.incr(f"rate:{minute}", initial=1, ttl=120)
    assert count is not None
    return cache.get_or_compute(f"square:{n}", lambda: slow_square(n), ttl=300), os.getpid()


def be_killed(n: int) -> None:
    """A worker that dies in the middle of its work."""
    while True:
        cache.set(f"doomed:{n}", bytes(10_000))


def main() -> None:
    context = multiprocessing.get_context("fork")
    doomed = context.Process(target=be_killed, args=(1,))
    doomed.start()
    with context.Pool(2, maxtasksperchild=50) as pool:
        results = pool.map(task, [n % 100 for n in range(600)], chunksize=10)
        assert doomed.pid is not None
        os.kill(doomed.pid, signal.SIGKILL)
        results += pool.map(task, [n % 100 for n in range(600)], chunksize=10)
        pool.close()
        pool.join()
    doomed.join()
    assert [result for result, _ in results] == [(n % 100) ** 2 for n in range(600)] * 2
    workers = {pid for _, pid in results}
    print(f"{len(results)} tasks by {len(workers)} processes: {cache['computed']} computed")
    assert len(workers) > 2 and cache["computed"] < 200


if __name__ == "__main__":
    try:
        main()
    finally:
        hostcache.Cache.destroy(NAME)
    print("ok")
