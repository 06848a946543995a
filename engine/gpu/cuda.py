"""The CUDA C++ of a step's kernels; implements engine.lowering.target.Target. Sizes are arguments of the kernels.

Every kernel has one dimension of blocks and threads. `real` is the floating-point type. `numbers[0]` is the index of
the current step's first number.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

import numpy as np

from engine.backend import BLOCK_THREADS
from engine.lowering.target import Tiling

MAX_BLOCKS = 1024  # of a kernel whose threads loop over more elements
STRIP_DEPTH = 16  # of the strips that a product is computed in
TILE_SIDE = 16  # threads along each side of a tile
ENOUGH_BLOCKS = 256  # to keep a card busy; a product with fewer tiles is divided along its depth
MIN_PART_DEPTH = 4 * STRIP_DEPTH  # of such a division


class Tile(NamedTuple):
    """Elements that one block of a product computes: TILE_SIDE x TILE_SIDE threads with `rows` x `columns` each."""

    rows: int
    columns: int

    @property
    def height(self) -> int:
        return TILE_SIDE * self.rows

    @property
    def width(self) -> int:
        return TILE_SIDE * self.columns


def prelude(dtype: np.dtype) -> str:
    """The start of every kernel. NaN propagates as in NumPy, so that a divergence is noticed."""
    return f"""typedef {"double" if dtype == np.float64 else "float"} real;
static __device__ inline real larger(real a, real b) {{ return a > b || a != a ? a : b; }}
static __device__ inline real smaller(real a, real b) {{ return a < b || a != a ? a : b; }}
static __device__ inline real side(real a) {{ return a > 0 ? real(1) : a < 0 ? real(-1) : a; }}
static __device__ inline real above(real a, real b) {{ return a > 0 ? real(1) : a < 0 ? real(0) : a == 0 ? b : a; }}
"""


def blocks(count: int) -> int:
    """Number of blocks of a kernel with one thread for each of `count` elements."""
    return max(1, min(MAX_BLOCKS, -(-count // BLOCK_THREADS)))


def each(name: str, parameters: str, body: list[str], index: str, columns: str = "") -> str:
    """A kernel with one thread for each of `count` elements t, or rows i."""
    body = [f"int i = t / {columns}, j = t % {columns};", *body] if columns else body
    return f"""extern "C" __global__ void {name}({parameters}) {{
  for (int {index} = blockIdx.x * blockDim.x + threadIdx.x; {index} < count; {index} += gridDim.x * blockDim.x) {{
{_indented(body, 4)}
  }}
}}
"""


def total(parameters: str, body: list[str], value: str, shape: tuple[int, int], whole: bool) -> str:
    """A kernel with one block for each sum: its threads add up every 256th of its elements k, then their sums."""
    place = "int i = k / width, j = k % width;" if whole else "int i = k, j = blockIdx.x;"
    return f"""extern "C" __global__ void total({parameters}) {{
  __shared__ real sums[{BLOCK_THREADS}];
  real sum = 0;
  for (int k = threadIdx.x; k < count{" * width" if whole else ""}; k += {BLOCK_THREADS}) {{
{_indented([place, *body], 4)}
    sum += {value};
  }}
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (int half = {BLOCK_THREADS // 2}; half; half /= 2) {{
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }}
  if (threadIdx.x == 0) out[blockIdx.x] = sums[0];
}}
"""


PRODUCT_SIZES: str = "int M, int N, int K, int am, int ak, int bk, int bn, int ones, int depth"
SUMS_IN_PRODUCTS: bool = True
ROWS_IN_PRODUCTS: bool = False
INLINE_LITERALS: Container[float] | None = None  # all of them


def tiling(rows: int, columns: int, depth: int) -> Tiling:
    """Tiles of a product (rows, depth) @ (depth, columns). The depth is divided if there are few tiles."""
    tile = Tile(*(4 if length > 2 * TILE_SIDE else 1 for length in (rows, columns)))
    tiles = -(-rows // tile.height) * -(-columns // tile.width)
    part = -(-depth // max(1, min(depth // MIN_PART_DEPTH, ENOUGH_BLOCKS // tiles)))
    parts = -(-depth // part)
    return Tiling(tile, tiles, parts, part, in_memory=parts > 1)


def product(tiling: Tiling, parameters: str, read: Sequence[str], body: list[str] | None) -> str:
    """A kernel of sum over k of A[m, k] B[k, n], tile by tile, in strips through shared memory; then the body.

    read: expressions for an element of A and of B; am, ak, bk, bn: strides along the axes. ones: rows of A from this
    index are all ones, which sums up B. depth: part of K that one block computes. The body runs for each element and
    may use the number of its `part`, the position (i, j) and the sum `acc`.
    """
    tile, side, strip = tiling.tile, TILE_SIDE, STRIP_DEPTH
    rows, columns, height, width = *tile, tile.height, tile.width
    a, b = read[0].format("(m0 + m) * am + (k0 + k) * ak"), read[1].format("(k0 + k) * bk + (n0 + n) * bn")
    return f"""extern "C" __global__ void product({parameters}) {{
  __shared__ real a[{strip}][{height + 1}], b[{strip}][{width + 1}];
  int across = (N + {width - 1}) / {width}, tiles = (M + {height - 1}) / {height} * across;
  int tile = blockIdx.x % tiles, part = blockIdx.x / tiles, m0 = tile / across * {height}, n0 = tile % across * {width};
  int row = threadIdx.x / {side}, column = threadIdx.x % {side}, end = (part + 1) * depth < K ? (part + 1) * depth : K;
  real sums[{rows}][{columns}] = {{}};
  for (int k0 = part * depth; k0 < end; k0 += {strip}) {{
    for (int e = threadIdx.x; e < {height * strip}; e += {BLOCK_THREADS}) {{
      int m = ak == 1 ? e / {strip} : e % {height}, k = ak == 1 ? e % {strip} : e / {height};
      bool inside = m0 + m < M && k0 + k < end;
      a[k][m] = !inside ? real(0) : m0 + m >= ones ? real(1) : {a};
    }}
    for (int e = threadIdx.x; e < {width * strip}; e += {BLOCK_THREADS}) {{
      int n = bn == 1 ? e % {width} : e / {strip}, k = bn == 1 ? e / {width} : e % {strip};
      b[k][n] = n0 + n < N && k0 + k < end ? {b} : real(0);
    }}
    __syncthreads();
    for (int k = 0; k < {strip}; k++)
      for (int u = 0; u < {rows}; u++)
        for (int v = 0; v < {columns}; v++) sums[u][v] += a[k][row + u * {side}] * b[k][column + v * {side}];
    __syncthreads();
  }}
  for (int u = 0; u < {rows}; u++)
    for (int v = 0; v < {columns}; v++) {{
      int i = m0 + row + u * {side}, j = n0 + column + v * {side}, t = i * N + j;
      if (i >= M || j >= N) continue;
      real acc = sums[u][v];
{_indented(body or ["parts[part * M * N + t] = acc;"], 6)}
    }}
}}
"""


def gather(kind: str) -> str:
    """A kernel that copies the samples of a step, of this C type, and their targets.

    The first number of the step is the index of the first sample in `positions`.
    """
    return GATHER.replace("kind", kind)


GATHER = """extern "C" __global__ void gather(const kind *inputs, const real *targets, const long long *positions,
    const double *numbers, kind *x, real *y, int wide, int narrow, int size) {
  const long long *from = positions + (long long)numbers[(int)numbers[0]];
  for (int t = blockIdx.x * blockDim.x + threadIdx.x; t < size * (wide + narrow); t += gridDim.x * blockDim.x) {
    int u = t - size * wide;
    if (u < 0) x[t] = inputs[from[t / wide] * wide + t % wide];
    else y[u] = targets[from[u / narrow] * narrow + u % narrow];
  }
}
"""

ADVANCE = """extern "C" __global__ void advance(double *numbers, int width) {
  if (threadIdx.x == 0) numbers[0] += width;
}
"""

KEEP = """extern "C" __global__ void keep(const real *now, real *rows, int *count, int most, int width) {
  if (threadIdx.x == 0) {
    for (int k = 0; k < width; k++) rows[count[0] % most * width + k] = now[k];
    count[0] += 1;
  }
}
"""


def _indented(lines: list[str], spaces: int) -> str:
    return "\n".join(f"{' ' * spaces}{line}" for line in lines)
