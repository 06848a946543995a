"""Operations on maps as C functions, for people to read; engine/network/convolution.py has the formulas."""

from __future__ import annotations

from typing import NamedTuple


class MapFunction(NamedTuple):
    """sizes: which of an operation's sizes are its arguments, after the arrays; note: the comment before a call."""

    sizes: tuple[int, ...]
    note: str
    text: str


OPENING = """
/* Maps have four axes (H, C, W, N): rows, channels, columns and samples. A filter has K = C size size weights. */
typedef real number; /* `real (` would expand the macro */
"""
MAP_FUNCTIONS = {
    "maps_of": MapFunction(
        (0, 2, 3, 4), "{0} ({3}, {5}, {4}, {2}) = {1} as maps", """
/* Samples (N, H W C) as maps. */
static void maps_of(void *maps, const void *samples, int N, int H, int W, int C) {
  number (*y)[C][W][N] = maps;
  const number (*x)[H][W][C] = samples;
  for (int h = 0; h < H; h++)
    for (int c = 0; c < C; c++)
      for (int w = 0; w < W; w++)
        for (int n = 0; n < N; n++) y[h][c][w][n] = x[n][h][w][c];
}
"""),
    "convolved": MapFunction(
        (0, 1, 2, 3, 4, 7), "{0} ({4}, {8}, {6}, {7}) = {1} convolved with {2} ({8}, {5}), + {3}", """
/* A convolution: z (rows, O, columns, N) from maps, filters A (O, K) and biases b (O). */
static void convolved(void *out, const void *maps, const real *A, const real *b, int rows, int K, int columns, int N,
                      int O, int size) {
  int C = K / (size * size), W = columns + size - 1;
  number (*z)[O][columns][N] = out;
  const number (*x)[C][W][N] = maps;
  for (int p = 0; p < rows; p++)
    for (int o = 0; o < O; o++)
      for (int q = 0; q < columns; q++) {
        for (int n = 0; n < N; n++) z[p][o][q][n] = b[o];
        for (int c = 0; c < C; c++)
          for (int j = 0; j < size; j++)
            for (int i = 0; i < size; i++) {
              real weight = A[o * K + (c * size + j) * size + i];
              for (int n = 0; n < N; n++) z[p][o][q][n] += weight * x[p + i][c][q + j][n];
            }
      }
}
"""),
    "filter_gradient": MapFunction(
        (0, 1, 2, 3, 5, 8), "{0} ({7}, {4}) = the gradient of the filters, from {1} and {2} ({3}, {7}, {5}, {6})", """
/* The gradient dA (O, K) of the filters, from maps and the gradient dz (rows, O, columns, N). */
static void filter_gradient(real *dA, const void *maps, const void *gradient, int rows, int K, int columns, int N,
                            int O, int size) {
  int C = K / (size * size), W = columns + size - 1;
  const number (*x)[C][W][N] = maps, (*dz)[O][columns][N] = gradient;
  for (int o = 0; o < O; o++)
    for (int c = 0; c < C; c++)
      for (int j = 0; j < size; j++)
        for (int i = 0; i < size; i++) {
          real sum = 0;
          for (int p = 0; p < rows; p++)
            for (int q = 0; q < columns; q++)
              for (int n = 0; n < N; n++) sum += dz[p][o][q][n] * x[p + i][c][q + j][n];
          dA[o * K + (c * size + j) * size + i] = sum;
        }
}
"""),
    "bias_gradient": MapFunction(
        (0, 1, 2, 3), "{0} ({3}) = the gradient of the biases, from {1}", """
/* The gradient db (O) of the biases. */
static void bias_gradient(real *db, const void *gradient, int rows, int O, int columns, int N) {
  const number (*dz)[O][columns][N] = gradient;
  for (int o = 0; o < O; o++) {
    db[o] = 0;
    for (int p = 0; p < rows; p++)
      for (int q = 0; q < columns; q++)
        for (int n = 0; n < N; n++) db[o] += dz[p][o][q][n];
  }
}
"""),
    "input_gradient": MapFunction(
        (0, 1, 2, 3, 5, 6), "{0} = the gradient of the inputs, from {1} ({3}, {4}, {5}, {6}) and {2} ({4}, {7})", """
/* The gradient of the inputs: each output passes its own on to all inputs that it has seen. */
static void input_gradient(void *out, const void *gradient, const real *A, int rows, int O, int columns, int N, int K,
                           int size) {
  int C = K / (size * size), H = rows + size - 1, W = columns + size - 1;
  number (*dx)[C][W][N] = out;
  const number (*dz)[O][columns][N] = gradient;
  for (int k = 0; k < H * C * W * N; k++) ((real *)out)[k] = 0;
  for (int p = 0; p < rows; p++)
    for (int o = 0; o < O; o++)
      for (int q = 0; q < columns; q++)
        for (int c = 0; c < C; c++)
          for (int j = 0; j < size; j++)
            for (int i = 0; i < size; i++) {
              real weight = A[o * K + (c * size + j) * size + i];
              for (int n = 0; n < N; n++) dx[p + i][c][q + j][n] += weight * dz[p][o][q][n];
            }
}
"""),
    "pooled": MapFunction(
        (0, 1, 2, 3, 4), "{0} = the maxima of squares of {6} x {6} in {1} ({2}, {3}, {4}, {5})", """
/* The maximum of each square of size x size inputs. */
static void pooled(void *out, const void *maps, int H, int C, int W, int N, int size) {
  number (*y)[C][W / size][N] = out;
  const number (*x)[C][W][N] = maps;
  for (int r = 0; r < H / size; r++)
    for (int c = 0; c < C; c++)
      for (int q = 0; q < W / size; q++)
        for (int n = 0; n < N; n++) {
          real most = x[r * size][c][q * size][n];
          for (int k = 1; k < size * size; k++) most = larger(most, x[r * size + k / size][c][q * size + k % size][n]);
          y[r][c][q][n] = most;
        }
}
"""),
    "pool_gradient": MapFunction(
        (0, 1, 2, 3, 12), "{0} ({4}, {5}, {6}, {7}) = the gradient {3} of the maxima, where {1} has them", """
/* The gradient of the inputs: the first of equal maxima gets that of the output. */
static void pool_gradient(void *out, const void *maps, const void *maxima, const void *gradient, int H, int C, int W,
                          int N, int size) {
  number (*dx)[C][W][N] = out;
  const number (*x)[C][W][N] = maps, (*y)[C][W / size][N] = maxima, (*dy)[C][W / size][N] = gradient;
  for (int k = 0; k < H * C * W * N; k++) ((real *)out)[k] = 0;
  for (int r = 0; r < H / size; r++)
    for (int c = 0; c < C; c++)
      for (int q = 0; q < W / size; q++)
        for (int n = 0; n < N; n++) {
          int k = 0;
          while (k < size * size - 1 && x[r * size + k / size][c][q * size + k % size][n] != y[r][c][q][n]) k++;
          dx[r * size + k / size][c][q * size + k % size][n] = dy[r][c][q][n];
        }
}
"""),
}  # fmt: skip
