// The legend of the map: what its colors and shapes mean.
import { DOT_SHARE, markStyle } from './marks.js';
import { build } from '../../shared/dom.js';
import { CLASS_COLORS, CLASS_SYMBOLS, QUIET, cssColor, symbolPath } from '../../shared/palette.js';

const RADIUS = 4.4; // of a symbol, in pixels of its icon

/** A class symbol as inline SVG. size: share of the usual radius; dot: the color of a dot in its center, if any. */
export function swatch(symbol, fill, stroke, { size = 1, width = 1.8, dot = '' } = {}) {
  const space = 'http://www.w3.org/2000/svg';
  const icon = document.createElementNS(space, 'svg');
  const set = (element, attributes) => Object.entries(attributes).forEach(pair => element.setAttribute(...pair));
  set(icon, { class: 'live-swatch', viewBox: '0 0 14 14', 'aria-hidden': 'true' });
  const add = attributes => {
    const path = document.createElementNS(space, 'path');
    set(path, attributes);
    icon.append(path);
  };
  add({ d: symbolPath(symbol, 7, 7, size * RADIUS), fill, stroke, 'stroke-width': stroke === 'none' ? 0 : width });
  if (dot) add({ d: symbolPath('circle', 7, 7, DOT_SHARE * size * RADIUS), fill: dot });
  return icon;
}

function colorBar(colors, flat, what) {
  const bar = build('span', 'live-bar');
  const stops = [0, 64, 128, 192, 255].map(byte => {
    const packed = colors[byte];
    return cssColor([packed & 255, (packed >> 8) & 255, (packed >> 16) & 255]);
  });
  const halves = `${stops[0]} 50%, ${stops[4]} 50%`;
  bar.style.background = `linear-gradient(to right, ${flat ? halves : stops.join(', ')})`;
  return build('div', 'live-legend-row', build('span', 'live-scale', '\u22121', bar, '+1'), what);
}

const PART_NAMES = { train: 'training', validation: 'validation', test: 'test' };

/**
 * Two rows: classes and kinds of examples that are drawn; colors. `unit` is what the map shows instead of the output, or ''.
 * parts: names of the parts in the order in which they are drawn; isMarked: whether wrong predictions are ringed.
 */
export function legendRows({ classes, theme, colors, encoding, isFlat, unit, parts, isMarked }) {
  const keys = build('div', 'live-legend-row');
  classes.forEach((name, i) => {
    const icon = swatch(CLASS_SYMBOLS[i % CLASS_SYMBOLS.length], CLASS_COLORS[i % CLASS_COLORS.length], 'none');
    keys.append(build('span', 'live-key', icon, name));
  });
  [...parts].reverse().forEach((part, i) => {
    const { size, line, dot } = markStyle(part, false, theme);
    const icon = swatch('circle', line ? 'none' : theme.text, line ? theme.text : 'none', { size, width: line, dot: dot ? theme.text : '' });
    keys.append(build('span', i ? 'live-key' : 'live-key live-key-part', icon, PART_NAMES[part]));
  });
  if (isMarked) {
    const { rim, rimWidth } = markStyle('train', true, theme);
    keys.append(build('span', 'live-key', swatch('circle', QUIET[theme.name], rim, { width: rimWidth }), 'wrong'));
  }
  if (encoding === 'value') return [keys, colorBar(colors, isFlat, unit || 'output of the network')];
  const words = isFlat ? 'color: the chosen class' : 'color: the chosen class, paler where less sure';
  return [keys, build('div', 'live-legend-row', words)];
}
