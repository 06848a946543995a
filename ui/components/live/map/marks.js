// What is drawn over the map: axes, and examples with rings around wrong predictions. Each kind of example is one small picture.
import { CLASS_COLORS, CLASS_SYMBOLS, QUIET, ZERO, cssColor, signedColor, symbolPath } from '../../shared/palette.js';
import { STATUSES } from '../../shared/protocol.js';

/** CSS pixels around the map, for the axes. The style sheet gets them as custom properties: see setMapMargins. */
export const MAP_MARGIN = Object.freeze({ left: 34, right: 4, top: 4, bottom: 34 });
const SPRITE_SIDE = 16; // CSS pixels
export const DOT_SHARE = 0.46; // of the radius of a mark
export const PARTS = ['test', 'validation', 'train']; // in the order in which their examples are drawn, the quiet ones below
const VALUE_STEPS = 16; // shades of a numeric target on each side of zero
const MAX_ERRORS_BY_ITSELF = 40; // as many or more are ringed only on request
const CLASS = 'class'; // a fill: the color of the class
const TICK_COUNT = 6; // per axis, approximately

/** Hands the margins to the style sheet, which places the map and the drawing pad by them. */
export function setMapMargins(element) {
  for (const [side, pixels] of Object.entries(MAP_MARGIN)) element.style.setProperty(`--map-${side}`, `${pixels}px`);
}

/** Converts between the plane and the CSS pixels of a square map with this side. */
export function mapScale(side, [low, high]) {
  const span = side - MAP_MARGIN.left - MAP_MARGIN.right;
  const unit = (high - low) / span;
  return {
    side, span,
    across: value => MAP_MARGIN.left + (value - low) / unit,
    up: value => MAP_MARGIN.top + (high - value) / unit,
    back: (x, y) => [low + (x - MAP_MARGIN.left) * unit, high - (y - MAP_MARGIN.top) * unit],
    holds: (x, y) => x >= low && x <= high && y >= low && y <= high,
  };
}

/** Round numbers from low to high: multiples of 1, 2 or 5 times a power of ten. */
export function roundTicks(low, high) {
  const rough = (high - low) / TICK_COUNT;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(times => times * power).find(size => size >= rough) ?? rough;
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(Number((i * step).toPrecision(6)));
  return ticks;
}

export function drawAxes(context, { across, up, side }, [low, high], theme) {
  context.font = `12px ${theme.font}`;
  context.fillStyle = theme.text;
  context.strokeStyle = theme.text;
  context.globalAlpha = 0.75;
  const edge = side - MAP_MARGIN.bottom;
  for (const tick of roundTicks(low, high)) {
    const label = String(tick).replace('-', '\u2212');
    context.textAlign = 'center';
    context.textBaseline = 'top';
    if (across(tick) < side - 8) context.fillText(label, across(tick), edge + 6);
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    if (up(tick) > 6) context.fillText(label, MAP_MARGIN.left - 7, up(tick));
    context.beginPath();
    context.moveTo(across(tick), edge);
    context.lineTo(across(tick), edge + 4);
    context.moveTo(MAP_MARGIN.left - 4, up(tick));
    context.lineTo(MAP_MARGIN.left, up(tick));
    context.stroke();
  }
  context.globalAlpha = 1;
  context.textAlign = 'center';
  context.textBaseline = 'bottom';
  context.fillText('x1', (MAP_MARGIN.left + side) / 2, side);
  context.save();
  context.translate(1, edge / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = 'top';
  context.fillText('x2', 0, 0);
  context.restore();
}

/**
 * The parts whose examples are drawn, each with the arrays of its examples in a frame; test examples only on demand.
 * points: arrays with points (N, 2) and labels (N); predictions: arrays with predicted classes and wrong predictions.
 */
export function drawnParts(points, predictions, showTest) {
  return PARTS.filter(part => points[`points_${part}`] && (part !== 'test' || showTest)).map(part => ({
    part, points: points[`points_${part}`], labels: points[`labels_${part}`],
    predicted: predictions[`${part}_prediction`], wrong: predictions[part === 'test' ? 'wrong' : `wrong_${part}`],
  }));
}

/**
 * Whether wrong predictions are ringed. option: "always", "never", or "auto": while the run rests, and if they are few.
 * parts: what is drawn, see drawnParts.
 */
export function marksErrors(option, { status, epoch }, parts) {
  if (option === 'never' || (option === 'auto' && (status === STATUSES.running || !epoch))) return false;
  const known = parts.filter(({ wrong }) => wrong);
  const count = () => known.reduce((sum, { wrong }) => sum + wrong.reduce((errors, isWrong) => errors + isWrong, 0), 0);
  return known.length > 0 && (option === 'always' || count() < MAX_ERRORS_BY_ITSELF);
}

/**
 * How an example is drawn: training examples full, the others smaller and hollow, those for validation with a dot. A
 * wrong prediction has the text's color around it, on a light page a thin dark ring.
 */
export function markStyle(part, isWrong, theme, hasClasses = true) {
  const pale = ZERO[theme.name];
  const isHollow = part !== 'train';
  return {
    size: isHollow ? 0.75 : 1, // share of the radius
    fill: isHollow ? pale : CLASS,
    line: isHollow ? 1.3 : 0, // width of the outline in the color of the class
    dot: part === 'validation',
    rim: isWrong ? theme.text : hasClasses ? pale : QUIET[theme.name], // a target near zero is pale itself
    rimWidth: isWrong ? 1.3 : isHollow ? 0.5 : 0.7,
  };
}

/** Small pictures of examples, made once for each kind, size and theme. */
export class Sprites {
  constructor(theme, radius, hasClasses) {
    this.theme = theme;
    this.radius = radius;
    this.hasClasses = hasClasses;
    this.made = new Map();
  }

  /** label: class number, or a target in -1..1 if the examples have no classes; part: one of PARTS. */
  draw(context, x, y, label, part, isWrong = false) {
    const kind = this.hasClasses ? label : Math.round(Math.max(-1, Math.min(1, label)) * VALUE_STEPS);
    const key = 2 * (PARTS.length * (kind + VALUE_STEPS) + PARTS.indexOf(part)) + Number(isWrong);
    if (!this.made.has(key)) this.made.set(key, this.make(kind, markStyle(part, isWrong, this.theme, this.hasClasses)));
    context.drawImage(this.made.get(key), x - SPRITE_SIDE / 2, y - SPRITE_SIDE / 2, SPRITE_SIDE, SPRITE_SIDE);
  }

  make(kind, style) {
    const ratio = 2 * Math.min(2, window.devicePixelRatio || 1);
    const sprite = new OffscreenCanvas(SPRITE_SIDE * ratio, SPRITE_SIDE * ratio);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (sprite.getContext('2d'));
    context.scale(ratio, ratio);
    const color = this.hasClasses ? CLASS_COLORS[kind % CLASS_COLORS.length] : cssColor(signedColor(kind / VALUE_STEPS, this.theme.name));
    const symbol = this.hasClasses ? CLASS_SYMBOLS[kind % CLASS_SYMBOLS.length] : 'circle';
    const outline = radius => new Path2D(symbolPath(symbol, SPRITE_SIDE / 2, SPRITE_SIDE / 2, radius));
    const shape = outline(style.size * this.radius);
    context.lineJoin = 'round';
    context.lineWidth = style.line + 2 * style.rimWidth; // half of each line is inside the shape
    context.strokeStyle = style.rim;
    context.stroke(shape);
    context.fillStyle = style.fill === CLASS ? color : style.fill;
    context.fill(shape);
    if (style.line) {
      context.lineWidth = style.line;
      context.strokeStyle = color;
      context.stroke(shape);
    }
    if (style.dot) {
      context.fillStyle = color;
      context.fill(new Path2D(symbolPath('circle', SPRITE_SIDE / 2, SPRITE_SIDE / 2, DOT_SHARE * style.size * this.radius)));
    }
    return sprite;
  }
}
