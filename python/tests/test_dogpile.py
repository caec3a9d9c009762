"""The dogpile.cache back end, under dogpile's own test classes, which it publishes."""

from __future__ import annotations

import os

import pytest
from dogpile.cache import make_region
from dogpile.testing.fixtures import _GenericBackendTestSuite

import hostcache


@pytest.fixture(scope="module", autouse=True)
def region_of_the_suite(region_directory):
    yield
    try:
        hostcache.Cache.destroy("dogpile-suite")
    except hostcache.RegionMissingError:
        pass


ARGUMENTS = {"name": "dogpile-suite", "capacity": "4MiB", "on_error": "raise"}


class TestBackend(_GenericBackendTestSuite):
    backend = "hostcache"
    config_args = {"arguments": ARGUMENTS}


def test_a_region_by_its_entry_point(name: str) -> None:
    region = make_region().configure(
        "hostcache", expiration_time=60, arguments={"name": name, "capacity": "2MiB", "ttl": 120}
    )
    calls = []

    @region.cache_on_arguments()
    def load(n: int) -> dict[str, int]:
        calls.append(n)
        return {"n": n}

    assert load(1) == load(1) == {"n": 1} and calls == [1]
    (key,) = hostcache.Cache(name)
    assert 100 < hostcache.Cache(name).ttl(key) <= 120.1
