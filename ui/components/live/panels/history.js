// The learning curve so far. It grows in place with each frame.

const INITIAL_CAPACITY = 256;

/** Epochs, and six rows: train loss, test loss, train score, test score; with a validation part its loss and its score. */
export class History {
  constructor() {
    this.width = 4; // rows in use
    this.clear();
  }

  clear() {
    this.generation = -1;
    this.count = 0;
    this.epochs = new Int32Array(INITIAL_CAPACITY);
    this.rows = Array.from({ length: 6 }, () => new Float32Array(INITIAL_CAPACITY));
  }

  /** Appends the rows of a frame, or starts again if they do not continue the curve; true if anything changed. */
  take(part, arrays) {
    if (!part) return false;
    const isFresh = part.generation !== this.generation || part.from !== this.count;
    if (isFresh) this.count = 0;
    this.generation = part.generation;
    const length = arrays.history_epoch?.length ?? 0;
    if (part.from !== this.count || length === 0) return isFresh;
    const total = this.count + length;
    if (total > this.epochs.length) this.reserve(total);
    this.epochs.set(arrays.history_epoch, this.count);
    this.width = arrays.history.length / length;
    const used = this.rows.slice(0, this.width);
    used.forEach((row, i) => row.set(arrays.history.subarray(i * length, (i + 1) * length), this.count));
    this.count = total;
    return true;
  }

  reserve(total) {
    const larger = old => {
      const copy = new old.constructor(2 ** Math.ceil(Math.log2(total)));
      copy.set(old);
      return copy;
    };
    this.epochs = larger(this.epochs);
    this.rows = this.rows.map(larger);
  }

  /** [epochs, train, test] as views, and validation if there is such a part. */
  get loss() {
    return this.columns(0, 1, 4);
  }

  get score() {
    return this.columns(2, 3, 5);
  }

  columns(...rows) {
    const used = rows.filter(row => row < this.width).map(row => this.rows[row]);
    return [this.epochs, ...used].map(array => array.subarray(0, this.count));
  }
}

/** Exponentially smoothed values: each keeps `share` of the one before. NaN stays NaN. */
export function smoothed(values, share) {
  let last = NaN;
  return values.map(value => {
    if (Number.isNaN(value)) return value;
    last = Number.isNaN(last) ? value : share * last + (1 - share) * value;
    return last;
  });
}
