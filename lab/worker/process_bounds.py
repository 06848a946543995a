"""What a process that trains leaves to the others of its machine."""

from __future__ import annotations

import os

NICENESS = 10  # a hundred pupils on two cores: 3.2 frames a second instead of 2.0


def bound_memory(megabytes: float) -> None:
    """From here on the system refuses more; NumPy raises MemoryError, which ends one run and not the process.

    RLIMIT_DATA counts what is written to. RLIMIT_AS would count what is only reserved: a GPU's driver reserves more
    than any machine has.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    if megabytes:
        resource.setrlimit(resource.RLIMIT_DATA, (int(megabytes * 1e6), int(megabytes * 1e6)))


def lower_priority(niceness: int = NICENESS) -> None:
    """Where cores are few the server comes first: it answers everybody within moments, training takes what is left."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(niceness)
