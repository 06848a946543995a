"""Searches for the devices of this machine in a thread, so that no page waits."""

from __future__ import annotations

import threading
from functools import cache

from engine.backend import Device, available_devices, known_devices

PAGE_WAIT_S = 0.3  # enough to detect a missing driver, not to test a GPU


@cache
def search() -> threading.Thread:
    """The search thread, started by the first call, which app.py makes when the server starts."""
    thread = threading.Thread(target=available_devices, name="search for devices", daemon=True)
    thread.start()
    return thread


def devices() -> list[Device]:
    """Every device with its state, the CPU first; the reason of a GPU says if it is still being tested."""
    search().join(PAGE_WAIT_S)
    return known_devices()
