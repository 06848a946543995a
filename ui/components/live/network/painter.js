// Paints the network: links by color and width, a small map in each tile, biases as small squares.
import { LinkPainter } from './weight_lines.js';
import { BytePicture, build, sharpContext } from '../../shared/dom.js';
import { CLASS_COLORS, cssColor, mapColors, signedColor } from '../../shared/palette.js';
import { THUMBNAIL_SIDE as MAP_SIDE } from '../../shared/protocol.js';

const MAX_BIAS_SIDE = 9; // CSS pixels

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
   * state: {layout, weights, biases, maps, network, phase, pointed: {unit, link}}; weights, biases and maps may be missing.
   */
  paint(state) {
    const { layout, maps, pointed } = state;
    this.links.paint(layout, state.weights, state.phase);
    if (pointed.link) this.paintPointed(layout, pointed.link);
    if (maps?.length) this.neurons.paint(maps, maps.length / MAP_SIDE, MAP_SIDE, this.colors);
    this.paintTiles(state);
    this.paintOutputs(state);
    if (state.biases) this.paintBiases(state);
  }

  /** The outputs are small: their map is the large one beside them. */
  paintOutputs({ layout }) {
    const { context } = this;
    const { center, side, ys } = layout.columns.at(-1);
    context.lineWidth = 1.5;
    ys.forEach((y, unit) => {
      context.fillStyle = ys.length > 1 ? CLASS_COLORS[unit % CLASS_COLORS.length] : this.theme.back;
      context.beginPath();
      context.arc(center, y, side / 2, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    });
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
    const tile = (picture, number, column, y, marked) => {
      const { left, side } = column;
      if (picture) context.drawImage(picture.canvas, 0, MAP_SIDE * number, MAP_SIDE, MAP_SIDE, left, y - side / 2, side, side);
      context.lineWidth = marked ? 3 : 1;
      context.strokeRect(left, y - side / 2, side, side);
    };
    network.all_features.forEach((_, row) => {
      context.globalAlpha = on.has(row) ? 1 : 0.3;
      tile(this.features.image && this.features, row, features, features.ys[row], on.has(row) && pointed.unit === -1 - rows.indexOf(row));
    });
    context.globalAlpha = 1;
    let unit = 0;
    for (const column of columns.slice(1, -1)) {
      for (const y of column.ys) {
        tile(maps && this.neurons, unit, column, y, pointed.unit === unit);
        unit += 1;
      }
    }
  }

  paintBiases({ layout, biases }) {
    const { context, theme } = this;
    context.lineWidth = 1;
    context.strokeStyle = theme.text;
    layout.columns.slice(1).forEach((column, l) => column.ys.forEach((y, unit) => {
      const bias = biases[layout.starts[l] + unit];
      context.fillStyle = cssColor(signedColor(Math.tanh(bias), theme.name));
      const side = Math.min(MAX_BIAS_SIDE, column.side / 2.5);
      const corner = [column.left - side / 2, y + column.side / 2 - side / 2, side, side];
      context.fillRect(...corner);
      context.strokeRect(...corner);
    }));
  }
}
