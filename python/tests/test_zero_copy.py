"""Views, reservations and arrays: memory of the region, in place."""

from __future__ import annotations

import gc

import pytest

import hostcache
from conftest import in_child
from hostcache import Cache


def pins(cache: Cache) -> int:
    return cache.stats()["pins"]


def test_a_view_holds_its_bytes_whatever_happens(cache: Cache) -> None:
    cache["k"] = b"hello" * 1000
    view = cache.view("k")
    assert isinstance(view, memoryview) and view.readonly and view.nbytes == 5000 and view.format == "B"
    assert pins(cache) == 1
    cache["k"] = b"other"
    cache.clear()
    for n in range(2000):
        cache[f"filler{n}"] = bytes(8000)
    assert bytes(view) == b"hello" * 1000
    part = view[5:10]
    del view
    gc.collect()
    assert pins(cache) == 1, "a slice keeps it"
    assert part == b"hello"
    with pytest.raises(TypeError, match="read-only"):
        part[0] = 1
    part.release()
    assert pins(cache) == 0


def test_a_view_outlives_its_handle_and_its_region(name: str) -> None:
    with Cache(name, capacity="1MiB") as cache:
        cache["k"] = b"v" * 100
        view = cache.view("k")
    Cache.destroy(name)
    del cache
    gc.collect()
    assert bytes(view) == b"v" * 100


def test_views_of_odd_things(cache: Cache) -> None:
    assert cache.view("nobody") is None
    cache["empty"] = b""
    assert bytes(cache.view("empty")) == b""
    cache["text"] = "ä"
    assert bytes(cache.view("text")) == "ä".encode()


def test_views_are_bounded(cache: Cache) -> None:
    cache["k"] = b"v"
    views = []
    with pytest.raises(hostcache.TooManyPinsError, match="as many as it may"):
        for _ in range(100_000):
            views.append(cache.view("k"))
    assert len(views) >= 40
    del views
    cache["large"] = bytes(cache.max_value_len("large"))
    views = [cache.view("large")]
    with pytest.raises(hostcache.OverBoundError, match="is refused"):
        for _ in range(5):
            views.append(cache.view("large"))
    views.clear()
    assert pins(cache) == 0


def test_a_childs_view_is_its_own(cache: Cache) -> None:
    cache["k"] = b"v" * 100
    view = cache.view("k")
    pin = view.obj

    def child() -> None:
        assert bytes(view) == b"v" * 100
        with pytest.raises(BufferError, match="the parent process's"):
            memoryview(pin)
        own = cache.view("k")
        assert pins(cache) == 2
        del own
        assert pins(cache) == 1

    assert in_child(child) == 0
    assert pins(cache) == 1, "a child's end lets go of nothing of the parent's"
    assert bytes(view) == b"v" * 100


def test_a_reservation_is_seen_once_it_is_published(cache: Cache) -> None:
    reservation = cache.reserve("k", 10, ttl=60)
    assert len(reservation) == reservation.nbytes == 10 and not reservation.finished
    with memoryview(reservation) as memory:
        assert not memory.readonly and bytes(memory) == bytes(10)
        memory[:5] = b"hello"
        assert "k" not in cache
        with pytest.raises(BufferError, match="1 views"):
            reservation.publish()
    reservation.publish()
    assert cache["k"] == b"hello" + bytes(5) and 0 < cache.ttl("k") <= 60.1
    for operation in (reservation.publish, reservation.cancel, lambda: memoryview(reservation)):
        with pytest.raises((hostcache.ReservationLostError, BufferError), match="reserve anew"):
            operation()
    assert "finished" in repr(reservation)


def test_a_block_publishes_or_cancels(cache: Cache) -> None:
    with cache.reserve("k", 2) as reservation, memoryview(reservation) as memory:
        memory[:] = b"ab"
    assert cache["k"] == b"ab"
    with pytest.raises(RuntimeError, match="changed my mind"):
        with cache.reserve("k", 2) as reservation, memoryview(reservation) as memory:
            memory[:] = b"cd"
            raise RuntimeError("changed my mind")
    assert cache["k"] == b"ab"
    with cache.reserve("k", 2) as reservation:
        reservation.cancel()
    dropped = cache.reserve("k", 1000)
    assert cache.stats()["reserved_bytes"] > 0
    del dropped
    assert cache.stats()["reserved_bytes"] == 0
    assert cache["k"] == b"ab"


def test_a_reservation_over_the_bounds_is_refused(cache: Cache) -> None:
    with pytest.raises(hostcache.ValueTooLargeError):
        cache.reserve("k", 8 << 20)
    with pytest.raises((hostcache.OverBoundError, hostcache.TooManyReservationsError)):
        kept = [cache.reserve("k", 200_000) for _ in range(50)]
    kept = []
    assert kept == []


def test_a_childs_reservation_is_its_own(cache: Cache) -> None:
    reservation = cache.reserve("k", 5)

    def child() -> None:
        with pytest.raises(BufferError, match="the parent process's"):
            memoryview(reservation)
        with pytest.raises(hostcache.ReservationLostError):
            reservation.publish()
        with cache.reserve("child", 5) as own, memoryview(own) as memory:
            memory[:] = b"child"

    assert in_child(child) == 0
    reservation.publish()
    assert cache["k"] == bytes(5) and cache["child"] == b"child"


np = pytest.importorskip("numpy")


@pytest.mark.parametrize("dtype", ["u1", "<i8", ">f4", "c16", "?", "S5", "U3", "M8[ns]", [("a", "<i4"), ("b", "f8", (2,))]])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 4), (2, 3, 4)])
def test_an_array_keeps_type_and_shape(cache: Cache, dtype: object, shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, dtype)
    array.reshape(-1).view("u1")[:] = np.arange(array.nbytes, dtype="u1") % 2
    for given in (array, np.asfortranarray(array), array[..., ::2] if shape else array):
        cache.set_array("k", given, ttl=60)
        for got in (cache.get_array("k"), cache.get_array("k", copy=True), cache.get("k")):
            assert got.dtype == given.dtype and got.shape == given.shape
            assert got.tobytes() == given.tobytes()
            if given.flags.f_contiguous:
                assert got.flags.f_contiguous


def test_an_array_lies_in_the_region(cache: Cache) -> None:
    cache.set_array("k", np.arange(1000))
    array = cache.get_array("k")
    assert array.ctypes.data % 64 == 0 and not array.flags.writeable and not array.flags.owndata
    assert pins(cache) == 1
    with pytest.raises(ValueError):
        array[0] = 1
    with pytest.raises(ValueError):
        array.flags.writeable = True
    part = array[10:20]
    del array
    cache.clear()
    assert pins(cache) == 1 and part.sum() == sum(range(10, 20))
    del part
    assert pins(cache) == 0
    cache.set_array("k", np.arange(10))
    mine = cache.get_array("k", copy=True)
    mine[0] = 7
    assert cache.get("k")[0] == 0 and pins(cache) == 0


def test_an_array_where_nothing_can_be_pinned_is_a_copy(cache: Cache) -> None:
    cache.set_array("k", np.arange(10))
    with Cache(cache.name, read_only=True) as reader:
        array = reader.get_array("k")
        assert array.sum() == 45 and not array.flags.writeable
        with pytest.raises(hostcache.ReadOnlyError):
            reader.get_array("k", copy=False)
    cache.touch("k", 50)
    assert cache.get_array("k").sum() == 45
    assert cache.get_array("nobody") is None and cache.get_array("nobody", copy=True) is None
    cache["k"] = b"bytes"
    for copy in (None, True):
        with pytest.raises(hostcache.SerializerError, match="no array"):
            cache.get_array("k", copy=copy)
    with pytest.raises(TypeError, match="array of objects"):
        cache.set_array("k", np.array([object()]))


def test_an_array_that_can_not_be_reserved_for_is_stored_all_the_same(cache: Cache) -> None:
    views = []
    cache["large"] = bytes(cache.max_value_len("large"))
    with pytest.raises(hostcache.OverBoundError):
        while True:
            views.append(cache.view("large"))
    cache.set_array("k", np.arange(200_000, dtype="u1"))
    views.clear()
    assert cache.get_array("k").sum() == np.arange(200_000, dtype="u1").sum()


@pytest.mark.parametrize("at", range(0, 40))
def test_a_damaged_array_is_no_array(cache: Cache, at: int) -> None:
    cache.set_array("k", np.arange(10))
    data, encoding = cache._raw("k")
    for value in (0, 1, 0x7F, 0xFF):
        damaged = data[:at] + bytes([value]) + data[at + 1 :]
        cache._set_raw("k", damaged, encoding)
        try:
            array = cache.get_array("k")
            assert array.nbytes <= len(damaged)
        except hostcache.SerializerError:
            pass
    cache._set_raw("k", data[:at], encoding)
    with pytest.raises(hostcache.SerializerError):
        cache.get_array("k")


def test_arrow_tables_lie_in_the_region(cache: Cache) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed (pip install pyarrow)")
    table = pa.table({"n": list(range(1000)), "s": [str(n) for n in range(1000)]})
    before = pa.total_allocated_bytes()
    cache.set_arrow("k", table, ttl=60)
    got = cache.get_arrow("k")
    assert got.equals(table) and pins(cache) == 1
    assert pa.total_allocated_bytes() - before < 1000, "its buffers are the region's"
    cache.set_arrow("batch", table.to_batches()[0])
    assert cache.get_arrow("batch").equals(table)
    assert cache.get_arrow("nobody") is None
    del got
    gc.collect()
    assert pins(cache) == 0
