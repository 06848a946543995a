/* The operations on maps (H, C, W, N) of engine/network/convolution.py. in: arrays; n: their axes, then the other
   arguments, and for patches the size of the filters. A filter sees K = I size size rows of the maps, each of W N
   numbers, so that no patches are copied.

   Rows of numbers are read and written in vectors. The last vector of a row starts early enough to fit, so it may
   overlap the one before. Only rows shorter than a vector are read one number at a time. */

/* Where the vector for the numbers from `at` on starts: earlier if it would pass the end of the row. */
INLINE int64_t vector_start(int64_t at, int64_t length) {
  return at + LANES <= length || length < LANES ? at : length - LANES;
}
INLINE int vector_count(int64_t length) { return length < LANES ? (int)length : LANES; }
#define ones ((lanes){0} + real(1))
INLINE lanes load(const real *from, int count) {
  lanes vector = {0};
  if (count == LANES) return *(const lanes *)from;
  for (int v = 0; v < count; v++) vector[v] = from[v];
  return vector;
}
INLINE void store(real *to, lanes vector, int count) {
  if (count == LANES) *(lanes *)to = vector;
  else for (int v = 0; v < count; v++) to[v] = vector[v];
}

/* out (H, C, W, N) from samples (N, H W C) */
void maps_of(real *out, const real *const *in, const int *n, real *scratch) {
  const int samples = n[0], height = n[2], width = n[3], channels = n[4];
  for (int h = 0; h < height; h++)
    for (int c = 0; c < channels; c++)
      for (int w = 0; w < width; w++, out += samples)
        for (int i = 0; i < samples; i++) out[i] = in[0][(int64_t)i * n[1] + (h * width + w) * channels + c];
}

static void pad(real *out, const real *x, int height, int inputs, int width, int samples, int border) {
  const int64_t row = (int64_t)width * samples, side = (int64_t)border * samples, wide = row + 2 * side;
  memset(out, 0, (height + 2 * border) * inputs * wide * sizeof(real));
  out += border * inputs * wide + side;
  for (int r = 0; r < height * inputs; r++) memcpy(out + r * wide, x + r * row, row * sizeof(real));
}
void padded(real *out, const real *const *in, const int *n, real *scratch) {
  pad(out, in[0], n[0], n[1], n[2], n[3], n[4]);
}

/* Where the K rows begin that the first output row sees. */
static void find_rows(int64_t *places, int inputs, int width, int samples, int size) {
  for (int c = 0; c < inputs; c++)
    for (int j = 0; j < size; j++)
      for (int i = 0; i < size; i++) *places++ = (((int64_t)i * inputs + c) * width + j) * samples;
}

/* The number of filters, up to a multiple of FILTERS. */
INLINE int whole_groups(int filters) { return (filters + FILTERS - 1) / FILTERS * FILTERS; }
/* `width` vectors of the outputs of up to FILTERS filters. A (K, wide): all filters, and zeros in the last group;
   step: between the outputs of two filters. */
INLINE void filter_span(int width, int count, int filters, int K, const real *A, int wide, const real *x,
                        const int64_t *places, const real *bias, real *z, int64_t step) {
  lanes sums[FILTERS * 3];
#pragma GCC unroll 12
  for (int s = 0; s < FILTERS * width; s++) sums[s] = (lanes){0};
  for (int k = 0; k < K; k++, A += wide)
#pragma GCC unroll 4
    for (int m = 0; m < FILTERS; m++)
#pragma GCC unroll 3
      for (int v = 0; v < width; v++) sums[m * width + v] += A[m] * load(x + places[k] + v * LANES, count);
#pragma GCC unroll 4
  for (int m = 0; m < FILTERS; m++)
    if (m < filters)
#pragma GCC unroll 3
      for (int v = 0; v < width; v++)
        store(z + m * step + v * LANES, sums[m * width + v] + (bias ? bias[m] : 0), count);
}
/* z (rows, O, columns, N) from maps x (.., I, width, N) */
static void filter_rows(int rows, int filters, int inputs, int width, int samples, int size, const real *x,
                        const real *A, const real *bias, real *z) {
  const int K = inputs * size * size, wide = whole_groups(filters);
  const int64_t length = (int64_t)(width - size + 1) * samples, down = (int64_t)inputs * width * samples;
  int64_t places[K];
  find_rows(places, inputs, width, samples, size);
  for (int p = 0; p < rows; p++, x += down, z += filters * length)
    for (int64_t at = 0, vectors; at < length; at += vectors * LANES) {
      vectors = at + 3 * LANES <= length ? 3 : 1;
      const int64_t first = vector_start(at, length);
      for (int o = 0; o < filters; o += FILTERS) {
        const int most = filters - o < FILTERS ? filters - o : FILTERS;
        const real *b = bias ? bias + o : 0;
        real *to = z + o * length + first;
        if (vectors == 3) filter_span(3, LANES, most, K, A + o, wide, x + first, places, b, to, length);
        else if (length >= LANES) filter_span(1, LANES, most, K, A + o, wide, x + first, places, b, to, length);
        else filter_span(1, vector_count(length), most, K, A + o, wide, x + first, places, b, to, length);
      }
    }
}
/* in: patches, filters (O, K), biases (O). scratch (K, wide) */
void convolved(real *out, const real *const *in, const int *n, real *scratch) {
  const int rows = n[0], K = n[1], columns = n[2], samples = n[3], filters = n[4], size = n[7];
  const int wide = whole_groups(filters);
  for (int k = 0; k < K; k++)
    for (int o = 0; o < wide; o++) scratch[k * wide + o] = o < filters ? in[1][o * K + k] : 0;
  filter_rows(rows, filters, K / (size * size), columns + size - 1, samples, size, in[0], scratch, in[2], out);
}
/* in: dz (rows, O, columns, N), filters (O, K). The outputs, in a border of zeros, are convolved the other way round.
   scratch: (O size size, wide) for the I inputs, and the outputs with their border */
void input_gradient(real *out, const real *const *in, const int *n, real *scratch) {
  const int rows = n[0], outputs = n[1], columns = n[2], samples = n[3], K = n[5], size = n[6];
  const int area = size * size, inputs = K / area, wide = whole_groups(inputs);
  const int border = size - 1 - n[7], height = rows + size - 1 - 2 * n[7], width = columns + 2 * border;
  real *A = scratch, *wider = scratch + outputs * area * wide;
  for (int o = 0; o < outputs; o++)
    for (int k = 0; k < area; k++)
      for (int c = 0; c < wide; c++)
        A[(o * area + k) * wide + c] = c < inputs ? in[1][o * K + c * area + area - 1 - k] : 0;
  pad(wider, in[0], rows, outputs, columns, samples, border);
  filter_rows(height, inputs, outputs, width, samples, size, wider, A, 0, out);
}

#ifdef __AVX512F__ /* 32 registers for vectors */
#define GRADIENTS 8
#else
#define GRADIENTS 4
#endif
/* Adds the products of a vector of dz, for each of the outputs, and of x. mask: 1 for the numbers to add, 0 for those
   already added (where infinity becomes NaN) */
INLINE void add_products(int outputs, int taps, int count, const real *dz, int64_t length, const real *x,
                         const int64_t *places, lanes mask, lanes *sums) {
  lanes b[3];
#pragma GCC unroll 3
  for (int k = 0; k < taps; k++) b[k] = load(x + places[k], count) * mask;
#pragma GCC unroll 8
  for (int m = 0; m < outputs; m++) {
    const lanes d = load(dz + m * length, count);
#pragma GCC unroll 3
    for (int k = 0; k < taps; k++) sums[m * taps + k] += d * b[k];
  }
}
/* out (outputs, taps) of (.., K): sums of the products of rows of dz and of x; down: to the next row of outputs */
INLINE void row_products(int outputs, int taps, int rows, int64_t length, const real *dz, int64_t dz_down,
                         const real *x, const int64_t *places, int64_t x_down, real *out, int K) {
  const int64_t whole = length / LANES * LANES, last = vector_start(whole, length);
  const int count = vector_count(length);
  lanes sums[GRADIENTS * 3], not_yet_added;
#pragma GCC unroll 8
  for (int v = 0; v < LANES; v++) not_yet_added[v] = last + v >= whole;
#pragma GCC unroll 24
  for (int s = 0; s < outputs * taps; s++) sums[s] = (lanes){0};
  for (int p = 0; p < rows; p++, dz += dz_down, x += x_down) {
    for (int64_t at = 0; at < whole; at += LANES)
      add_products(outputs, taps, LANES, dz + at, length, x + at, places, ones, sums);
    if (whole < length) add_products(outputs, taps, count, dz + last, length, x + last, places, not_yet_added, sums);
  }
#pragma GCC unroll 24
  for (int s = 0; s < outputs * taps; s++) {
    real sum = 0;
    for (int v = 0; v < LANES; v++) sum += sums[s][v];
    out[s / taps * K + s % taps] = sum;
  }
}
/* in: patches, dz (rows, O, columns, N) */
void filter_gradient(real *out, const real *const *in, const int *n, real *scratch) {
  const int rows = n[0], K = n[1], columns = n[2], samples = n[3], outputs = n[5], size = n[8];
  const int inputs = K / (size * size), width = columns + size - 1;
  const int64_t length = (int64_t)columns * samples, dz_down = outputs * length;
  const int64_t x_down = (int64_t)inputs * width * samples;
  int64_t places[K];
  find_rows(places, inputs, width, samples, size);
  for (int k = 0, taps; k < K; k += taps) {
    taps = K - k >= 3 ? 3 : 1;
    for (int o = 0, most; o < outputs; o += most) {
      most = outputs - o >= GRADIENTS ? GRADIENTS : 1;
      const real *dz = in[1] + o * length, *x = in[0];
      const int64_t *at = places + k;
      real *to = out + o * K + k;
      if (most > 1 && taps > 1) row_products(GRADIENTS, 3, rows, length, dz, dz_down, x, at, x_down, to, K);
      else if (most > 1) row_products(GRADIENTS, 1, rows, length, dz, dz_down, x, at, x_down, to, K);
      else if (taps > 1) row_products(1, 3, rows, length, dz, dz_down, x, at, x_down, to, K);
      else row_products(1, 1, rows, length, dz, dz_down, x, at, x_down, to, K);
    }
  }
}
/* in: dz (rows, O, columns, N) */
void bias_gradient(real *out, const real *const *in, const int *n, real *scratch) {
  const int64_t length = (int64_t)n[2] * n[3];
  for (int o = 0; o < n[1]; o++) {
    real sum = 0;
    for (int p = 0; p < n[0]; p++) {
      const real *dz = in[0] + ((int64_t)p * n[1] + o) * length;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < length; i++) sum += dz[i];
    }
    out[o] = sum;
  }
}

/* The place of the first input of output (r, c, q), whose samples are next to each other. */
INLINE int64_t first_input(int r, int c, int q, const int *n, int size) {
  return (((int64_t)r * size * n[1] + c) * n[2] + q * size) * n[3];
}
/* The places of all inputs of an output, from the first one. */
INLINE void find_corners(int64_t *places, const int *n, int size) {
  for (int i = 0; i < size; i++)
    for (int j = 0; j < size; j++) *places++ = ((int64_t)i * n[1] * n[2] + j) * n[3];
}
INLINE lanes larger_lanes(lanes a, lanes b) { /* each as `larger` of two numbers */
  const words is_a = (words)((a > b) | (a != a));
  return (lanes)((words)a & is_a | (words)b & ~is_a);
}
/* The next two are inlined twice: with a constant `count` for whole vectors, their loops need no branches. */
INLINE void pool_vectors(int count, real *out, const real *const *in, const int *n) {
  const int size = n[4], samples = n[3];
  int64_t corners[size * size];
  find_corners(corners, n, size);
  for (int r = 0; r < n[0] / size; r++)
    for (int c = 0; c < n[1]; c++)
      for (int q = 0; q < n[2] / size; q++, out += samples)
        for (int at = 0; at < samples; at += LANES) {
          const int64_t first = vector_start(at, samples);
          const real *x = in[0] + first_input(r, c, q, n, size) + first;
          lanes maximum = load(x, count);
          for (int k = 1; k < size * size; k++) maximum = larger_lanes(maximum, load(x + corners[k], count));
          store(out + first, maximum, count);
        }
}
/* in: x (H, C, W, N) */
void pooled(real *out, const real *const *in, const int *n, real *scratch) {
  if (n[3] < LANES) pool_vectors(n[3], out, in, n);
  else pool_vectors(LANES, out, in, n);
}
/* The first of equal inputs gets the whole gradient, the last one what is left. */
INLINE void pool_gradient_vectors(int count, real *out, const real *const *in, const int *n) {
  const int size = n[12], samples = n[3], last = size * size - 1;
  const real *y = in[1], *dy = in[2];
  int64_t corners[size * size];
  find_corners(corners, n, size);
  if (n[0] % size || n[2] % size) memset(out, 0, (int64_t)n[0] * n[1] * n[2] * samples * sizeof(real));
  for (int r = 0; r < n[0] / size; r++)
    for (int c = 0; c < n[1]; c++)
      for (int q = 0; q < n[2] / size; q++, y += samples, dy += samples)
        for (int at = 0; at < samples; at += LANES) {
          const int64_t first = vector_start(at, samples), place = first_input(r, c, q, n, size) + first;
          const lanes maximum = load(y + first, count);
          lanes left = load(dy + first, count);
          for (int k = 0; k < last; k++) {
            const lanes x = load(in[0] + place + corners[k], count);
            const lanes dx = left * (lanes)((words)(x == maximum) & (words)ones);
            store(out + place + corners[k], dx, count);
            left -= dx;
          }
          store(out + place + corners[last], left, count);
        }
}
/* in: x (H, C, W, N), y, dy */
void pool_gradient(real *out, const real *const *in, const int *n, real *scratch) {
  if (n[3] < LANES) pool_gradient_vectors(n[3], out, in, n);
  else pool_gradient_vectors(LANES, out, in, n);
}

const Operations operations = {
  .maps_of = maps_of,
  .padded = padded,
  .convolved = convolved,
  .filter_gradient = filter_gradient,
  .bias_gradient = bias_gradient,
  .input_gradient = input_gradient,
  .pooled = pooled,
  .pool_gradient = pool_gradient,
};
