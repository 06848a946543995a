// The legend of the map: what its colors and shapes mean.
import { DOT_SHARE } from './marks.js';
import { build } from '../../shared/dom.js';
import { CLASS_COLORS, CLASS_SYMBOLS, cssColor, symbolPath } from '../../shared/palette.js';

const RADIUS = 4.4; // of a symbol, in pixels of its icon

/** A class symbol as inline SVG; dot: the color of a dot in its center, if any. */
export function swatch(symbol, fill, stroke, dot = '') {
  const space = 'http://www.w3.org/2000/svg';
  const icon = document.createElementNS(space, 'svg');
  const set = (element, attributes) => Object.entries(attributes).forEach(pair => element.setAttribute(...pair));
  set(icon, { class: 'live-swatch', viewBox: '0 0 14 14', 'aria-hidden': 'true' });
  const add = attributes => {
    const path = document.createElementNS(space, 'path');
    set(path, attributes);
    icon.append(path);
  };
  add({ d: symbolPath(symbol, 7, 7, RADIUS), fill, stroke, 'stroke-width': stroke === 'none' ? 0 : 1.8 });
  if (dot) add({ d: symbolPath('circle', 7, 7, DOT_SHARE * RADIUS), fill: dot });
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

/** Two rows: classes and kinds of examples; colors. `unit` is what the map shows instead of the output, or ''. */
export function legendRows({ classes, theme, colors, encoding, options, unit, hasValidation }) {
  const keys = build('div', 'live-legend-row');
  classes.forEach((name, i) => {
    const icon = swatch(CLASS_SYMBOLS[i % CLASS_SYMBOLS.length], CLASS_COLORS[i % CLASS_COLORS.length], 'none');
    keys.append(build('span', 'live-key', icon, name));
  });
  keys.append(build('span', 'live-key live-key-part', swatch('circle', theme.text, 'none'), 'training'));
  if (hasValidation) keys.append(build('span', 'live-key', swatch('circle', 'none', theme.text, theme.text), 'validation'));
  if (options.show_test) keys.append(build('span', 'live-key', swatch('circle', 'none', theme.text), 'test'));
  if (classes.length) keys.append(build('span', 'live-key', swatch('x', theme.text, 'none'), 'wrong'));
  if (encoding === 'value') return [keys, colorBar(colors, options.discretize, unit || 'output of the network')];
  const words = options.discretize ? 'color: the chosen class' : 'color: the chosen class, paler where less sure';
  return [keys, build('div', 'live-legend-row', words)];
}
