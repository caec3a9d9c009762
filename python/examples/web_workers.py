"""A web application under several workers: one catalogue in SQLite, one cache for all.

    python web_workers.py            # starts two workers, asks them, and ends
    gunicorn --workers 4 web_workers:app        # the same application under gunicorn
    uvicorn --workers 4 --interface wsgi web_workers:app        # or uvicorn

The workers are those of gunicorn where it is installed, else forked here: what they share is the cache.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable, Iterable
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import hostcache

PRODUCTS = 200

if __name__ == "__main__":
    os.environ.setdefault("CATALOGUE_CACHE", f"web-workers-{os.getpid()}")

#: Attached when the module is imported: before the fork under ``gunicorn --preload``, after it otherwise. Both do.
cache = hostcache.Cache(os.environ.get("CATALOGUE_CACHE", "web-workers"), capacity="32MiB", on_error="miss")


def connect() -> sqlite3.Connection:
    return sqlite3.connect(os.environ.get("CATALOGUE", "catalogue.sqlite"))


def fill() -> None:
    with connect() as database:
        database.execute("CREATE TABLE IF NOT EXISTS product (id INTEGER PRIMARY KEY, name TEXT, cents INTEGER)")
        rows = [(n, f"product {n}", 100 + n) for n in range(PRODUCTS)]
        database.executemany("INSERT OR REPLACE INTO product VALUES (?, ?, ?)", rows)
    database.close()


@cache.memoize(ttl=60, key="product")
def product(number: int) -> dict[str, Any] | None:
    """A row of the catalogue; None, which is kept too, if there is none."""
    cache.incr("queries", initial=1)
    database = connect()
    try:
        row = database.execute("SELECT id, name, cents FROM product WHERE id = ?", (number,)).fetchone()
    finally:
        database.close()
    return None if row is None else {"id": row[0], "name": row[1], "cents": row[2]}


def reprice(number: int, cents: int) -> None:
    """A write goes to the database first, and then out of the cache: for every worker at once."""
    with connect() as database:
        database.execute("UPDATE product SET cents = ? WHERE id = ?", (cents, number))
    database.close()
    product.invalidate(number)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """``GET /7`` is a product, ``POST /7?cents=5`` a new price."""
    number = int(environ["PATH_INFO"].strip("/") or 0)
    if environ["REQUEST_METHOD"] == "POST":
        reprice(number, int(environ["QUERY_STRING"].removeprefix("cents=")))
    found = product(number)
    status = "404 Not Found" if found is None else "200 OK"
    start_response(status, [("Content-Type", "application/json"), ("X-Worker", str(os.getpid()))])
    return [json.dumps(found).encode()]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Shared(WSGIServer):
    allow_reuse_port = True


def fork_workers(port: int, count: int) -> list[int]:
    pids = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            with make_server("127.0.0.1", port, app, Shared, Quiet) as server:
                server.serve_forever()
        pids.append(pid)
    return pids


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str, method: str = "GET") -> tuple[Any, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer), answer.headers["X-Worker"]


def main() -> None:
    port = free_port()
    gunicorn = shutil.which("gunicorn")
    if gunicorn:
        command = [gunicorn, "--workers", "2", "--bind", f"127.0.0.1:{port}", "--log-level", "error", "web_workers:app"]
        pids = [subprocess.Popen(command, cwd=Path(__file__).parent).pid]
    else:
        pids = fork_workers(port, 2)
    try:
        for _ in range(200):
            try:
                ask(port, "/0")
                break
            except OSError:
                time.sleep(0.05)
        seen, workers = 0, set()
        for turn in range(3):
            for number in range(PRODUCTS):
                found, worker = ask(port, f"/{number}")
                assert found["cents"] == 100 + number
                workers.add(worker)
                seen += 1
        assert ask(port, "/7?cents=5", "POST")[0]["cents"] == 5
        assert all(ask(port, "/7")[0]["cents"] == 5 for _ in range(20)), "every worker sees the new price at once"
        queries = cache.get("queries")
        print(f"{seen} requests to {len(workers)} workers: {queries} queries of the database")
        assert queries <= PRODUCTS + 20
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        os.environ["CATALOGUE"] = f"{directory}/catalogue.sqlite"
        fill()
        try:
            main()
        finally:
            hostcache.Cache.destroy(os.environ["CATALOGUE_CACHE"])
    print("ok")
