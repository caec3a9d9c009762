"""Random operations beside a dict: the same answers, whatever came before."""

from __future__ import annotations

import math

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import hostcache

KEYS = st.sampled_from(["a", "b", "c", "ключ", "long" * 20])
VALUES = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=300)
    | st.binary(max_size=2000) | st.lists(st.integers(), max_size=5) | st.dictionaries(st.text(), st.integers(), max_size=3)
    | st.tuples(st.integers(), st.text())
)  # fmt: skip
TTLS = st.none() | st.integers(1, 20) | st.floats(0.5, 20) | st.just(math.inf)


class Model(RuleBasedStateMachine):
    """A key's value and when it ends, beside a cache whose time stands still."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = hostcache.PrivateCache("2MiB", manual_clock=True)
        self.model: dict[str, tuple[object, int | None]] = {}
        self.now = 0

    def teardown(self) -> None:
        assert self.cache.stats()["evictions"] == 0 and self.cache.stats()["pins"] == 0
        self.cache.close()

    def put(self, key: str, value: object, ttl: float | None) -> None:
        # Lifetimes are rounded up to whole milliseconds.
        end = None if ttl is None or ttl == math.inf else self.now + math.ceil(ttl * 1000)
        self.model[key] = value, end

    def live(self) -> dict[str, object]:
        self.model = {key: item for key, item in self.model.items() if item[1] is None or item[1] > self.now}
        return {key: value for key, (value, _) in self.model.items()}

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def set(self, key: str, value: object, ttl: float | None) -> None:
        self.cache.set(key, value, ttl)
        self.put(key, value, ttl)

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def add(self, key: str, value: object, ttl: float | None) -> None:
        absent = key not in self.live()
        assert self.cache.add(key, value, ttl) is absent
        if absent:
            self.put(key, value, ttl)

    @rule(key=KEYS, value=VALUES, ttl=TTLS)
    def replace(self, key: str, value: object, ttl: float | None) -> None:
        present = key in self.live()
        assert self.cache.replace(key, value, ttl) is present
        if present:
            self.put(key, value, ttl)

    @rule(key=KEYS, value=VALUES, old=st.booleans())
    def cas(self, key: str, value: object, old: bool) -> None:
        found = self.cache.gets(key)
        assert (found is not None) == (key in self.live())
        if found is not None:
            assert found[0] == self.live()[key]
            swapped = self.cache.cas(key, value, found[1] + old)
            assert swapped is not old
            if swapped:
                self.put(key, value, None)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        expected = self.live().get(key, "miss")
        got = self.cache.get(key, "miss")
        assert got == expected and type(got) is type(expected)
        assert (key in self.cache) == (key in self.live())

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        assert self.cache.delete(key) is (key in self.live())
        self.model.pop(key, None)

    @rule(key=KEYS)
    def pop(self, key: str) -> None:
        assert self.cache.pop(key, "miss") == self.live().get(key, "miss")
        self.model.pop(key, None)

    @rule(key=KEYS, ttl=TTLS)
    def touch(self, key: str, ttl: float | None) -> None:
        live = self.live()
        assert self.cache.touch(key, ttl) is (key in live)
        if key in live:
            self.put(key, live[key], ttl)

    @rule(key=KEYS, delta=st.integers(0, 2**64 - 1), up=st.booleans(), initial=st.none() | st.integers(0, 2**64 - 1))
    def count(self, key: str, delta: int, up: bool, initial: int | None) -> None:
        live, step = self.live(), self.cache.incr if up else self.cache.decr
        if key not in live:
            assert step(key, delta, initial=initial) == initial
            if initial is not None:
                self.put(key, initial, None)
            return
        value, end = self.model[key]
        digits = value.decode("latin-1") if type(value) is bytes else str(value) if type(value) in (str, int) else ""
        is_counter = digits.isascii() and digits.isdigit() and len(digits) <= 20 and int(digits) < 2**64
        try:
            got = step(key, delta, initial=initial)
        except hostcache.NotANumberError:
            assert not is_counter
            return
        assert is_counter
        expected = (int(digits) + delta) % 2**64 if up else max(0, int(digits) - delta)
        assert got == expected
        kind = {bytes: lambda n: str(n).encode(), str: str, int: int}[type(value)]
        self.model[key] = kind(expected), end

    @rule(items=st.dictionaries(KEYS, VALUES), ttl=TTLS)
    def set_many(self, items: dict[str, object], ttl: float | None) -> None:
        self.cache.set_many(items, ttl)
        for key, value in items.items():
            self.put(key, value, ttl)

    @rule(keys=st.lists(KEYS))
    def get_many(self, keys: list[str]) -> None:
        live = self.live()
        assert self.cache.get_many(keys) == {key: live[key] for key in keys if key in live}

    @rule(keys=st.lists(KEYS, unique=True))
    def delete_many(self, keys: list[str]) -> None:
        live = self.live()
        assert self.cache.delete_many(keys) == sum(key in live for key in keys)
        for key in keys:
            self.model.pop(key, None)

    @rule(key=KEYS, part=st.binary(max_size=50))
    def append(self, key: str, part: bytes) -> None:
        live = self.live()
        if key in live and type(live[key]) is bytes:
            value, end = self.model[key]
            assert self.cache.append(key, part) == len(value) + len(part)
            self.model[key] = value + part, end
        elif key not in live:
            assert self.cache.append(key, part) is None

    @rule(seconds=st.integers(1, 12))
    def advance(self, seconds: int) -> None:
        self.cache.advance(seconds)
        self.now += seconds * 1000

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.model.clear()

    @rule(key=KEYS)
    def ttl(self, key: str) -> None:
        left = self.cache.ttl(key)
        if key not in self.live():
            assert left is None
        else:
            end = self.model[key][1]
            # Whole milliseconds; of which of two neighbouring floats they make, nothing is said.
            assert left is not None
            assert (left if end is None else round(left * 1000)) == (math.inf if end is None else end - self.now)

    @invariant()
    def the_contents_are_the_models(self) -> None:
        assert dict(self.cache.items()) == self.live()
        assert set(self.cache) == set(self.live())


TestModel = Model.TestCase
