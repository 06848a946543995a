// The map: decision regions on one canvas; axes and examples on a second one above it, which changes rarely.
import { BytePicture, build, placeAt, placeIn, setText, sharpContext } from '../../shared/dom.js';
import { legendRows } from './legend.js';
import { MAP_MARGIN, Sprites, drawAxes, drawnParts, mapScale, marksErrors, setMapMargins } from './marks.js';
import { classOfByte, mapColors, valueOfByte } from '../../shared/palette.js';
import { STATUSES } from '../../shared/protocol.js';
import { counted, withMinus } from '../../shared/format.js';

const MARKS_PERIOD_MS = 200; // between changes of rings and highlighted examples during training
const FADED = 0.13; // opacity of examples outside the pressed cell of the confusion matrix

/** The map with its axes, examples and legend. It keeps what it last showed, so that a new theme or size only redraws. */
export class DecisionMap {
  constructor() {
    this.map = build('canvas', 'live-map-colors');
    this.marks = build('canvas', 'live-map-marks');
    this.map.setAttribute('aria-hidden', 'true');
    this.marks.setAttribute('role', 'img');
    this.picture = new BytePicture(this.map);
    this.tip = build('div', 'live-tip');
    this.tip.hidden = true;
    this.square = build('div', 'live-map', this.map, this.marks, this.tip);
    setMapMargins(this.square);
    this.legend = build('div', 'live-legend');
    this.element = build('div', 'live-stage-map', this.square, this.legend);
    this.options = { show_test: true, discretize: false, mark_errors: 'auto' };
    this.moment = { status: STATUSES.idle, epoch: 0 }; // of the run
    this.isMarked = false; // whether wrong predictions are ringed
    this.encoding = undefined; // 'value' or 'class'
    this.plane = this.bytes = this.points = this.theme = this.cell = this.drawn = null;
    this.predictions = {};
    this.unit = '';
    this.classes = [];
    this.markedAt = -Infinity;
    this.side = 0; // of the square, when its marks were drawn
    this.observer = new ResizeObserver(() => {
      if (this.square.clientWidth !== this.side) this.drawMarks();
    });
    this.observer.observe(this.square);
    this.square.addEventListener('pointermove', event => this.hover(event));
    this.square.addEventListener('pointerleave', () => this.hideTip());
  }

  setTheme(theme) {
    this.theme = theme;
    this.redraw();
  }

  setOptions(options) {
    this.options = options;
    this.isMarked = this.wantsErrors();
    this.redraw();
  }

  /** Shows or hides the rings around wrong predictions, which depend on whether the run rests and on how many they are. */
  follow({ status, epoch }) {
    this.moment = { status, epoch };
    const isMarked = this.wantsErrors();
    if (isMarked === this.isMarked) return;
    this.isMarked = isMarked;
    this.showLegend();
    this.drawMarks();
  }

  wantsErrors() {
    return marksErrors(this.options.mark_errors, this.moment, this.parts);
  }

  /** The parts whose examples are drawn, see drawnParts. */
  get parts() {
    return this.points ? drawnParts(this.points, this.predictions, this.options.show_test || this.cell) : [];
  }

  /** Takes the arrays of a frame: points (N, 2) and labels (N) after a rebuild, wrong predictions, predicted classes. */
  take(header, arrays, now) {
    if (arrays.points_train) {
      this.points = arrays;
      this.predictions = {};
      this.classes = header.classes;
      this.plane = header.plane;
      this.sprites = null;
      this.redraw();
    }
    if (!arrays.wrong && !arrays.test_prediction) return;
    this.predictions = arrays;
    const due = header.status !== STATUSES.running || now - this.markedAt >= MARKS_PERIOD_MS;
    if (due && (this.isMarked || this.cell)) {
      this.markedAt = now;
      this.drawMarks();
    }
  }

  /** bytes (G, G), encoding 'value' or 'class'; unit: what they show instead of the output, or ''. */
  show(bytes, encoding, unit) {
    const needsColors = encoding !== this.encoding || unit !== this.unit;
    Object.assign(this, { bytes, encoding, unit });
    if (needsColors) this.recolor();
    this.drawMap();
  }

  /** Highlights the test examples of a cell [truth, predicted]; null: all examples again. */
  light(cell) {
    this.cell = cell;
    this.showLegend();
    this.drawMarks();
  }

  /** Shows these points [[x, y, class], ...] instead of the frame's; null: the frame's again. */
  draw(points) {
    const isOther = (this.drawn === null) !== (points === null);
    this.drawn = points;
    if (isOther) this.showLegend();
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
    this.colors = mapColors(this.encoding, this.theme.name, this.options.discretize);
    this.showLegend();
  }

  showLegend() {
    const { classes, theme, colors, encoding, unit, options: { discretize: isFlat } } = this;
    if (!colors) return;
    const parts = this.drawn ? ['train'] : this.parts.map(({ part }) => part);
    const isMarked = this.isMarked && !this.drawn;
    this.legend.replaceChildren(...legendRows({ classes, theme, colors, encoding, isFlat, unit, parts, isMarked }));
  }

  /** One canvas pixel per cell; the browser scales it to the screen, smoothly and at any pixel ratio. */
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
    this.side = side;
    if (!this.plane || !this.theme || !side) return;
    const context = sharpContext(this.marks, side, side);
    const scale = this.scale;
    drawAxes(context, scale, this.plane.extent, this.theme);
    context.beginPath();
    context.rect(MAP_MARGIN.left, MAP_MARGIN.top, scale.span, scale.span);
    context.clip();
    const radius = Math.max(2.6, Math.min(4, side / 125));
    if (this.sprites?.radius !== radius) this.sprites = null;
    this.sprites ??= new Sprites(this.theme, radius, this.drawn !== null || this.classes.length > 0);
    if (this.drawn) {
      for (const [x, y, label] of this.drawn) this.sprites.draw(context, scale.across(x), scale.up(y), label, 'train');
    } else if (this.points) {
      for (const part of this.parts) this.drawExamples(context, scale, part);
    }
  }

  drawExamples(context, scale, { part, points, labels, predicted, wrong }) {
    for (let i = 0; i < labels.length; i++) {
      const [x, y] = [scale.across(points[2 * i]), scale.up(points[2 * i + 1])];
      const isLit = !this.cell || (part === 'test' && labels[i] === this.cell[0] && predicted?.[i] === this.cell[1]);
      context.globalAlpha = isLit ? 1 : FADED;
      this.sprites.draw(context, x, y, labels[i], part, this.isMarked && Boolean(wrong?.[i]));
    }
    context.globalAlpha = 1;
  }

  // -- the value under the pointer

  hover(event) {
    if (!this.plane || !this.bytes || this.drawn || event.buttons) {
      this.hideTip();
      return;
    }
    const [left, top] = placeIn(this.square, event);
    const [x, y] = this.scale.back(left, top);
    this.tip.hidden = !this.scale.holds(x, y);
    if (this.tip.hidden) return;
    setText(this.tip, `x1 ${fixed(x)}, x2 ${fixed(y)}\n${this.valueAt(x, y)}`);
    placeAt(this.tip, Math.min(left + 12, this.square.clientWidth - 168), top > 60 ? top - 46 : top + 16);
  }

  /** What the map shows at a point, in words. */
  valueAt(x, y) {
    const { bytes, plane, classes, encoding, unit } = this;
    return describeByte(byteAt(bytes, plane.extent, x, y), { classes, encoding, unit });
  }

  hideTip() {
    this.tip.hidden = true;
  }

  /** What the map shows now, in one sentence. */
  describe(header) {
    const what = this.unit || (this.classes.length ? `the regions of ${this.classes.join(', ')}` : 'the predicted value');
    this.marks.setAttribute('aria-label', `Map of ${what} over x1 and x2, after ${counted(header.epoch, 'epoch')}.`);
  }

  close() {
    this.observer.disconnect();
  }
}

/** The byte of a square map, row by row from the top, at a point of the plane; the nearest one outside. */
export function byteAt(bytes, [low, high], x, y) {
  const side = Math.round(Math.sqrt(bytes.length));
  const cell = value => Math.max(0, Math.min(side - 1, Math.floor((value - low) / (high - low) * side)));
  return bytes[(side - 1 - cell(y)) * side + cell(x)];
}

/** What a byte of a map means, in words. unit: what the map shows instead of the output, or ''. */
export function describeByte(byte, { classes, encoding, unit }) {
  const percent = share => `${Math.round(100 * Math.max(0, Math.min(1, share)))} %`;
  if (encoding === 'class') {
    const chance = 1 / classes.length;
    const { label, confidence } = classOfByte(byte);
    return `${classes[label]}, ${percent(chance + confidence * (1 - chance))} sure`;
  }
  const value = valueOfByte(byte);
  if (unit || classes.length !== 2) return `${unit || 'output'} ${fixed(value)}`;
  return `${classes[value < 0 ? 0 : 1]}, ${percent((1 + Math.abs(value)) / 2)} sure`;
}

function fixed(value) {
  return withMinus(value.toFixed(2));
}
