// The big map: decision regions on one canvas, axes and examples on a second one above it that changes rarely.
// What the colours and shapes mean stands below it.
import { CLASS_COLORS, CLASS_SYMBOLS, mapColors, signedColor, cssColor, symbolPath } from './palette.js';

const MAP_MARGIN = { left: 34, right: 4, top: 4, bottom: 34 }; // css pixels; live.css places the map canvas by the same numbers

/** A new element with a class and children (text or nodes). */
export function build(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Sets the text of an element unless it already reads so. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** About six round numbers from low to high. */
export function roundTicks(low, high) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(times => times * power).find(size => size >= rough);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(Number((i * step).toPrecision(6)));
  return ticks;
}

/** A class symbol for legends, as inline SVG. */
export function swatch(symbol, fill, stroke) {
  const space = 'http://www.w3.org/2000/svg';
  const icon = document.createElementNS(space, 'svg');
  const path = document.createElementNS(space, 'path');
  const set = (element, attributes) => Object.entries(attributes).forEach(pair => element.setAttribute(...pair));
  set(icon, { class: 'live-swatch', viewBox: '0 0 14 14', 'aria-hidden': 'true' });
  set(path, { d: symbolPath(symbol, 7, 7, 4.4), fill, stroke, 'stroke-width': stroke === 'none' ? 0 : 1.8 });
  icon.append(path);
  return icon;
}

/** The map with its axes, examples and legend. Holds what it last showed, so that a new theme or size only redraws. */
export class Stage {
  constructor() {
    this.map = build('canvas', 'live-map-colors');
    this.marks = build('canvas', 'live-map-marks');
    this.map.setAttribute('aria-hidden', 'true');
    this.marks.setAttribute('role', 'img');
    this.square = build('div', 'live-map', this.map, this.marks);
    this.legend = build('div', 'live-legend');
    this.element = build('div', 'live-stage-map', this.square, this.legend);
    this.options = { show_test: true, discretize: false };
    this.theme = null;
    this.plane = null;
    this.bytes = null;
    this.points = null;
    this.classes = [];
    this.image = null;
    this.observer = new ResizeObserver(() => this.drawMarks());
    this.observer.observe(this.square);
  }

  setTheme(theme) {
    this.theme = theme;
    this.redraw();
  }

  setOptions(options) {
    this.options = options;
    this.redraw();
  }

  /** Takes what a frame brought: `map` (G, G) bytes, and points (N, 2) with labels (N) after a rebuild. */
  take(header, arrays) {
    if (arrays.points_train || header.plane?.encoding !== this.plane?.encoding) {
      this.points = arrays.points_train ? arrays : this.points;
      this.classes = header.classes;
      this.plane = header.plane;
      this.recolor();
      this.drawMarks();
      this.drawLegend();
    }
    if (arrays.map) {
      this.bytes = arrays.map;
      this.drawMap();
    }
  }

  redraw() {
    if (!this.plane || !this.theme) return;
    this.recolor();
    if (this.bytes) this.drawMap();
    this.drawMarks();
    this.drawLegend();
  }

  recolor() {
    this.colors = this.plane && mapColors(this.plane.encoding, this.theme.name, this.options.discretize);
  }

  /** One canvas pixel a cell; the compositor scales it to the screen, smoothly and at any pixel ratio. */
  drawMap() {
    if (!this.colors) return;
    const [rows, columns] = this.bytes.shape;
    const context = this.map.getContext('2d', { alpha: false });
    if (this.map.width !== columns || this.map.height !== rows || !this.image) {
      this.map.width = columns;
      this.map.height = rows;
      this.image = context.createImageData(columns, rows);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const { bytes, pixels, colors } = this;
    for (let i = 0; i < bytes.length; i++) pixels[i] = colors[bytes[i]];
    context.putImageData(this.image, 0, 0);
  }

  drawMarks() {
    const side = this.square.clientWidth;
    if (!this.plane || !this.theme || !side) return;
    const ratio = window.devicePixelRatio || 1;
    this.marks.width = this.marks.height = Math.round(side * ratio);
    const context = this.marks.getContext('2d');
    context.scale(ratio, ratio);
    const [low, high] = this.plane.extent;
    const span = side - MAP_MARGIN.left - MAP_MARGIN.right;
    const across = value => MAP_MARGIN.left + (value - low) / (high - low) * span;
    const up = value => MAP_MARGIN.top + (high - value) / (high - low) * span;
    this.drawAxes(context, across, up, side);
    context.beginPath();
    context.rect(MAP_MARGIN.left, MAP_MARGIN.top, span, span);
    context.clip();
    const radius = Math.max(3.2, Math.min(4, side / 100));
    const draw = (points, labels, hollow) => {
      for (let i = 0; i < labels.length; i++) {
        this.drawExample(context, across(points[2 * i]), up(points[2 * i + 1]), labels[i], radius, hollow);
      }
    };
    if (!this.points) return;
    draw(this.points.points_train, this.points.labels_train, false);
    if (this.options.show_test && this.points.points_test) draw(this.points.points_test, this.points.labels_test, true);
  }

  drawAxes(context, across, up, side) {
    const [low, high] = this.plane.extent;
    context.font = `12px ${this.theme.font}`;
    context.fillStyle = this.theme.text;
    context.strokeStyle = this.theme.text;
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

  /** Training examples are full with a pale rim; test examples are hollow with a dark rim. */
  drawExample(context, x, y, label, radius, hollow) {
    const known = this.classes.length > 0;
    const color = known ? CLASS_COLORS[label % CLASS_COLORS.length] : cssColor(signedColor(label, this.theme.name));
    const symbol = known ? CLASS_SYMBOLS[label % CLASS_SYMBOLS.length] : 'circle';
    const outline = new Path2D(symbolPath(symbol, x, y, radius));
    context.lineJoin = 'round';
    context.lineWidth = hollow ? 4 : 2.4;
    context.strokeStyle = hollow ? '#1b1e23' : '#ffffff';
    context.stroke(outline);
    context.fillStyle = hollow ? '#ffffff' : color;
    context.fill(outline);
    if (!hollow) return;
    context.lineWidth = 2.2;
    context.strokeStyle = color;
    context.stroke(outline);
  }

  drawLegend() {
    const rows = [];
    const keys = build('div', 'live-legend-row');
    this.classes.forEach((name, i) => {
      const icon = swatch(CLASS_SYMBOLS[i % CLASS_SYMBOLS.length], CLASS_COLORS[i % CLASS_COLORS.length], 'none');
      keys.append(build('span', 'live-key', icon, name));
    });
    keys.append(build('span', 'live-key live-key-part', swatch('circle', this.theme.text, 'none'), 'training'));
    if (this.options.show_test) keys.append(build('span', 'live-key', swatch('circle', 'none', this.theme.text), 'test'));
    rows.push(keys);
    if (this.plane.encoding === 'value') {
      const bar = build('span', 'live-bar');
      const stops = [0, 64, 128, 192, 255].map(byte => {
        const packed = this.colors[byte];
        return cssColor([packed & 255, (packed >> 8) & 255, (packed >> 16) & 255]);
      });
      const flat = `${stops[0]} 50%, ${stops[4]} 50%`;
      bar.style.background = `linear-gradient(to right, ${this.options.discretize ? flat : stops.join(', ')})`;
      rows.push(build('div', 'live-legend-row', build('span', 'live-scale', '\u22121', bar, '+1'), 'output of the network'));
    } else {
      rows.push(build('div', 'live-legend-row', this.options.discretize ? 'colour: the chosen class' : 'colour: the chosen class, paler where less sure'));
    }
    this.legend.replaceChildren(...rows);
  }

  /** What the map shows now, in one sentence. */
  describe(header) {
    const what = this.classes.length ? `the regions of ${this.classes.join(', ')}` : 'the predicted value';
    this.marks.setAttribute('aria-label', `Map of ${what} over x1 and x2, after ${header.epoch} epochs.`);
  }

  close() {
    this.observer.disconnect();
  }
}
