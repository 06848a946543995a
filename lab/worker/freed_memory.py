"""The memory of runs that were closed goes back to the system. glibc would keep most of it for runs to come."""

from __future__ import annotations

import ctypes
import sys

WAIT_S = 30.0  # after a run was closed, for others that are closed with it: giving back takes up to 0.2 s


class FreedMemory:
    """Times are the caller's, in seconds."""

    def __init__(self) -> None:
        self._since: float | None = None  # when the first run was closed whose memory may still be here

    def note(self, now: float) -> None:
        """A run was closed."""
        if self._since is None:
            self._since = now

    def give_back(self, now: float) -> None:
        """Unless nothing was freed, or only just now."""
        if self._since is not None and now - self._since > WAIT_S:
            self._since = None
            _trim()


def _trim() -> None:
    try:
        trim = ctypes.CDLL(None).malloc_trim if sys.platform == "linux" else None
    except (OSError, AttributeError):  # not glibc
        return
    if trim:
        trim(0)
