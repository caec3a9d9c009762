"""Cache-aside: get_or_compute, memoize, lru_cache, and their asyncio forms."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import enum
import inspect
import threading
import time
import uuid
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

import hostcache
from hostcache import Cache, PrivateCache
from hostcache.memoize import canonical


def test_get_or_compute_computes_once(cache: Cache) -> None:
    calls = []
    for _ in range(3):
        assert cache.get_or_compute("k", lambda: calls.append(1) or len(calls), ttl=60) == 1
    assert calls == [1] and 0 < cache.ttl("k") <= 60.1


def test_what_fails_to_compute_is_not_kept(cache: Cache) -> None:
    def fail() -> None:
        raise LookupError("no row")

    with pytest.raises(LookupError, match="no row"):
        cache.get_or_compute("k", fail)
    assert "k" not in cache


def test_memoized_functions(cache: Cache) -> None:
    calls = []

    @cache.memoize(ttl=60)
    def add(a: int, b: int = 1, *more: int, c: int = 0) -> int:
        """Adds."""
        calls.append((a, b, more, c))
        return a + b + sum(more) + c

    assert add(1) == add(1, 1) == add(a=1) == add(b=1, a=1) == 2
    assert len(calls) == 1, "however the arguments are given"
    assert add(1, 2, 3, c=4) == 10 and add(1, 2, 3, c=4) == 10 and len(calls) == 2
    assert add(1.0) == 2.0 and len(calls) == 3, "types differ"
    assert add.__name__ == "add" and add.__doc__ == "Adds." and add.__wrapped__(1, 1) == 2
    assert add.cache_key(1) in cache and cache.ttl(add.cache_key(1)) > 50
    assert add.invalidate(1) is True and add.invalidate(1) is False
    with pytest.raises(TypeError, match="missing"):
        add()


def test_memoized_methods(cache: Cache) -> None:
    class Shop:
        calls = 0

        def __init__(self, number: int) -> None:
            self.number = number

        def __cache_key__(self) -> int:
            return self.number

        @cache.memoize()
        def price(self, item: str) -> str:
            Shop.calls += 1
            return f"{self.number}:{item}"

        @classmethod
        @cache.memoize(key=lambda cls, n: f"total:{n}")
        def total(cls, n: int) -> int:
            Shop.calls += 1
            return n

        @staticmethod
        @cache.memoize(key="static")
        def half(n: int) -> float:
            Shop.calls += 1
            return n / 2

    assert Shop(1).price("a") == Shop(1).price("a") == "1:a" and Shop.calls == 1
    assert Shop(2).price("a") == "2:a" and Shop.calls == 2
    assert Shop.total(5) == Shop(1).total(5) == 5 and Shop.calls == 3 and "total:5" in cache
    assert Shop.half(5) == Shop.half(5) == 2.5 and Shop.calls == 4 and "static(5)" in cache
    assert Shop(1).price.invalidate(Shop(1), "a") is True


def test_arguments_without_a_key_are_refused_with_a_way_out(cache: Cache) -> None:
    @cache.memoize()
    def function(value: object) -> int:
        return 1

    with pytest.raises(TypeError, match="__cache_key__"):
        function(object())
    assert function("x" * 10_000) == 1
    assert all(len(key) < 300 for key in cache)


class Kind(enum.Enum):
    A = 1
    B = 2


@dataclasses.dataclass
class Row:
    id: int
    name: str


ARGUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.sampled_from(Kind)
    | st.decimals() | st.dates() | st.uuids(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(ARGUMENTS, ARGUMENTS)
def test_texts_of_arguments_are_equal_exactly_if_the_arguments_are(a: object, b: object) -> None:
    assert (canonical(a) == canonical(b)) == (repr(sorted_dicts(a)) == repr(sorted_dicts(b)))


def sorted_dicts(value: object) -> object:
    if isinstance(value, dict):
        return {key: sorted_dicts(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return type(value)(map(sorted_dicts, value))
    return value


def test_texts_of_arguments_are_the_same_in_every_process(python) -> None:
    script = """
import datetime, enum, uuid
from decimal import Decimal
from hostcache.memoize import canonical
print(canonical([{"b", "a", "c"}, frozenset({1, 2}), {"z": 1, "a": 2}, Decimal("1.5"), uuid.UUID(int=7), datetime.date(2026, 11, 23)]))
"""
    texts = {python(script, PYTHONHASHSEED=str(seed)) for seed in range(4)}
    assert len(texts) == 1
    assert canonical(Row(1, "a")) != canonical(Row(1, "b")) != canonical(Kind.A)


def test_memoized_coroutines(cache: Cache) -> None:
    calls = []

    @cache.memoize(ttl=60)
    async def load(n: int) -> dict[str, int]:
        calls.append(n)
        await asyncio.sleep(0)
        return {"n": n}

    async def main() -> None:
        assert await load(1) == await load(n=1) == {"n": 1}
        assert await load(2) == {"n": 2}
        assert calls == [1, 2]
        assert load.invalidate(1)
        assert await asyncio.gather(load(1), load(2)) == [{"n": 1}, {"n": 2}]

    asyncio.run(main())
    assert calls == [1, 2, 1]


def test_asyncio_variants(cache: Cache) -> None:
    async def main() -> None:
        large = {"large": bytes(200_000)}
        for value in (b"small", None, {"a": [1]}, large, bytes(100_000), list(range(10_000)), object):
            await cache.aset("k", value, ttl=60)
            assert await cache.aget("k") == value
        assert await cache.aget("x", 5) == 5
        await cache.aset_many({"a": 1, "b": 2})
        assert await cache.aget_many(["a", "b", "c"]) == {"a": 1, "b": 2}
        assert await cache.adelete("a") is True

        async def compute() -> int:
            return 5

        assert await cache.aget_or_compute("c", compute) == await cache.aget_or_compute("c", compute) == 5
        assert await cache.aget_or_compute("d", lambda: threading.get_ident()) != threading.get_ident()
        assert await cache.aget_or_compute("e", lambda: compute()) == 5

    asyncio.run(main())


def test_the_loop_goes_on_while_a_value_is_computed(cache: Cache) -> None:
    async def main() -> int:
        turns, done = 0, asyncio.create_task(cache.aget_or_compute("k", lambda: time.sleep(0.3)))
        while not done.done():
            turns += 1
            await asyncio.sleep(0.01)
        return turns

    assert asyncio.run(main()) > 3


def test_lru_cache_is_shaped_like_that_of_functools(cache: Cache) -> None:
    calls = []

    @hostcache.lru_cache(maxsize=32, typed=True, cache=cache)
    def square(n: int) -> int:
        """Squares."""
        calls.append(n)
        return n * n

    assert [square(n) for n in (1, 2, 1, 2, 3)] == [1, 4, 1, 4, 9]
    assert calls == [1, 2, 3]
    assert square.cache_info() == (2, 3, 32, 3) and square.cache_info().hits == 2
    assert square.cache_parameters() == {"maxsize": 32, "typed": True}
    assert square.__wrapped__(5) == 25 and square.__name__ == "square" and square.__doc__ == "Squares."
    square.cache_clear()
    assert square.cache_info() == (0, 0, 32, 0)
    assert square(1) == 1 and calls == [1, 2, 3, 5, 1]

    class Some:
        @hostcache.lru_cache(cache=cache)
        def method(self) -> int:
            return 1

        def __cache_key__(self) -> int:
            return 0

    assert Some().method() == 1

    @hostcache.lru_cache(maxsize=0, cache=cache)
    def never(n: int) -> int:
        calls.append(n)
        return n

    never(9), never(9)
    assert calls[-2:] == [9, 9] and never.cache_info() == (0, 2, 0, 0)


def test_lru_cache_without_arguments(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTCACHE_NAME", name)

    @hostcache.lru_cache
    def double(n: int) -> int:
        return 2 * n

    @hostcache.lru_cache()
    def triple(n: int) -> int:
        return 3 * n

    assert double(4) == double(4) == 8 and triple(4) == 12
    assert double.cache_info() == (1, 1, 128, 1)
    assert len(Cache(name)) == 2


def test_what_is_memoized_ends(hostcache: PrivateCache) -> None:
    @hostcache.memoize(ttl=10)
    def now() -> float:
        return time.perf_counter()

    first = now()
    hostcache.advance(9)
    assert now() == first
    hostcache.advance(1)
    assert now() > first
