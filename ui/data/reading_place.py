"""Files are read side by side by a few visitors only: each takes memory and a core, and all others stay served."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

PLACES = threading.BoundedSemaphore(2)


@contextmanager
def reading_place() -> Iterator[None]:
    """Wait for a place, and say so; then the block has it."""
    if not PLACES.acquire(blocking=False):
        with st.spinner("Others are reading files; yours is next."):
            PLACES.acquire()
    try:
        yield
    finally:
        PLACES.release()
