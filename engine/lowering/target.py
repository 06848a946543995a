"""The interface between fused operations and the language that their kernels are written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np


class Launch(NamedTuple):
    """A kernel and its arguments: arrays of the device, 32-bit sizes. blocks: how often it runs side by side."""

    source: str
    name: str
    blocks: int
    arguments: tuple


class Tiling(NamedTuple):
    """How the work of a matrix product is divided: into blocks, and its depth into `parts` of `part_depth` each."""

    tile: Any  # of the target's own
    blocks: int  # for each part
    parts: int
    part_depth: int


class Target(Protocol):
    """Writes the text of kernels in C. In the lines that it is given `real` is the kind of number.

    The prelude defines larger, smaller, side and above (see ELEMENTWISE in engine/lowering/sketch.py).
    """

    PRODUCT_SIZES: str  # declaration of the sizes of a product: M, N, K, steps in memory, ones, part_depth

    def prelude(self, dtype: np.dtype, /) -> str:
        """What every kernel starts with."""
        ...

    def blocks(self, count: int, /) -> int:
        """Blocks of a kernel over so many elements."""
        ...

    def each(self, name: str, parameters: str, body: list[str], index: str, /) -> str:
        """The body once for each of `count` elements t, or rows i."""
        ...

    def total(self, parameters: str, body: list[str], value: str, /) -> str:
        """A block for each sum: the value added up over `count` elements k."""
        ...

    def tiling(self, rows: int, columns: int, depth: int, /) -> Tiling:
        """How to divide a product (rows, depth) @ (depth, columns)."""
        ...

    def product(self, tiling: Tiling, parameters: str, read: Sequence[str], body: list[str], /) -> str:
        """sum over k of A[m, k] B[k, n], then the body once for each element `acc` at row i and column j."""
        ...
