"""The search for devices in its thread."""

from __future__ import annotations

import threading

import pytest

from engine import backend
from lab.devices import search


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(backend, "_found", [])
    search.search.cache_clear()
    yield
    search.search.cache_clear()


def test_a_page_does_not_wait_while_a_gpu_is_tried(monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(backend, "graphics_cards", lambda: go_on.wait(60) and [backend.Device("cuda:0", "A card")])
    cpu, card = search.devices()
    assert cpu.usable
    assert "looked for" in card.reason
    go_on.set()
    search.search().join(60)
    assert search.devices() == [backend.CPU, backend.Device("cuda:0", "A card")]


def test_the_search_starts_once(monkeypatch):
    looks = []
    monkeypatch.setattr(backend, "graphics_cards", lambda: looks.append(1) or [backend.Device("cuda:0", "A card")])
    for _ in range(3):
        search.search().join(60)
        assert len(search.devices()) == 2
    assert looks == [1]
