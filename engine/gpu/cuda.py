"""The CUDA C++ of a step's kernels. fusion.py fills in what an element is and where it goes; sizes come as arguments.

Every kernel is written for one dimension of blocks and threads. `real` is the kind of number. The first of `numbers`
tells where those of the present step stand among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

THREADS = 256  # of a block
BLOCKS = 1024  # at most, of a kernel whose threads go round again
DEPTH = 16  # of the strips that a product goes through
SIDE = 16  # threads along each side of a tile


class Launch(NamedTuple):
    """A kernel and what it is given: arrays, 32-bit sizes."""

    source: str
    name: str
    blocks: int
    arguments: tuple


class Tile(NamedTuple):
    """What one block of a product computes: SIDE x SIDE threads with so many rows and columns each."""

    rows: int
    columns: int

    @property
    def height(self) -> int:
        return SIDE * self.rows

    @property
    def width(self) -> int:
        return SIDE * self.columns


def prelude(dtype: np.dtype) -> str:
    """What every kernel begins with. NaN goes through as in NumPy, so that a run that has diverged is found out."""
    return f"""typedef {"double" if dtype == np.float64 else "float"} real;
static __device__ inline real larger(real a, real b) {{ return a > b || a != a ? a : b; }}
static __device__ inline real smaller(real a, real b) {{ return a < b || a != a ? a : b; }}
static __device__ inline real side(real a) {{ return a > 0 ? real(1) : a < 0 ? real(-1) : a; }}
static __device__ inline real above(real a, real b) {{ return a > 0 ? real(1) : a < 0 ? real(0) : a == 0 ? b : a; }}
"""


def each(name: str, parameters: str, body: list[str], index: str) -> str:
    """A thread for every one of `count` elements t, or rows i."""
    return f"""extern "C" __global__ void {name}({parameters}) {{
  for (int {index} = blockIdx.x * blockDim.x + threadIdx.x; {index} < count; {index} += gridDim.x * blockDim.x) {{
{_indented(body, 4)}
  }}
}}
"""


def total(parameters: str, body: list[str], value: str) -> str:
    """A block for every sum: its threads add up every 256th of `count` elements k, then each other's sums."""
    return f"""extern "C" __global__ void total({parameters}) {{
  __shared__ real sums[{THREADS}];
  real sum = 0;
  for (int k = threadIdx.x; k < count; k += {THREADS}) {{
{_indented(body, 4)}
    sum += {value};
  }}
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (int half = {THREADS // 2}; half; half /= 2) {{
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }}
  if (threadIdx.x == 0) out[blockIdx.x] = sums[0];
}}
"""


PRODUCT = "int M, int N, int K, int am, int ak, int bk, int bn, int ones, int depth"


def product(tile: Tile, parameters: str, read: Sequence[str], body: list[str]) -> str:
    """sum over k of A[m, k] B[k, n], tile by tile, each in strips through shared memory; then the body, once for each.

    read: how an element of A and of B is read; am, ak, bk, bn: steps in memory along an axis. ones: a row of A from
    which on it is all ones, which sums up B. depth: how much of K one block goes through; the body finds the number of
    its `part`, the place (i, j) and `acc`.
    """
    rows, columns, height, width = *tile, tile.height, tile.width
    a, b = read[0].format("(m0 + m) * am + (k0 + k) * ak"), read[1].format("(k0 + k) * bk + (n0 + n) * bn")
    return f"""extern "C" __global__ void product({parameters}) {{
  __shared__ real a[{DEPTH}][{height + 1}], b[{DEPTH}][{width + 1}];
  int across = (N + {width - 1}) / {width}, tiles = (M + {height - 1}) / {height} * across;
  int tile = blockIdx.x % tiles, part = blockIdx.x / tiles, m0 = tile / across * {height}, n0 = tile % across * {width};
  int row = threadIdx.x / {SIDE}, column = threadIdx.x % {SIDE}, end = (part + 1) * depth < K ? (part + 1) * depth : K;
  real sums[{rows}][{columns}] = {{}};
  for (int k0 = part * depth; k0 < end; k0 += {DEPTH}) {{
    for (int e = threadIdx.x; e < {height * DEPTH}; e += {THREADS}) {{
      int m = ak == 1 ? e / {DEPTH} : e % {height}, k = ak == 1 ? e % {DEPTH} : e / {height};
      bool inside = m0 + m < M && k0 + k < end;
      a[k][m] = !inside ? real(0) : m0 + m >= ones ? real(1) : {a};
    }}
    for (int e = threadIdx.x; e < {width * DEPTH}; e += {THREADS}) {{
      int n = bn == 1 ? e % {width} : e / {DEPTH}, k = bn == 1 ? e / {width} : e % {DEPTH};
      b[k][n] = n0 + n < N && k0 + k < end ? {b} : real(0);
    }}
    __syncthreads();
    for (int k = 0; k < {DEPTH}; k++)
      for (int u = 0; u < {rows}; u++)
        for (int v = 0; v < {columns}; v++) sums[u][v] += a[k][row + u * {SIDE}] * b[k][column + v * {SIDE}];
    __syncthreads();
  }}
  for (int u = 0; u < {rows}; u++)
    for (int v = 0; v < {columns}; v++) {{
      int i = m0 + row + u * {SIDE}, j = n0 + column + v * {SIDE}, t = i * N + j;
      if (i >= M || j >= N) continue;
      real acc = sums[u][v];
{_indented(body, 6)}
    }}
}}
"""


def gather(kind: str) -> str:
    """The samples of a step, of this kind of number, and their targets: by their positions in the whole, which begin at
    the first of the step's numbers."""
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

KEEP = """extern "C" __global__ void keep(const real *now, real *rows, int *count, int most) {
  if (threadIdx.x == 0) {
    for (int k = 0; k < 4; k++) rows[count[0] % most * 4 + k] = now[k];
    count[0] += 1;
  }
}
"""


def _indented(lines: list[str], spaces: int) -> str:
    return "\n".join(f"{' ' * spaces}{line}" for line in lines)
