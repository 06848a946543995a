/* What is the same for all networks, compiled once for each type of numbers: large products and columns, and the loops
   over steps, parts and blocks that call the kernels of a network. engine/c/language.py has the types. */

typedef void blas(int, int, int, int64_t, int64_t, int64_t, real, const real *, int64_t, const real *, int64_t, real,
                  real *, int64_t);
static blas *gemm;
void use_blas(blas *product) { gemm = product; }

/* Products with few terms that are not zero: C (M, N) = A (M, K) B (K, N) + row (N), unless that is 0 -------------- */

#define SPAN (8 * LANES)
#define LISTED 64 /* rows of A whose terms are listed at a time */
#define CACHE_BYTES (1 << 17) /* of B, well below the size of a second-level cache */
/* Whether at most a quarter of A is not zero, as in pictures and behind dropout. */
static int is_sparse(int M, int K, const real *A, int am, int ak) {
  int rows = ak == 1 ? M : K, columns = ak == 1 ? K : M, step = ak == 1 ? am : ak, count = 0;
  for (int i = 0; i < rows; i++) {
#pragma omp simd reduction(+ : count)
    for (int j = 0; j < columns; j++) count += A[i * step + j] != 0;
  }
  return count <= rows * columns / 4;
}
/* Adds the terms that are not zero to the initial row (0: to nothing), `width` vectors of columns at a time; the last
   ones perhaps twice. A weight that is not finite only counts where its input is not zero. */
INLINE void row_of_terms(int width, const uint16_t *terms, int count, int N, const real *A, int ak, const real *B,
                         int bk, const real *initial, real *C) {
  int span = width * LANES;
  for (int j = 0; j < N; j += span) {
    int first = j + span < N ? j : N - span;
    lanes sums[16];
#pragma GCC unroll 16
    for (int v = 0; v < width; v++) sums[v] = initial ? *(const lanes *)(initial + first + v * LANES) : (lanes){0};
    for (int i = 0; i < count; i++) {
      const real a = A[terms[i] * ak], *b = B + terms[i] * bk + first;
#pragma GCC unroll 16
      for (int v = 0; v < width; v++) sums[v] += a * *(const lanes *)(b + v * LANES);
    }
#pragma GCC unroll 16
    for (int v = 0; v < width; v++) *(lanes *)(C + first + v * LANES) = sums[v];
  }
}
/* Whether numbers are zero is noted in the bits of words: a branch for each number would be mispredicted too often. */
#define WORD_BITS (8 * (int)sizeof(bits))
/* Sets this bit of each word whose number is not zero; A: LANES numbers. The shift drops the sign of -0. */
INLINE words with_bit(words found, int bit, const real *A) {
  return found | ((words)(*(const words *)A << 1 != 0) & (words){0} + ((bits)1 << bit));
}
/* Appends the places of the bits: first, first + step, ... */
INLINE int append(uint16_t *terms, int count, bits found, int first, int step) {
  for (; found; found &= found - 1) terms[count++] = first + step * __builtin_ctzll(found);
  return count;
}
/* Lists, for each of `rows` rows of A, the places of the terms that are not zero. */
INLINE void list_terms(int rows, int K, const real *A, int am, int ak, uint16_t *terms, int *counts) {
  for (int r = 0; r < rows; r++) counts[r] = 0;
  if (ak == 1)
    for (int r = 0; r < rows; r++, A += am, terms += K) {
      int k = 0;
      while (k + LANES <= K) {
        int first = k;
        words found = {0};
        for (int bit = 0; bit < WORD_BITS && k + LANES <= K; bit++, k += LANES) found = with_bit(found, bit, A + k);
        for (int lane = 0; lane < LANES; lane++) counts[r] = append(terms, counts[r], found[lane], first + lane, LANES);
      }
      for (; k < K; k++) counts[r] = append(terms, counts[r], A[k] != 0, k, 1);
    }
  else
    for (int k = 0; k < K; k += WORD_BITS) {
      int r = 0, most = K - k < WORD_BITS ? K - k : WORD_BITS;
      const real *a = A + k * ak;
      for (; r + LANES <= rows; r += LANES) {
        words found = {0};
        for (int bit = 0; bit < most; bit++) found = with_bit(found, bit, a + bit * ak + r);
        for (int lane = 0; lane < LANES; lane++)
          counts[r + lane] = append(terms + (r + lane) * K, counts[r + lane], found[lane], k, 1);
      }
      for (; r < rows; r++)
        for (int bit = 0; bit < most; bit++)
          counts[r] = append(terms + r * K, counts[r], a[bit * ak + r] != 0, k + bit, 1);
    }
}
/* A block of rows of B at a time, which stays in the second-level cache while all rows of A use it. */
static void sparse(int M, int N, int K, const real *A, int am, int ak, const real *B, int bk, const real *row,
                   real *C) {
  int width = N < 2 * SPAN ? 8 : 16, most = CACHE_BYTES / (N * (int)sizeof(real));
  int is_cut = K > most && most > 0 && N % (width * LANES) == 0; /* overlapping columns cannot continue from C */
  int block = is_cut ? most : K;
  uint16_t terms[LISTED * block];
  int counts[LISTED];
  for (int k = 0; k < K; k += block)
    for (int m = 0; m < M; m += LISTED) {
      int rows = M - m < LISTED ? M - m : LISTED, depth = K - k < block ? K - k : block;
      const real *a = A + m * am + k * ak, *b = B + k * bk;
      list_terms(rows, depth, a, am, ak, terms, counts);
      for (int r = 0; r < rows; r++, a += am) {
        real *c = C + (m + r) * N;
        const real *initial = k ? c : row;
        if (width == 8) row_of_terms(8, terms + r * depth, counts[r], N, a, ak, b, bk, initial, c);
        else row_of_terms(16, terms + r * depth, counts[r], N, a, ak, b, bk, initial, c);
      }
    }
}

/* Columns: C (M) = A (M, K) B (K) + row (1), unless that is 0 ------------------------------------------------------ */

#if defined __AVX__ && !defined __clang__ /* elsewhere these shuffles are missing or slow */
#define HAS_SHORT_DOTS
/* Adds lanes that are `step` apart: those of a in the places whose number lacks this bit, those of b in the others. */
INLINE lanes pair_sums(lanes a, lanes b, bits step) {
  words place, of_b;
#pragma GCC unroll 8
  for (int lane = 0; lane < LANES; lane++) place[lane] = lane;
  of_b = (words)((place & step) != 0) & LANES - step;
  return __builtin_shuffle(a, b, place + of_b) + __builtin_shuffle(a, b, place + of_b + step);
}
/* LANES dot products of LANES terms each. */
INLINE void short_dots(const real *A, int am, const real *B, const real *row, real *C) {
  lanes sums[LANES];
#pragma GCC unroll 8
  for (int m = 0; m < LANES; m++) sums[m] = *(const lanes *)(A + m * am) * *(const lanes *)B;
#pragma GCC unroll 3
  for (int level = 0; 1 << level < LANES; level++)
#pragma GCC unroll 4
    for (int m = 0; m < LANES >> level + 1; m++) sums[m] = pair_sums(sums[2 * m], sums[2 * m + 1], 1 << level);
  *(lanes *)C = sums[0] + (row ? row[0] : real(0));
}
#endif
INLINE void dots(int rows, int K, const real *A, int am, int ak, const real *B, int bk, const real *row, real *C) {
  real sums[4] = {0};
  for (int k = 0; k < K; k++) {
    __asm__(""); /* sums in vectors would lose their fused multiply-adds */
#pragma GCC unroll 4
    for (int m = 0; m < rows; m++) sums[m] += A[m * am + k * ak] * B[k * bk];
  }
#pragma GCC unroll 4
  for (int m = 0; m < rows; m++) C[m] = row ? sums[m] + row[0] : sums[m];
}
static void column(int M, int K, const real *A, int am, int ak, const real *B, int bk, const real *row, real *C) {
  int m = 0;
#ifdef HAS_SHORT_DOTS
  if (K == LANES && ak == 1 && bk == 1)
    for (; m + LANES <= M; m += LANES) short_dots(A + m * am, am, B, row, C + m);
#endif
  for (; m + 4 <= M; m += 4) dots(4, K, A + m * am, am, ak, B, bk, row, C + m);
  for (; m < M; m++) dots(1, K, A + m * am, am, ak, B, bk, row, C + m);
}

/* Products that programs share: columns and large ones ------------------------------------------------------------- */

/* The steps between rows; what a single row has there means nothing, but BLAS refuses less than the row's length. */
INLINE int length(int rows, int step, int columns) { return rows > 1 ? step : columns; }
void shared_product(int M, int N, int K, const real *A, int am, int ak, const real *B, int bk, int bn, const real *row,
                    real *C) {
  if (N == 1 && (int64_t)M * K < BLAS_MIN) {
    column(M, K, A, am, ak, B, bk, row, C);
    return;
  }
  if (bn == 1 && N >= SPAN && K >= 16 && K <= 2048 && is_sparse(M, K, A, am, ak)) { /* lists fit on the stack */
    sparse(M, N, K, A, am, ak, B, bk, row, C);
    return;
  }
  gemm(101, ak == 1 ? 111 : 112, bn == 1 ? 111 : 112, M, N, K, 1, A, ak == 1 ? length(M, am, K) : length(K, ak, M), B,
       bn == 1 ? length(K, bk, N) : length(N, bn, K), 0, C, N); /* 101: by rows; 111: as it is; 112: transposed */
  for (int m = 0; row && m < M; m++)
    for (int n = 0; n < N; n++) C[m * N + n] += row[n];
}

/* Steps and evaluations -------------------------------------------------------------------------------------------- */

/* The kernels of a step or an evaluation, and the tables in which they look up addresses, sizes and literals. */
typedef struct { void (*call)(TABLES); void **p; const int *n; const double *c; } Kernels;
/* An address in a table that is another one for each block. first: of the first sample. */
typedef struct { int64_t place; char *first; int64_t width; } Moving;

/* Outputs of layers, block by block. A sample may be in two blocks: it depends on others only in how it is rounded. */
void forward_blocks(const Kernels *forward, int64_t samples, int64_t size, const Moving *moving, int64_t count) {
  for (int64_t done = 0; done < samples; done += size) {
    int64_t first = done < samples - size ? done : samples - size;
    for (const Moving *m = moving; m < moving + count; m++) forward->p[m->place] = m->first + first * m->width;
    forward->call(forward->p, forward->n, forward->c);
  }
}

/* width, targets: numbers of a sample and of its targets; numbers: that may change with each step */
typedef struct {
  Kernels step;
  int64_t size, width, targets, noise_size, numbers;
  real *x, *t, *noise;
  double *row;
} Batch;
/* units: columns of z; 0 for a regression, whose z has the predicted values */
typedef struct {
  Kernels evaluation;
  int64_t size, units;
  const real *z, *loss;
  const double *labels;
  Kernels forward; /* if there is a block: what computes z */
  const Moving *moving;
  int64_t moved, block;
} Part;

/* The number of correctly classified samples, or the sum of the squared errors. */
static double score_of(const Part *part) {
  const real *z = part->z;
  double sum = 0;
  int64_t correct = 0;
  for (int64_t i = 0; i < part->size; i++) {
    const double label = part->labels[i];
    if (part->units == 0) sum += (z[i] - label) * (z[i] - label);
    else if (part->units == 1) correct += (z[i] > 0) == label;
    else {
      const real *row = z + i * part->units;
      int best = 0;
      for (int j = 1; j < part->units; j++) if (row[j] > row[best]) best = j;
      correct += best == label;
    }
  }
  return sum + correct;
}

/* Loss and score of each part. */
void evaluate_parts(const Part *parts, int64_t count, double *scores) {
  for (const Part *part = parts; part < parts + count; part++, scores += 2) {
    if (part->block) forward_blocks(&part->forward, part->size, part->block, part->moving, part->moved);
    part->evaluation.call(part->evaluation.p, part->evaluation.n, part->evaluation.c);
    scores[0] = part->loss[0];
    scores[1] = score_of(part);
  }
}

#define MAX_SHORT_COPY 16 /* numbers, such as those of a point: a call of memcpy takes longer than to copy them */
INLINE void copy(real *to, const real *from, int64_t count) {
  if (count > MAX_SHORT_COPY) memcpy(to, from, count * sizeof(real));
  else for (int64_t k = 0; k < count; k++) {
    __asm__(""); /* or the compiler makes it a call of memcpy */
    to[k] = from[k];
  }
}

#define AHEAD 8 /* samples that are prefetched */
/* Steps on the samples in order. kinds: which batch each step is, plus 128 if the parts are evaluated after it. */
void run(const Batch *batches, const uint8_t *kinds, int64_t steps, const real *inputs, const real *targets,
         const int64_t *order, const double *numbers, const real *noise, const Part *parts, int64_t count,
         double *scores) {
  for (int64_t step_number = 0; step_number < steps; step_number++) {
    const Batch *batch = batches + kinds[step_number] % 128;
    if (batch->x != inputs)
      for (int64_t i = 0; i < batch->size; i++) {
        if (batch->width > MAX_SHORT_COPY && i + AHEAD < batch->size) { /* hide the latency of memory */
          __builtin_prefetch(inputs + order[i + AHEAD] * batch->width);
          __builtin_prefetch(targets + order[i + AHEAD] * batch->targets);
        }
        copy(batch->x + i * batch->width, inputs + order[i] * batch->width, batch->width);
        copy(batch->t + i * batch->targets, targets + order[i] * batch->targets, batch->targets);
      }
    order += batch->size;
    copy(batch->noise, noise, batch->noise_size);
    noise += batch->noise_size;
    for (int64_t k = 0; k < batch->numbers; k++) batch->row[1 + k] = *numbers++;
    batch->step.call(batch->step.p, batch->step.n, batch->step.c);
    if (kinds[step_number] >= 128) {
      evaluate_parts(parts, count, scores);
      scores += 2 * count;
    }
  }
}

/* As numpy.random.Generator.permutation. A number with as many bits as i is drawn again while it is above
   i, without a branch, which no processor could predict. */
void permute(void *state, uint32_t (*next)(void *), int64_t *order, int64_t count, int64_t samples) {
  for (; count--; order += samples) {
    for (int64_t i = 0; i < samples; i++) order[i] = i;
    for (int64_t i = samples - 1, mask = 1; i > 0; mask = 1) {
      while (mask < i) mask = 2 * mask + 1;
      do {
        int64_t drawn = next(state) & mask, is_kept = drawn <= i, j = is_kept ? drawn : i, moved = order[j];
        order[j] = order[i];
        order[i] = moved;
        i -= is_kept;
      } while (i > mask / 2);
    }
  }
}
