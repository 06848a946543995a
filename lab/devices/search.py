"""The devices of this machine, for a page that must not wait: the search runs beside it and is asked how far it is."""

from __future__ import annotations

import threading
from functools import cache

from engine.backend import Device, available_devices, known_devices

AT_ONCE = 0.3  # seconds that a page may wait: enough to find that there is no driver, not for the trial of a card


@cache
def search() -> threading.Thread:
    """The search, started by the first call; app.py starts it with the server."""
    thread = threading.Thread(target=available_devices, name="search for devices", daemon=True)
    thread.start()
    return thread


def devices() -> list[Device]:
    """Every device with its state, the processor first; a card that is still being tried says so."""
    search().join(AT_ONCE)
    return known_devices()
