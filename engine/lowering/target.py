"""The interface between fused operations and the language that their kernels are written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np


class Launch(NamedTuple):
    """A kernel, its number of blocks and its arguments: arrays on the device, 32-bit sizes."""

    source: str
    name: str
    blocks: int
    arguments: tuple


class Tiling(NamedTuple):
    """How a matrix product is divided: into blocks, and its depth into `parts` of `part_depth` each."""

    tile: Any  # a type of the target
    blocks: int  # for each part
    parts: int
    part_depth: int


class Target(Protocol):
    """Writes the text of kernels in C. In the given lines `real` is the floating-point type.

    The prelude defines larger, smaller, side and above (see ELEMENTWISE in engine/lowering/sketch.py).
    """

    PRODUCT_SIZES: str  # declaration of the sizes of a product: M, N, K, steps in memory, ones, part_depth

    def prelude(self, dtype: np.dtype, /) -> str:
        """The start of every kernel."""
        ...

    def blocks(self, count: int, /) -> int:
        """Number of blocks of a kernel over `count` elements."""
        ...

    def each(self, name: str, parameters: str, body: list[str], index: str, /) -> str:
        """A kernel that runs the body for each of `count` elements t, or rows i."""
        ...

    def total(self, parameters: str, body: list[str], value: str, /) -> str:
        """A kernel with one block for each sum of the value over `count` elements k."""
        ...

    def tiling(self, rows: int, columns: int, depth: int, /) -> Tiling:
        """How to divide a product (rows, depth) @ (depth, columns)."""
        ...

    def product(self, tiling: Tiling, parameters: str, read: Sequence[str], body: list[str], /) -> str:
        """A kernel of sum over k of A[m, k] B[k, n] that runs the body for each element `acc` at row i, column j."""
        ...
