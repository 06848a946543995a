"""The interface between fused operations and the language that their kernels are written in."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np


class Launch(NamedTuple):
    """A kernel, its number of blocks and its arguments: arrays on the device, 32-bit sizes."""

    source: str
    name: str
    blocks: int
    arguments: tuple


class Tiling(NamedTuple):
    """How a matrix product is divided: into blocks, and its depth into `parts` of `part_depth` each.

    in_memory: whether its parts are stored and then added up by a kernel of their own.
    """

    tile: Any  # a type of the target
    blocks: int  # for each part
    parts: int
    part_depth: int
    in_memory: bool


class Target(Protocol):
    """Writes the text of kernels in C. In the given lines `real` is the floating-point type.

    The prelude defines larger, smaller, side and above (see ELEMENTWISE in engine/lowering/sketch.py).
    """

    PRODUCT_SIZES: str  # declaration of the sizes of a product: M, N, K, steps in memory, ones, part_depth
    SUMS_IN_PRODUCTS: bool  # whether a product can have rows of ones, which sum up the columns of its second factor
    ROWS_IN_PRODUCTS: bool  # whether a product into memory can add a row, such as a bias, to each of its own
    INLINE_LITERALS: Container[float] | None  # constants written into the text; others are parameters; None: all

    def prelude(self, dtype: np.dtype, /) -> str:
        """The start of every kernel."""
        ...

    def blocks(self, count: int, /) -> int:
        """Number of blocks of a kernel over `count` elements."""
        ...

    def each(self, name: str, parameters: str, body: list[str], index: str, columns: str, /) -> str:
        """A kernel that runs the body for each of `count` elements t, or rows i.

        columns: the number of columns if the body uses the row i and column j of an element t.
        """
        ...

    def total(self, parameters: str, body: list[str], value: str, shape: tuple[int, int], whole: bool, /) -> str:
        """A kernel of sums of a value of this shape: over the `count` rows i of each of the `width` columns j, or all.

        Its first parameters are `out`, `count` and `width`.
        """
        ...

    def tiling(self, rows: int, columns: int, depth: int, /) -> Tiling:
        """How to divide a product (rows, depth) @ (depth, columns)."""
        ...

    def product(self, tiling: Tiling, parameters: str, read: Sequence[str], body: list[str] | None, /) -> str:
        """A kernel of sum over k of A[m, k] B[k, n] that runs the body for each element `acc` at row i, column j.

        Without a body it stores its parts in memory, in the array `parts`, after adding the array `row` if it has one.
        """
        ...
