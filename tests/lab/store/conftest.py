"""A store on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.store.store import Bounds, Store


@pytest.fixture
def make(url) -> Iterator:
    """`make(**bounds)`: one more store on the same database."""
    opened: list[Store] = []

    def one(**bounds) -> Store:
        opened.append(Store(url, Bounds(**bounds)))
        return opened[-1]

    yield one
    for store in opened:
        store.close()


@pytest.fixture
def store(make) -> Store:
    return make()
