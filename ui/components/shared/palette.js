// Colors mean the same everywhere: negative and class 0 orange, positive and class 1 blue, zero pale.
// ui/figures/theme.py has the same values; a test compares them.
import { CLASS_BYTE, VALUE_BYTE } from './protocol.js';

export const ORANGE = '#f59322';
export const BLUE = '#0877bd';
export const ZERO = { light: '#eef0f1', dark: '#20242a' };
export const CLASS_COLORS = ['#f59322', '#0877bd', '#009e73', '#cc79a7', '#8c6d1f', '#56b4e9', '#d55e00', '#7f7f7f'];
export const CLASS_SYMBOLS = ['circle', 'square', 'triangle-up', 'diamond', 'x', 'triangle-down', 'star', 'cross'];
export const INK = { light: '#2a2e35', dark: '#e4e7eb' };
export const QUIET = { light: '#7d838c', dark: '#8b919a' };
export const TRAIN_CURVE = { light: '#657d00', dark: '#7f9a2a' };
export const VALIDATION_CURVE = { light: '#565b64', dark: '#b4b9bf' };
export const TEST_CURVE = { light: '#512da8', dark: '#cdb8ff' };
export const PART_CURVES = [TRAIN_CURVE, TEST_CURVE, VALIDATION_CURVE]; // in the order of the curves of a run
export const GRID = { light: '#e3e6e9', dark: '#343a42' };

/** @typedef {[red: number, green: number, blue: number]} Color each 0..255 */

/**
 * '#rrggbb' -> [red, green, blue].
 * @returns {Color}
 */
export function channels(hex) {
  const channel = at => parseInt(hex.slice(at, at + 2), 16);
  return [channel(1), channel(3), channel(5)];
}

/**
 * The color at a share (0..1) of the way from one '#rrggbb' to another.
 * @returns {Color}
 */
export function blend(from, to, share) {
  const [start, end] = [channels(from), channels(to)];
  const mixed = i => Math.round(start[i] + (end[i] - start[i]) * share);
  return [mixed(0), mixed(1), mixed(2)];
}

/** A value in -1..1 as [red, green, blue]; `strength` is the share of the full color at the ends. */
export function signedColor(value, themeName, strength = 1) {
  return blend(ZERO[themeName], value < 0 ? ORANGE : BLUE, Math.min(1, Math.abs(value)) * strength);
}

/** The color of each of the 256 bytes of a map, packed for ImageData. `flat` shows the decision without its confidence. */
export function mapColors(encoding, themeName, flat) {
  const strength = themeName === 'dark' ? 0.72 : 0.78; // points of the full color stay visible on their own region
  const color = byte => {
    if (encoding === 'class') {
      const { label, confidence } = classOfByte(byte);
      return blend(ZERO[themeName], CLASS_COLORS[label], (flat ? 0.7 : confidence) * strength);
    }
    const value = valueOfByte(byte);
    return signedColor(flat ? (value < 0 ? -0.7 : 0.7) : value, themeName, strength);
  };
  return Uint32Array.from({ length: 256 }, (_, byte) => packColor(color(byte)));
}

/**
 * [red, green, blue] -> an opaque pixel of ImageData.
 * @param {number[]} color
 */
export function packColor([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Class and confidence (0 chance level, 1 certain) of a map byte with the encoding "class". */
export function classOfByte(byte) {
  const { shift, maxConfidence } = CLASS_BYTE;
  return { label: byte >> shift, confidence: (byte & maxConfidence) / maxConfidence };
}

/** Value in -1..1 of a map byte with the encoding "value". */
export function valueOfByte(byte) {
  return (byte - VALUE_BYTE.zero) / VALUE_BYTE.scale;
}

/** [red, green, blue] -> CSS text. */
export function cssColor([red, green, blue]) {
  return `rgb(${red}, ${green}, ${blue})`;
}

const colorProbe = { context: /** @type {any} */ (null) };

/** Any CSS color -> [red, green, blue, alpha], each 0..255, by drawing one pixel with it. */
export function parseColor(text) {
  colorProbe.context ??= new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const context = colorProbe.context;
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = '#000';
  context.fillStyle = text;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha];
}

/** The theme around an element: {name: 'light' | 'dark', text, back, font}, dark if the background's luminance is low. */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const background = style.getPropertyValue('--st-background-color').trim()
    || getComputedStyle(document.body).backgroundColor;
  const [red, green, blue, alpha] = parseColor(background);
  const dark = alpha > 0 && 0.2126 * red + 0.7152 * green + 0.0722 * blue < 110;
  return { name: dark ? 'dark' : 'light', text: style.color, back: background, font: style.fontFamily };
}

const SYMBOL_CORNERS = { // unit outlines, y down; each covers about the area of the circle of radius 1
  square: [[-0.89, -0.89], [0.89, -0.89], [0.89, 0.89], [-0.89, 0.89]],
  'triangle-up': [[0, -1.25], [1.2, 0.85], [-1.2, 0.85]],
  'triangle-down': [[0, 1.25], [1.2, -0.85], [-1.2, -0.85]],
  diamond: [[0, -1.3], [1.1, 0], [0, 1.3], [-1.1, 0]],
  cross: [[-0.45, -1.2], [0.45, -1.2], [0.45, -0.45], [1.2, -0.45], [1.2, 0.45], [0.45, 0.45], [0.45, 1.2],
    [-0.45, 1.2], [-0.45, 0.45], [-1.2, 0.45], [-1.2, -0.45], [-0.45, -0.45]],
  star: Array.from({ length: 10 }, (_, i) => {
    const radius = i % 2 ? 0.62 : 1.4;
    return [radius * Math.sin(i * Math.PI / 5), -radius * Math.cos(i * Math.PI / 5)];
  }),
};
SYMBOL_CORNERS.x = SYMBOL_CORNERS.cross.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]);

/** Outline of a class symbol as SVG path text, for Path2D and <path> alike. */
export function symbolPath(symbol, x, y, radius) {
  const corners = SYMBOL_CORNERS[symbol];
  if (!corners) return `M${x - radius} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0Z`;
  return `M${corners.map(([dx, dy]) => `${x + dx * radius} ${y + dy * radius}`).join('L')}Z`;
}
