// The big map: decision regions on one canvas, axes and examples on a second one above it that changes rarely.
import { Picture, build, placeAt, placeIn, setText, sharpContext } from './dom.js';
import { legendRows } from './legend.js';
import { MAP_MARGIN, Sprites, drawAxes, drawWrong, mapScale } from './marks.js';
import { mapColors } from './palette.js';

const MARKS_PERIOD = 200; // ms between two changes of crosses and lit examples while it trains
const FADED = 0.13; // opacity of the examples that a chosen cell of the confusion matrix does not mean

/** The map with its axes, examples and legend. Holds what it last showed, so that a new theme or size only redraws. */
export class Stage {
  constructor() {
    this.map = build('canvas', 'live-map-colors');
    this.marks = build('canvas', 'live-map-marks');
    this.map.setAttribute('aria-hidden', 'true');
    this.marks.setAttribute('role', 'img');
    this.picture = new Picture(this.map);
    this.tip = build('div', 'live-tip');
    this.tip.hidden = true;
    this.square = build('div', 'live-map', this.map, this.marks, this.tip);
    this.legend = build('div', 'live-legend');
    this.element = build('div', 'live-stage-map', this.square, this.legend);
    this.options = { show_test: true, show_wrong: false, discretize: false };
    this.plane = this.bytes = this.points = this.theme = this.cell = this.drawn = null;
    this.answers = {};
    this.unit = '';
    this.classes = [];
    this.markedAt = -Infinity;
    this.observer = new ResizeObserver(() => this.drawMarks());
    this.observer.observe(this.square);
    this.square.addEventListener('pointermove', event => this.hover(event));
    this.square.addEventListener('pointerleave', () => this.pointOut());
  }

  setTheme(theme) {
    this.theme = theme;
    this.redraw();
  }

  setOptions(options) {
    this.options = options;
    this.redraw();
  }

  /** Takes what a frame brought: points (N, 2) with labels (N) after a rebuild, what is wrong, which class was read. */
  take(header, arrays, now) {
    if (arrays.points_train) {
      this.points = arrays;
      this.answers = {};
      this.classes = header.classes;
      this.numbers = header.class_numbers; // of drawn points: what each class was called on the pad
      this.plane = header.plane;
      this.sprites = null;
      this.redraw();
    }
    if (!arrays.wrong && !arrays.test_prediction) return;
    this.answers = arrays;
    const due = header.status !== 'running' || now - this.markedAt >= MARKS_PERIOD;
    if (due && (this.cell || this.options.show_wrong)) {
      this.markedAt = now;
      this.drawMarks();
    }
  }

  /** bytes (G, G), encoding 'value' or 'class'; unit: what they show instead of the output, or ''. */
  show(bytes, encoding, unit) {
    const anew = encoding !== this.encoding || unit !== this.unit;
    Object.assign(this, { bytes, encoding, unit });
    if (anew) this.recolor();
    this.drawMap();
  }

  /** Lights the test examples of a class [truth, read]; null: all of them again. */
  light(cell) {
    this.cell = cell;
    this.drawMarks();
  }

  /** Shows these points [[x, y, class], ...] instead of the frame's; null: the frame's again. */
  draw(points) {
    this.drawn = points;
    this.drawMarks();
  }

  redraw() {
    if (!this.plane || !this.theme) return;
    this.sprites = null;
    this.recolor();
    if (this.bytes) this.drawMap();
    this.drawMarks();
  }

  recolor() {
    if (!this.plane || !this.theme) return;
    this.encoding ??= this.plane.encoding;
    const { classes, theme, encoding, options, unit } = this;
    this.colors = mapColors(encoding, theme.name, options.discretize);
    const { colors } = this;
    this.legend.replaceChildren(...legendRows({ classes, theme, colors, encoding, options, unit }));
  }

  /** One canvas pixel a cell; the compositor scales it to the screen, smoothly and at any pixel ratio. */
  drawMap() {
    if (!this.colors) return;
    const side = Math.round(Math.sqrt(this.bytes.length));
    this.picture.paint(this.bytes, side, side, this.colors);
  }

  get scale() {
    return mapScale(this.square.clientWidth, this.plane.extent);
  }

  drawMarks() {
    const side = this.square.clientWidth;
    if (!this.plane || !this.theme || !side) return;
    const context = sharpContext(this.marks, side, side);
    const scale = this.scale;
    drawAxes(context, scale, this.plane.extent, this.theme);
    context.beginPath();
    context.rect(MAP_MARGIN.left, MAP_MARGIN.top, scale.span, scale.span);
    context.clip();
    this.radius = Math.max(3.2, Math.min(4, side / 100));
    this.sprites ??= new Sprites(this.theme, this.radius, this.drawn !== null || this.classes.length > 0);
    if (this.drawn) {
      for (const [x, y, label] of this.drawn) this.sprites.draw(context, scale.across(x), scale.up(y), label, false);
    } else if (this.points) {
      const { points_train, labels_train, points_test, labels_test } = this.points;
      const { train_prediction, wrong_train, test_prediction, wrong } = this.answers;
      this.drawExamples(context, scale, { points: points_train, labels: labels_train, read: train_prediction, wrong: wrong_train, hollow: false });
      const test = { points: points_test, labels: labels_test, read: test_prediction, wrong, hollow: true };
      if (points_test && (this.options.show_test || this.cell)) this.drawExamples(context, scale, test);
    }
  }

  drawExamples(context, scale, { points, labels, read, wrong, hollow }) {
    for (let i = 0; i < labels.length; i++) {
      const [x, y] = [scale.across(points[2 * i]), scale.up(points[2 * i + 1])];
      const lit = !this.cell || (hollow && labels[i] === this.cell[0] && read?.[i] === this.cell[1]);
      context.globalAlpha = lit ? 1 : FADED;
      this.sprites.draw(context, x, y, labels[i], hollow);
      if (lit && this.options.show_wrong && wrong?.[i]) drawWrong(context, x, y, this.radius);
    }
    context.globalAlpha = 1;
  }

  // -- reading a value off the map

  hover(event) {
    if (!this.plane || !this.bytes || this.drawn || event.buttons) {
      this.pointOut();
      return;
    }
    const [left, top] = placeIn(this.square, event);
    const [x, y] = this.scale.back(left, top);
    this.tip.hidden = !this.scale.holds(x, y);
    if (this.tip.hidden) return;
    this.at = [x, y];
    this.tellValue();
    placeAt(this.tip, Math.min(left + 12, this.square.clientWidth - 168), top > 60 ? top - 46 : top + 16);
  }

  tellValue() {
    const [x, y] = this.at;
    const number = value => value.toFixed(2).replace('-', '\u2212');
    setText(this.tip, `x1 ${number(x)}, x2 ${number(y)}\n${this.valueAt(x, y)}`);
  }

  /** What the map says at a point, in words. */
  valueAt(x, y) {
    const side = Math.round(Math.sqrt(this.bytes.length));
    const [low, high] = this.plane.extent;
    const cell = value => Math.max(0, Math.min(side - 1, Math.floor((value - low) / (high - low) * side)));
    const byte = this.bytes[(side - 1 - cell(y)) * side + cell(x)];
    const { classes } = this;
    const value = (byte - 128) / 127;
    const percent = share => `${Math.round(100 * Math.max(0, Math.min(1, share)))} %`;
    if (this.encoding === 'class') {
      const chance = 1 / classes.length;
      return `${classes[byte >> 5]}, ${percent(chance + (byte & 31) / 31 * (1 - chance))} sure`;
    }
    if (this.unit || classes.length !== 2) return `${this.unit || 'output'} ${value.toFixed(2).replace('-', '\u2212')}`;
    return `${classes[value < 0 ? 0 : 1]}, ${percent((1 + Math.abs(value)) / 2)} sure`;
  }

  pointOut() {
    this.tip.hidden = true;
  }

  /** What the map shows now, in one sentence. */
  describe(header) {
    const what = this.unit || (this.classes.length ? `the regions of ${this.classes.join(', ')}` : 'the predicted value');
    this.marks.setAttribute('aria-label', `Map of ${what} over x1 and x2, after ${header.epoch} epochs.`);
  }

  close() {
    this.observer.disconnect();
  }
}
