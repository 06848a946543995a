// Paints the network: links by color and width, a small map in each tile, biases as small squares.
import { DIMMED, LinkPainter } from './weight_lines.js';
import { BytePicture, build, sharpContext } from '../../shared/dom.js';
import { CLASS_COLORS, cssColor, mapColors, signedColor } from '../../shared/palette.js';
import { isOnPath } from './layout.js';
import { THUMBNAIL_SIDE as MAP_SIDE } from '../../shared/protocol.js';

const MAX_BIAS_SIDE = 9; // CSS pixels
const OFF = { light: 0.3, dark: 0.55 }; // opacity of a feature that is switched off, by theme
const SUM_RADIUS = 5; // CSS pixels, of the plus where a skip connection ends

/** Paints frames on its canvas; all it keeps of the network are the small maps of the features. */
export class DiagramPainter {
  constructor() {
    this.canvas = build('canvas', 'live-diagram-canvas');
    this.canvas.setAttribute('aria-hidden', 'true');
    this.features = new BytePicture(build('canvas', ''));
    this.neurons = new BytePicture(build('canvas', ''));
    this.links = new LinkPainter();
  }

  resize(layout) {
    this.context = sharpContext(this.canvas, layout.width, layout.height, { alpha: false, willReadFrequently: true });
    this.links.resize(this.context, layout, this.canvas.width / layout.width);
  }

  setTheme(theme, flat) {
    this.theme = theme;
    this.colors = mapColors('value', theme.name, flat);
    this.links.setTheme(theme);
  }

  /** maps (F, 25, 25) bytes */
  takeFeatures(maps) {
    this.features.paint(maps, maps.length / MAP_SIDE, MAP_SIDE, this.colors);
  }

  /**
   * state: {layout, weights, biases, maps, network, phase, pointed: {place, link}}; weights, biases and maps may be missing.
   * What is on no path through the unit at `place` is dimmed.
   */
  paint(state) {
    const { layout, maps, pointed } = state;
    this.links.paint(layout, state.weights, state.phase, pointed.place);
    this.paintSkips(state);
    if (pointed.link) this.paintPointed(layout, pointed.link);
    if (maps?.length) this.neurons.paint(maps, maps.length / MAP_SIDE, MAP_SIDE, this.colors);
    this.paintTiles(state);
    this.paintOutputs(state);
    if (state.biases) this.paintBiases(state);
    this.context.globalAlpha = 1;
  }

  /** Dims what is drawn next if its unit is on no path through the unit pointed at. */
  dim({ place }, layer, unit, alpha = 1) {
    this.context.globalAlpha = alpha * (isOnPath(place, layer, unit) ? 1 : DIMMED);
  }

  /** The outputs are small: their map is the large one beside them. */
  paintOutputs({ layout, pointed }) {
    const { context } = this;
    const { center, side, ys } = layout.columns.at(-1);
    context.lineWidth = 1.5;
    ys.forEach((y, unit) => {
      this.dim(pointed, layout.columns.length - 1, unit);
      context.fillStyle = ys.length > 1 ? CLASS_COLORS[unit % CLASS_COLORS.length] : this.theme.back;
      context.beginPath();
      context.arc(center, y, side / 2, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    });
  }

  /** A line with a plus at its end wherever a unit adds its input of the same number. */
  paintSkips({ layout, network, pointed }) {
    const { context } = this;
    context.strokeStyle = this.theme.text;
    context.fillStyle = this.theme.back;
    context.lineWidth = 1.5;
    for (const l of network.skips) {
      const [left, right] = [layout.columns[l], layout.columns[l + 1]];
      const center = right.left - SUM_RADIUS - MAX_BIAS_SIDE / 2;
      left.ys.forEach((y, unit) => {
        this.dim(pointed, l, unit, isOnPath(pointed.place, l + 1, unit) ? 1 : DIMMED);
        context.beginPath();
        context.moveTo(left.right, y);
        context.lineTo(right.left, right.ys[unit]);
        context.stroke();
        context.beginPath(); // a plus in a circle, the sign of a sum
        context.arc(center, right.ys[unit], SUM_RADIUS, 0, 2 * Math.PI);
        context.fill();
        context.moveTo(center - SUM_RADIUS, right.ys[unit]);
        context.lineTo(center + SUM_RADIUS, right.ys[unit]);
        context.moveTo(center, right.ys[unit] - SUM_RADIUS);
        context.lineTo(center, right.ys[unit] + SUM_RADIUS);
        context.stroke();
      });
    }
  }

  paintPointed(layout, { layer, from, to }) {
    const { context } = this;
    const [left, right] = [layout.columns[layer], layout.columns[layer + 1]];
    context.strokeStyle = this.theme.text;
    context.lineWidth = 2;
    context.beginPath();
    const middle = (left.right + right.left) / 2;
    context.moveTo(left.right, left.ys[from]);
    context.bezierCurveTo(middle, left.ys[from], middle, right.ys[to], right.left, right.ys[to]);
    context.stroke();
  }

  paintTiles({ layout, maps, network, pointed }) {
    const { context } = this;
    const { features, columns, rows } = layout;
    const on = new Set(rows);
    context.strokeStyle = this.theme.text;
    const isPointed = (layer, unit) => pointed.place?.layer === layer && pointed.place.unit === unit;
    const tile = (picture, number, column, y, marked) => {
      const { left, side } = column;
      if (picture) context.drawImage(picture.canvas, 0, MAP_SIDE * number, MAP_SIDE, MAP_SIDE, left, y - side / 2, side, side);
      context.lineWidth = marked ? 3 : 1;
      context.strokeRect(left, y - side / 2, side, side);
    };
    network.all_features.forEach((_, row) => {
      const unit = rows.indexOf(row);
      this.dim(pointed, 0, unit, on.has(row) ? 1 : OFF[this.theme.name]);
      tile(this.features.image && this.features, row, features, features.ys[row], on.has(row) && isPointed(0, unit));
    });
    let number = 0;
    columns.slice(1, -1).forEach((column, l) => column.ys.forEach((y, unit) => {
      this.dim(pointed, l + 1, unit);
      tile(maps && this.neurons, number, column, y, isPointed(l + 1, unit));
      number += 1;
    }));
  }

  paintBiases({ layout, biases, pointed }) {
    const { context, theme } = this;
    context.lineWidth = 1;
    context.strokeStyle = theme.text;
    layout.columns.slice(1).forEach((column, l) => column.ys.forEach((y, unit) => {
      const bias = biases[layout.starts[l] + unit];
      this.dim(pointed, l + 1, unit);
      context.fillStyle = cssColor(signedColor(Math.tanh(bias), theme.name));
      const side = Math.min(MAX_BIAS_SIDE, column.side / 2.5);
      const corner = [column.left - side / 2, y + column.side / 2 - side / 2, side, side];
      context.fillRect(...corner);
      context.strokeRect(...corner);
    }));
  }
}
