"""File descriptors: each visitor takes five, and macOS gives a process 256 unless it asks for more."""

from __future__ import annotations

import os
from typing import NamedTuple

ENOUGH = 65_536  # thousands of visitors; some systems have no hard limit
SCARCE = 0.8  # of the limit


class Descriptors(NamedTuple):
    open: int
    limit: int  # 0: unknown

    @property
    def scarce(self) -> bool:
        return bool(self.limit) and self.open > SCARCE * self.limit


def raise_limit() -> int:
    """Allow this process as many as the system lets it have; returns the limit, 0 where it cannot be known."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return 0 if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS allows less than it says
        return soft
    return wanted


def descriptors(limit: int) -> Descriptors:
    """How many are open now."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return Descriptors(len(os.listdir(folder)), limit)
        except OSError:
            continue
    return Descriptors(0, 0)
