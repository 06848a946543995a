"""The simulated card behind the fake CuPy: its memory, its counters, and the functions of `cupy.cuda`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory.OutOfMemoryError."""


class StreamCaptureError(RuntimeError):
    """CUDA's error for an operation that cannot be part of a graph."""

    status = 900


class Card:
    """Memory and counters of the simulated card. `capturing`: the kernels of a graph that is being recorded."""

    def __init__(self) -> None:
        self.memory = 1 << 40
        self.reset()

    def reset(self) -> None:
        self.launches = self.waits = self.allocations = self.used = self.graphs = 0
        self.pool: defaultdict[int, int] = defaultdict(int)
        self.capturing: list[Callable[[], None]] | None = None
        self.invalidated = False

    def launch(self, kernel: Callable[[], None] | None = None) -> None:
        """Run a kernel or, during capture, record it. Only kernels from source can be recorded."""
        if self.capturing is None:
            self.launches += 1
            if kernel:
                kernel()
        elif kernel:
            self.capturing.append(kernel)
        else:
            self.refuse_in_capture("what CuPy computes by itself may allocate or call cuBLAS, which")

    def wait(self) -> None:
        self.refuse_in_capture("waiting for the device")
        self.waits += 1

    def refuse_in_capture(self, what: str) -> None:
        """An operation that invalidates a capture, as on a card."""
        if self.capturing is not None:
            self.invalidated = True
            raise StreamCaptureError(f"{what} cannot be part of a graph")

    def take(self, size: int) -> None:
        self.refuse_in_capture("allocating memory")
        if self.pool[size]:
            self.pool[size] -= 1
            return
        if self.used + size > self.memory:
            raise OutOfMemoryError(f"Out of memory allocating {size} bytes")
        self.used += size
        self.allocations += 1


CARD = Card()


class Memory:
    """A block of the card's memory, which returns to the pool with its last array."""

    size = 0  # until the copy is done

    def __init__(self, size: int) -> None:
        CARD.take(size)
        self.size = size

    def __del__(self) -> None:
        CARD.pool[self.size] += 1


class _Pinned(bytearray):
    """Host memory that the card reads directly."""


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


class Graph:
    """Kernels that are launched together, with the arguments at the time of recording."""

    def __init__(self, kernels: list[Callable[[], None]]) -> None:
        self.kernels = kernels

    def launch(self, stream: Any = None) -> None:
        CARD.refuse_in_capture("a graph")
        CARD.graphs += 1
        for kernel in self.kernels:
            kernel()


class _Stream:
    """Capture is allowed only on a separate stream that is the current one."""

    current: _Stream | None = None

    def __init__(self, non_blocking: bool = False) -> None:
        self.non_blocking = non_blocking

    def __enter__(self) -> None:
        _Stream.current = self

    def __exit__(self, *_: Any) -> None:
        _Stream.current = None

    def begin_capture(self) -> None:
        assert self.non_blocking
        assert _Stream.current is self
        assert CARD.capturing is None
        CARD.capturing, CARD.invalidated = [], False

    def end_capture(self) -> Graph:
        kernels, CARD.capturing = CARD.capturing, None
        if CARD.invalidated or kernels is None:
            raise StreamCaptureError("cudaErrorStreamCaptureInvalidated")
        return Graph(kernels)


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
    Stream=_Stream,
    alloc_pinned_memory=_Pinned,
    get_current_stream=lambda: SimpleNamespace(synchronize=CARD.wait),
    runtime=SimpleNamespace(memGetInfo=lambda: (CARD.memory - CARD.used, CARD.memory)),
)


def get_default_memory_pool() -> SimpleNamespace:
    return SimpleNamespace(free_all_blocks=_give_back, free_bytes=lambda: sum(s * n for s, n in CARD.pool.items()))


def _give_back() -> None:
    CARD.used -= sum(size * count for size, count in CARD.pool.items())
    CARD.pool.clear()
