"""The C of a step's kernels; implements engine.lowering.target.Target.

Every kernel is a function that the compiler inlines into its one call, so sizes that are constants there are constants
in its loops; those on maps call the functions of convolution.c. `omp simd` states that the elements of a loop do not
depend on each other, which is how kernels are made; no OpenMP library is involved. Nothing else may reorder sums, so a
program has the same result for the same batch in any call.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import cache
from math import factorial, log

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

from engine.lowering.target import Tiling

BLAS_MIN_MULTIPLY_ADDS = 1 << 15  # of a product; smaller ones are faster as loops
ON_MAPS = "operations->"  # before the name of an operation on maps
FILTERS = 4  # of a convolution that are applied together
PRODUCT_SIZES: str = "int M, int N, int K, int am, int ak, int bk, int bn, int ones, int depth"
SUMS_IN_PRODUCTS: bool = False
ROWS_IN_PRODUCTS: bool = True
INLINE_LITERALS: Container[float] | None = (0.0, 1.0, -1.0)  # others may depend on the batch size or be changed
INLINE = "static inline __attribute__((always_inline))"


def prelude(dtype: np.dtype) -> str:
    """Nothing: the program has one for all kernels; see `definitions`."""
    return ""


def blocks(count: int) -> int:
    return 1


def each(name: str, parameters: str, body: list[str], index: str, columns: str) -> str:
    """A loop over `count` elements t, row by row if the body uses their place, or over rows i."""
    if index == "i":
        return _function(name, parameters, ["for (int i = 0; i < count; i++) {", *body, "}"])
    if not columns:
        return _function(name, parameters, [SIMD, "for (int t = 0; t < count; t++) {", *body, "}"])
    loops = [
        f"for (int i = 0; i < count / {columns}; i++) {{",
        SIMD,
        f"for (int j = 0; j < {columns}; j++) {{",
        f"int t = i * {columns} + j;",
    ]
    return _function(name, parameters, [*loops, *body, "}", "}"])


def total(parameters: str, body: list[str], value: str, shape: tuple[int, int], whole: bool) -> str:
    """Loops that add up a value, along rows that are next to each other in memory."""
    if not whole:
        lines = [
            "for (int j = 0; j < width; j++) out[j] = 0;",
            "for (int i = 0; i < count; i++) {",
            SIMD,
            *("for (int j = 0; j < width; j++) {", *body, f"out[j] += {value};", "}", "}"),
        ]
        return _function("total", parameters, lines)
    rows, columns = "for (int i = 0; i < count; i++) {", "for (int j = 0; j < width; j++) {"
    adding = f'{SIMD[:-2]} reduction(+ : sum)")'
    loops = [adding, rows, "const int j = 0;"] if shape[1] == 1 else [rows, adding, columns]
    ends = ["}"] if shape[1] == 1 else ["}", "}"]
    lines = ["real sum = 0;", *loops, *body, f"sum += {value};", *ends, "out[0] = sum;"]
    return _function("total", parameters, lines)


def tiling(rows: int, columns: int, depth: int) -> Tiling:
    return Tiling(None, 1, 1, depth, in_memory=True)


def product(tiling: Tiling, parameters: str, read: Sequence[str], body: list[str] | None) -> str:
    """A product into memory, by NumPy's BLAS, by loops, or of the terms that are not zero where these are few."""
    row = "row" if parameters.endswith("*row") else "0"
    return _function("product", parameters, [f"multiply(M, N, K, A, am, ak, B, bk, bn, {row}, parts);"])


def operation(name: str, parameters: str, arrays: Sequence[str], sizes: Sequence[str]) -> str:
    """An operation on whole arrays, from convolution.c."""
    lines = [
        f"const real *in[] = {{{', '.join(arrays)}}};",
        f"const int n[] = {{{', '.join(sizes)}}};",
        f"{ON_MAPS}{name}(out, in, n, scratch);",
    ]
    return _function("operation", parameters, lines)


def _function(name: str, parameters: str, lines: list[str]) -> str:
    return "\n".join([f"{INLINE} void {name}({parameters}) {{", *lines, "}\n"])


SIMD = '_Pragma("omp simd")'


# What every program begins with --------------------------------------------------------------------------------------


def types(dtype: np.dtype) -> str:
    """The types of the numbers of a network, and of the tables of its kernels."""
    single = dtype == np.float32
    words = {
        "REAL": "float" if single else "double", "BITS": f"uint{32 if single else 64}_t", "FILTERS": str(FILTERS),
        "BLAS_MIN": str(BLAS_MIN_MULTIPLY_ADDS),
    }  # fmt: skip
    return _filled(TYPES, words)


@cache
def definitions(dtype: np.dtype) -> str:
    """Types, functions of numbers and products. NaN propagates as in NumPy, so that a divergence is noticed."""
    single = dtype == np.float32
    mantissa, bias = (23, 127) if single else (52, 1023)
    terms, powers = 6 if single else 12, range(1, 20)
    words = {
        "ROUND": f"{1.5 * 2**mantissa!r}", "MANTISSA": str(mantissa), "BIAS": str(bias),
        "LOWEST": "-104.0" if single else "-746.0", "HIGHEST": "89.0" if single else "710.0",
        "LOG2_HIGH": "0.693359375" if single else "6.93147180369123816490e-01",
        "LOG2_LOW": "-2.12194440e-4" if single else "1.90821492927058770002e-10",
        "ONE_ULP": f"{2.0**mantissa!r}", "ONE_ULP_BITS": f"(bits){mantissa + bias} << {mantissa}",
        "EXPM1": _polynomial("r", [1 / factorial(k) for k in powers], (-log(2) / 2, log(2) / 2), terms),
        "POWERS": _polynomial("f", [log(2) ** k / factorial(k) for k in powers], (-0.5, 0.5), terms),
        "ARTANH": _polynomial("g", [1 / (2 * k - 1) for k in powers], (0, 0.03), 4 if single else 8),
        "SUFFIX": "f" if single else "",
    }  # fmt: skip
    return types(dtype) + _filled(DEFINITIONS, words)


def _polynomial(variable: str, series: Sequence[float], limits: tuple[float, float], terms: int) -> str:
    """A power series, economized: fewer terms, and an error spread almost evenly between the limits."""
    economized = Polynomial(series).convert(kind=Chebyshev, domain=limits).truncate(terms)
    coefficients = economized.convert(kind=Polynomial).coef.tolist()
    return f" + {variable} * (".join(f"real({c!r})" for c in coefficients) + ")" * (terms - 1)


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"${word}$", value)
    return text


TYPES = """#include <stdint.h> /* reading math.h and string.h takes a fiftieth of the time of compiling */
#define memcpy __builtin_memcpy
#define memset __builtin_memset
#define INLINE static inline __attribute__((always_inline))
#define SHARED static __attribute__((noinline)) /* equal layers share it, which saves half of the time of compiling */
/* gcc copies products for each width (-fipa-cp-clone). Others inline them into calls, which equal layers share. */
#ifdef __clang__
#define COPIED INLINE
#define PRODUCT_CALL SHARED
#else
#define COPIED SHARED
#define PRODUCT_CALL INLINE
#endif
#define TABLES void *const *p, const int *n, const double *c
typedef $REAL$ real;
typedef $BITS$ bits;
#define real(x) ((real)(x))
#define LANES (32 / (int)sizeof(real))
#define FILTERS $FILTERS$
#define BLAS_MIN $BLAS_MIN$ /* multiply-adds of a product */
typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef bits words __attribute__((vector_size(LANES * sizeof(bits)), aligned(sizeof(bits)), may_alias));
INLINE real larger(real a, real b) { return a > b || a != a ? a : b; }

/* C (M, N) = A (M, K) B (K, N) + row (N), unless that is 0; am, ak, bk, bn: steps in memory. */
typedef void product(int M, int N, int K, const real *A, int am, int ak, const real *B, int bk, int bn, const real *row,
                     real *C);
/* out: the result; in: the arguments; n: their sizes */
typedef void operation(real *out, const real *const *in, const int *n, real *scratch);
typedef struct {
  operation *maps_of, *padded, *convolved, *filter_gradient, *bias_gradient, *input_gradient, *pooled, *pool_gradient;
} Operations;
"""
DEFINITIONS = r"""
#define fabs __builtin_fabs$SUFFIX$
#define copysign __builtin_copysign$SUFFIX$
INLINE real smaller(real a, real b) { return a < b || a != a ? a : b; }
INLINE real side(real a) { return a > 0 ? real(1) : a < 0 ? real(-1) : a; }
INLINE real above(real a, real b) { return a > 0 ? real(1) : a < 0 ? real(0) : a == 0 ? b : a; }

/* 2^n for a whole number n. Adding ROUND leaves n in the lowest bits. */
INLINE real power_of_2(real n) {
  union { real number; bits word; } u = {n + real($ROUND$)};
  u.word = (u.word + $BIAS$) << $MANTISSA$;
  return u.number;
}
INLINE real rounded(real x) { return (x + real($ROUND$)) - real($ROUND$); }

/* x = n log 2 + r, with |r| <= log 2 / 2. Returns n; *s becomes e^r - 1. */
INLINE real reduced(real x, real *s) {
  real n = rounded(x * real(1.4426950408889634)), r = (x - n * real($LOG2_HIGH$)) - n * real($LOG2_LOW$);
  *s = r * ($EXPM1$);
  return n;
}
INLINE real between(real low, real x, real high) {
  x = high < x ? high : x;
  return low > x ? low : x;
}
INLINE real exp_of(real x) {
  real s, n = reduced(between(real($LOWEST$), x, real($HIGHEST$)), &s), half = rounded(n * real(0.5));
  real a = power_of_2(half), b = power_of_2(n - half); /* two factors, because 2^n may overflow alone */
  return (s * a + a) * b;
}
/* Uses 2^t = e^(2 |x|). Rounding t hardly matters: where t is large, tanh is flat. */
INLINE real tanh_of(real x) {
  real t = fabs(x) * real(2.8853900817779268), n, f, a, e;
  t = 60 < t ? 60 : t;
  n = rounded(t), f = t - n, a = power_of_2(n);
  e = f * ($POWERS$) * a + (a - 1); /* 2^t - 1, without loss near 0 */
  return copysign(e / (e + 2), x);
}

#define infinity __builtin_inf$SUFFIX$()
/* x = 2^n m with m around 1, and log m = 2 artanh f with f = (m - 1) / (m + 1). */
INLINE real log_of(real x) {
  union { real number; bits word; } u = {x}, v;
  v.word = (u.word >> $MANTISSA$) | $ONE_ULP_BITS$; /* 2^MANTISSA and the exponent in its lowest bits */
  u.word = (u.word & (((bits)1 << $MANTISSA$) - 1)) | (bits)$BIAS$ << $MANTISSA$;
  real n = v.number - real($ONE_ULP$) - $BIAS$, m = u.number;
  n = m > real(1.4142135623730951) ? n + 1 : n;
  m = m > real(1.4142135623730951) ? m * real(0.5) : m;
  real f = (m - 1) / (m + 1), g = f * f;
  real y = n * real($LOG2_HIGH$) + (n * real($LOG2_LOW$) + 2 * f * ($ARTANH$));
  y = x > 0 ? y : x == 0 ? -infinity : infinity - infinity; /* one by one: `&&` would prevent vectors */
  return x < infinity ? y : x;
}
INLINE real log1p_of(real x) {
  real u = x + 1;
  return log_of(u) + (u < infinity ? (x - (u - 1)) / u : 0); /* what the sum has lost */
}
#define exp exp_of
#define log log_of
#define log1p log1p_of
#define tanh tanh_of
#define sqrt __builtin_sqrt$SUFFIX$
#define sin __builtin_sin$SUFFIX$
#define cos __builtin_cos$SUFFIX$

static product *shared_product; /* in runtime.c */
static const Operations *operations; /* in convolution.c; 0 for a network without maps */
void use_runtime(product *given, const Operations *on_maps) { shared_product = given, operations = on_maps; }

/* Products of `rows` rows of A and LANES columns of B, added to LANES numbers of the row, or to zeros if it is null. */
INLINE void sums_of(int rows, int K, const real *A, int am, int ak, const real *B, int wide,
                    const real *row, lanes *sums) {
#pragma GCC unroll 4
  for (int m = 0; m < rows; m++) sums[m] = row ? *(const lanes *)row : (lanes){0};
  for (int k = 0; k < K; k++) {
    lanes b = *(const lanes *)(B + k * wide);
#pragma GCC unroll 4
    for (int m = 0; m < rows; m++) sums[m] += A[m * am + k * ak] * b;
  }
}
/* B and row have N columns, or more of zeros up to a multiple of LANES, in rows of `wide`. */
INLINE void rows_of_product(int rows, int N, int K, const real *A, int am, int ak, const real *B, int wide,
                            const real *row, real *C) {
  lanes sums[4];
  int j = 0;
  for (; j + LANES <= N; j += LANES) {
    sums_of(rows, K, A, am, ak, B + j, wide, row ? row + j : 0, sums);
#pragma GCC unroll 4
    for (int m = 0; m < rows; m++) *(lanes *)(C + m * N + j) = sums[m];
  }
  if (j == N) return;
  sums_of(rows, K, A, am, ak, B + j, wide, row ? row + j : 0, sums);
#pragma GCC unroll 4
  for (int m = 0; m < rows; m++)
    for (int v = 0; j + v < N; v++) C[m * N + j + v] = sums[m][v];
}
/* Copies N numbers and adds zeros up to `wide`. */
INLINE void copy_padded(real *to, int wide, const real *from, int N, int step) {
  for (int n = 0; n < N; n++) to[n] = from[n * step];
  for (int n = N; n < wide; n++) to[n] = 0;
}
COPIED void small_product(int M, int N, int K, const real *A, int am, int ak, const real *B, int bk, int bn,
                          const real *row, real *C) {
  int wide = (N + LANES - 1) / LANES * LANES, is_whole = bn == 1 && N == wide;
  real copy[is_whole ? 1 : (K + 1) * wide];
  if (!is_whole) {
    for (int k = 0; k < K; k++) copy_padded(copy + k * wide, wide, B + k * bk, N, bn);
    B = copy, bk = wide;
    if (row) {
      copy_padded(copy + K * wide, wide, row, N, 1);
      row = copy + K * wide;
    }
  }
  int m = 0;
  for (; m + 4 <= M; m += 4) rows_of_product(4, N, K, A + m * am, am, ak, B, bk, row, C + m * N);
  for (; m < M; m++) rows_of_product(1, N, K, A + m * am, am, ak, B, bk, row, C + m * N);
}
INLINE void multiply(int M, int N, int K, const real *A, int am, int ak, const real *B, int bk, int bn, const real *row,
                     real *C) {
  int is_large = (int64_t)M * N * K >= BLAS_MIN || K * LANES >= BLAS_MIN; /* copies of deep ones would fill the stack */
  if (N == 1 && am == 1 && !row && !is_large) small_product(1, M, K, B, bn, bk, A, ak, am, 0, C);
  else if (N == 1 || is_large) shared_product(M, N, K, A, am, ak, B, bk, bn, row, C);
  else small_product(M, N, K, A, am, ak, B, bk, bn, row, C);
}
"""
