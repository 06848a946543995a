"""The devices of this machine, found by a thread so that no page waits for them."""

from __future__ import annotations

import threading
from functools import cache

from engine.backend import Device, available_devices, known_devices

PAGE_WAIT_S = 0.3  # enough to find that there is no driver, but not to try out a GPU


@cache
def search() -> threading.Thread:
    """The search thread, started by the first call; app.py makes that call when the server starts."""
    thread = threading.Thread(target=available_devices, name="search for devices", daemon=True)
    thread.start()
    return thread


def devices() -> list[Device]:
    """Every device with its state, the CPU first; a GPU that is still being tried out says so."""
    search().join(PAGE_WAIT_S)
    return known_devices()
