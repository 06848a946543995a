"""The graphics card behind the stand-in for CuPy: its memory, what it counts, and what is asked of it by name."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import numpy as np


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory.OutOfMemoryError."""


class Card:
    """What the pretended card has and has done."""

    def __init__(self) -> None:
        self.memory = 1 << 40
        self.reset()

    def reset(self) -> None:
        self.launches = self.waits = self.allocations = self.used = 0
        self.pool: defaultdict[int, int] = defaultdict(int)

    def take(self, size: int) -> None:
        if self.pool[size]:
            self.pool[size] -= 1
            return
        if self.used + size > self.memory:
            raise OutOfMemoryError(f"Out of memory allocating {size} bytes")
        self.used += size
        self.allocations += 1


CARD = Card()


class Memory:
    """A piece of the card's memory; it goes back to the pool with the last array on it."""

    size = 0  # until it has been taken

    def __init__(self, size: int) -> None:
        CARD.take(size)
        self.size = size

    def __del__(self) -> None:
        CARD.pool[self.size] += 1


class _Pinned(bytearray):
    """Host memory that the card reads by itself."""


def stands_on_pinned(array: np.ndarray) -> bool:
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(getattr(base, "obj", base), _Pinned)


class _Event:
    def __init__(self, disable_timing: bool = False) -> None:
        pass

    def synchronize(self) -> None:
        pass

    def record(self) -> None:
        pass


def _wait() -> None:
    CARD.waits += 1


class _Device:
    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass


cuda = SimpleNamespace(
    Device=_Device,
    Event=_Event,
    alloc_pinned_memory=_Pinned,
    get_current_stream=lambda: SimpleNamespace(synchronize=_wait),
    runtime=SimpleNamespace(memGetInfo=lambda: (CARD.memory - CARD.used, CARD.memory)),
)


def get_default_memory_pool() -> SimpleNamespace:
    return SimpleNamespace(free_all_blocks=_give_back, free_bytes=lambda: sum(s * n for s, n in CARD.pool.items()))


def _give_back() -> None:
    CARD.used -= sum(size * count for size, count in CARD.pool.items())
    CARD.pool.clear()
