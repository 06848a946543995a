// The links of the diagram, painted pixel by pixel: all curves between two columns have the same shape. With a table of it,
// four hundred dashed curves take two milliseconds, a tenth of what canvas paths take without a graphics card.
import { BLUE, ORANGE, channels, packColor, parseColor } from '../../shared/palette.js';
import { isOnPath, weightIndex } from './layout.js';

export const DIMMED = 0.14; // share of its opacity that remains of what is not on a path through the unit pointed at
const DASH_STEPS = 64; // entries of the dash table
const DASH_PERIOD = 11; // CSS pixels from dash to dash
const DASH_GAP = 2.5; // CSS pixels of it that are pale

/** Half the width in CSS pixels, and the opacity, of a link whose weight has this absolute value. */
export function linkStyle(size) {
  return { half: 0.25 + 2.5 * (1 - Math.exp(-size / 2.5)), opacity: 0.25 + 0.65 * Math.min(1, size) };
}

/** Opacity along a dash, 0..1, with soft ends. */
const DASHES = Float32Array.from({ length: DASH_STEPS }, (_, i) => {
  const at = (i + 0.5) / DASH_STEPS * DASH_PERIOD;
  return Math.max(0.12, Math.min(1, Math.abs(at - DASH_PERIOD / 2) - DASH_GAP / 2 + 0.5));
});
const SOLID = new Float32Array(DASH_STEPS).fill(1);

/** For each pixel column between two positions in CSS pixels: a link's share of its rise, and its slope. */
export function curveTable(from, to, ratio) {
  const first = Math.ceil(from * ratio);
  const shares = new Float32Array(Math.max(0, Math.floor(to * ratio) - first));
  const slopes = new Float32Array(shares.length);
  const span = (to - from) * ratio;
  let t = 0;
  for (let i = 0; i < shares.length; i++) {
    const along = (first + i + 0.5 - from * ratio) / span;
    for (let pass = 0; pass < 8; pass++) { // Newton's method finds where the curve crosses this column
      t -= (1.5 * t * (1 - t) + t ** 3 - along) / (1.5 - 3 * t + 3 * t * t);
    }
    shares[i] = t * t * (3 - 2 * t);
    slopes[i] = 6 * t * (1 - t) / (1.5 - 3 * t + 3 * t * t) / span;
  }
  return { first, shares, slopes };
}

export class LinkPainter {
  constructor() {
    this.back = 0; // packed color
    this.colors = [0, 0];
    this.ratio = 1;
    this.context = this.image = /** @type {any} */ (null);
    this.pixels = new Int32Array(0);
    this.tables = /** @type {ReturnType<typeof curveTable>[]} */ ([]);
    this.dashes = SOLID;
    this.shift = 0;
  }

  setTheme(theme) {
    this.back = packColor(parseColor(theme.back));
    this.colors = [packColor(channels(ORANGE)), packColor(channels(BLUE))];
  }

  /** context: of an opaque canvas with `ratio` pixels to a CSS pixel. */
  resize(context, layout, ratio) {
    const { width, height } = context.canvas;
    this.context = context;
    this.ratio = ratio;
    this.image = context.createImageData(width, height);
    this.pixels = new Int32Array(this.image.data.buffer);
    this.tables = layout.columns.slice(0, -1).map((left, l) => curveTable(left.right, layout.columns[l + 1].left, ratio));
  }

  /**
   * weights: flat, or undefined. phase: CSS pixels by which the dashes have moved; null: no dashes. place: of the unit
   * pointed at, or null; links that are on no path through it are dimmed.
   */
  paint(layout, weights, phase, place = null) {
    this.pixels.fill(this.back);
    this.dashes = phase === null ? SOLID : DASHES;
    this.shift = (phase ?? 0) * DASH_STEPS / DASH_PERIOD;
    if (weights) this.tables.forEach((table, l) => this.paintLinks(table, l, layout, weights, place));
    this.context.putImageData(this.image, 0, 0);
  }

  paintLinks(table, l, layout, weights, place) {
    const [starts, ends] = [layout.columns[l].ys, layout.columns[l + 1].ys];
    for (let i = 0; i < starts.length; i++) {
      for (let j = 0; j < ends.length; j++) {
        const share = isOnPath(place, l, i) && isOnPath(place, l + 1, j) ? 1 : DIMMED;
        this.paintLink(table, starts[i], ends[j], weights[weightIndex(layout, l, i, j)], share);
      }
    }
  }

  paintLink({ first, shares, slopes }, start, end, weight, opacity) {
    const { pixels, ratio, dashes, shift } = this;
    const { width, height } = this.image;
    const style = linkStyle(Math.abs(weight));
    const half = style.half * ratio + 0.5; // plus half a pixel for the soft edge
    const strength = opacity * style.opacity * 256;
    const color = this.colors[weight < 0 ? 0 : 1];
    const [redBlue, green] = [color & 0xff00ff, color & 0xff00];
    const perPixel = DASH_STEPS / DASH_PERIOD / ratio;
    const from = start * ratio;
    const rise = (end - start) * ratio;
    let length = 0;
    for (let i = 0; i < shares.length; i++) {
      const y = from + rise * shares[i];
      const slope = rise * slopes[i];
      const stretch = Math.sqrt(1 + slope * slope);
      const reach = half * stretch;
      const top = Math.max(0, Math.ceil(y - reach - 0.5));
      const bottom = Math.min(height - 1, Math.floor(y + reach - 0.5));
      const along = length * perPixel - shift;
      const perRow = slope / stretch * perPixel;
      for (let row = top, at = top * width + first + i; row <= bottom; row++, at += width) {
        const off = row + 0.5 - y;
        const cover = Math.min(1, half - Math.abs(off) / stretch) * dashes[(along + off * perRow) & (DASH_STEPS - 1)];
        const share = (cover * strength) | 0;
        const under = pixels[at];
        const mixedRedBlue = (Math.imul(redBlue, share) + Math.imul(under & 0xff00ff, 256 - share)) >>> 8;
        const mixedGreen = (Math.imul(green, share) + Math.imul(under & 0xff00, 256 - share)) >>> 8;
        pixels[at] = (0xff << 24) | (mixedRedBlue & 0xff00ff) | (mixedGreen & 0xff00);
      }
      length += stretch;
    }
  }
}
