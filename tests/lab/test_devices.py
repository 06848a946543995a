"""The search for devices beside a page."""

from __future__ import annotations

import threading

import pytest

from engine import backend
from lab import devices


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(backend, "_found", [])
    devices.search.cache_clear()
    yield
    devices.search.cache_clear()


def test_a_page_does_not_wait_for_the_trial_of_a_card(monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(backend, "graphics_cards", lambda: go_on.wait(60) and [backend.Device("cuda:0", "A card")])
    cpu, card = devices.devices()
    assert cpu.usable
    assert "looked for" in card.reason
    go_on.set()
    devices.search().join(60)
    assert devices.devices() == [backend.CPU, backend.Device("cuda:0", "A card")]


def test_the_search_is_started_once(monkeypatch):
    looks = []
    monkeypatch.setattr(backend, "graphics_cards", lambda: looks.append(1) or [backend.Device("cuda:0", "A card")])
    for _ in range(3):
        devices.search().join(60)
        assert len(devices.devices()) == 2
    assert looks == [1]
