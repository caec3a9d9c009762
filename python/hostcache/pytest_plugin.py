"""A pytest plugin, found by itself: the fixture ``hostcache``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator

import pytest

if TYPE_CHECKING:
    from .cache import PrivateCache


@pytest.fixture
def hostcache() -> Iterator[PrivateCache]:
    """A fresh private cache of 16 MiB whose time stands still: ``hostcache.advance(seconds)`` moves it."""
    from .cache import PrivateCache

    with PrivateCache(manual_clock=True) as cache:
        yield cache
