// The network of data without a map: its layers as columns of circles, few of each. Functions of plain numbers, and the drawing.
import { build, setText } from '../../shared/dom.js';

const SVG = 'http://www.w3.org/2000/svg';
const MOST = 6; // circles of a column
const PITCH = 13; // CSS pixels from circle to circle
const RADIUS = 4;
const COLUMN_PITCH = 104;
const FOOT_HEIGHT = 24; // for the names of the columns

/** What a column is called: "4 inputs", "8 Tanh", "3 outputs"; labels: name of an activation -> how it is shown. */
export function columnNames({ sizes, activations }, labels) {
  const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;
  return sizes.map((size, i) => {
    if (i === 0) return plural(size, 'input');
    return i === sizes.length - 1 ? plural(size, 'output') : `${size} ${labels[activations[i - 1]]}`;
  });
}

/** For each column the heights of its circles, around the middle of a drawing of this height. */
export function columnHeights(sizes, height) {
  return sizes.map(size => {
    const count = Math.min(size, MOST);
    return Array.from({ length: count }, (_, i) => height / 2 + PITCH * (i - (count - 1) / 2));
  });
}

export class Outline {
  constructor() {
    this.element = build('div', 'live-outline');
    this.element.setAttribute('role', 'img');
    this.shown = '';
  }

  /** outline: {sizes, activations} of the dense layers, or null for none. */
  show(outline, labels) {
    const text = outline ? columnNames(outline, labels).join(', ') : '';
    this.element.hidden = !outline;
    if (!outline || text === this.shown) return;
    this.shown = text;
    this.element.setAttribute('aria-label', `The network: ${text}.`);
    const { sizes } = outline;
    const height = PITCH * Math.min(MOST, Math.max(...sizes));
    const columns = columnHeights(sizes, height);
    const x = column => COLUMN_PITCH * (column + 0.5);
    const lines = columns.slice(1).flatMap((ends, i) => columns[i].flatMap(y1 => ends.map(y2 => draw('line', { x1: x(i), y1, x2: x(i + 1), y2 }))));
    const circles = columns.flatMap((heights, i) => heights.map(cy => draw('circle', { cx: x(i), cy, r: RADIUS })));
    const names = columnNames(outline, labels).map((name, i) => {
      const node = draw('text', { x: x(i), y: height + FOOT_HEIGHT / 2, 'text-anchor': 'middle' });
      setText(node, name);
      return node;
    });
    const [across, down] = [COLUMN_PITCH * sizes.length, height + FOOT_HEIGHT];
    const drawing = draw('svg', { viewBox: `0 0 ${across} ${down}`, width: across, height: down });
    drawing.append(...lines, ...circles, ...names);
    this.element.replaceChildren(drawing);
  }
}

function draw(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
