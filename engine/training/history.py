"""The learning curve with a bounded number of points: when it is full, every second one is dropped.

The kept epochs depend only on their numbers, so the same run always has the same curve.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MAX_POINTS = 500  # a screen shows no more, and each costs an evaluation


class History:
    """Rows of (epoch, values...). `generation` changes whenever earlier rows were dropped or replaced.

    dtype: of the values; the precision of the run.
    """

    def __init__(self, columns: int, capacity: int = MAX_POINTS, dtype: Any = np.float32) -> None:
        self.capacity, self.stride, self.count, self.generation = capacity, 1, 0, 0
        self._epochs = np.zeros(capacity + 1, np.int32)
        self._values = np.zeros((columns, capacity + 1), dtype)

    @property
    def epochs(self) -> np.ndarray:
        """(n,) int32"""
        return self._epochs[: self.count]

    @property
    def values(self) -> np.ndarray:
        """(columns, n)"""
        return self._values[:, : self.count]

    def wants(self, epoch: int) -> bool:
        """Whether the curve has a point for this epoch."""
        return epoch % self.stride == 0

    def add(self, epochs: np.ndarray, values: np.ndarray) -> None:
        """Append points (n, columns) at later epochs (n,), in order, without those that are not wanted."""
        while len(wanted := np.flatnonzero(epochs % self.stride == 0)):
            if self.count == self.capacity:
                self.stride *= 2
                kept = np.flatnonzero(self.epochs % self.stride == 0)
                self.replace(self.epochs[kept], self.values[:, kept], self.stride)
                continue
            wanted = wanted[: self.capacity - self.count]
            added = slice(self.count, self.count + len(wanted))
            self._epochs[added], self._values[:, added] = epochs[wanted], values[wanted].T
            self.count, later = added.stop, slice(wanted[-1] + 1, None)
            epochs, values = epochs[later], values[later]

    def replace(self, epochs: np.ndarray, values: np.ndarray, stride: int) -> None:
        """Replace the whole curve: epochs (n,), values (columns, n)."""
        self.count, self.stride = len(epochs), stride
        self._epochs[: self.count], self._values[:, : self.count] = epochs, values
        self.generation += 1

    def cut(self, epoch: int) -> None:
        """Drop everything after an epoch."""
        kept = self.epochs <= epoch
        self.replace(self.epochs[kept], self.values[:, kept], self.stride)

    def clear(self) -> None:
        """Drop everything."""
        self.replace(self.epochs[:0], self.values[:, :0], 1)
