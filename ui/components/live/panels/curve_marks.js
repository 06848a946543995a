// What is written over the curves of a chart: the name of each line at its end, and a ring at the best value. These are
// elements above the chart, placed after each redraw by its axes; Plotly's own annotations would be drawn twice a redraw.
import { build, setText } from '../../shared/dom.js';

const LINE_HEIGHT = 1.15; // distance of two names, in font sizes
const LETTER_WIDTH = 0.5; // of a name, in font sizes
const NAME_GAP = 5; // CSS pixels from the end of a line to its name

/** Places moved to be at least `gap` apart, in the same order and between low and high, if they fit there. */
export function apart(places, gap, low, high) {
  const moved = [...places];
  const order = moved.map((_, i) => i).sort((a, b) => moved[a] - moved[b] || a - b);
  let limit = high;
  for (const i of [...order].reverse()) {
    moved[i] = Math.min(moved[i], limit);
    limit = moved[i] - gap;
  }
  limit = low;
  for (const i of order) {
    moved[i] = Math.max(moved[i], limit);
    limit = moved[i] + gap;
  }
  return moved;
}

/** Index of the lowest of the known values, -1 if there is none. */
export function lowestIndex(values) {
  let best = -1;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i]) && !(values[i] >= values[best])) best = i;
  }
  return best;
}

/**
 * The last point of a line that is in sight, as {x, y, across, place}, or null; across, place: pixels from the left and the
 * top of the axes.
 * xaxis, yaxis: Plotly's, of which d2p (value to pixels) and _length (pixels) are used.
 */
export function lineEnd(x, y, xaxis, yaxis) {
  let last = x.length - 1;
  while (last >= 0 && !(Number.isFinite(yaxis.d2p(y[last])) && Number.isFinite(y[last]) && xaxis.d2p(x[last]) <= xaxis._length + 1)) last -= 1;
  if (last < 0 || xaxis.d2p(x[last]) < -1) return null;
  const place = yaxis.d2p(y[last]);
  return place < -1 || place > yaxis._length + 1 ? null : { x: x[last], y: y[last], across: xaxis.d2p(x[last]), place };
}

/** The names of the lines that end in sight: {name, color, x, y, across, place, shown}; shown: the place apart from the others. */
export function lineNames(traces, { xaxis, yaxis, font }) {
  const ends = traces.map(({ name, line, x, y }) => ({ name, color: line.color, end: lineEnd(x ?? [], y ?? [], xaxis, yaxis) }));
  const seen = ends.filter(({ end }) => end);
  const half = font.size / 2;
  const shown = apart(seen.map(({ end }) => end.place), LINE_HEIGHT * font.size, half - 6, yaxis._length - half);
  return seen.map(({ name, color, end }, i) => ({ name, color, ...end, shown: shown[i] }));
}

/** CSS pixels right of the axes that these names need. */
export function nameMargin(names, fontSize) {
  return Math.ceil(NAME_GAP + LETTER_WIDTH * fontSize * Math.max(...names.map(name => name.length)) + 4);
}

/** The same names as Plotly's annotations, for a saved picture. */
export function nameAnnotations(names, { yaxis }) {
  return names.map(({ name, color, x, y, place, shown }) => ({
    text: name, font: { color }, showarrow: false, x, xanchor: 'left', xshift: NAME_GAP - 1,
    y: yaxis.type === 'log' ? Math.log10(y) : y, yshift: place - shown,
  }));
}

/** The elements over a plot. */
export class CurveMarks {
  constructor() {
    this.names = /** @type {HTMLElement[]} */ ([]);
    this.ring = build('i', 'live-best');
    this.ring.hidden = true;
    this.element = build('div', 'live-curve-marks', this.ring);
  }

  /** names: of lineNames; best: {x, y, color} or null; layout: Plotly's, complete. */
  place(names, best, { xaxis, yaxis, font }) {
    while (this.names.length > names.length) this.names.pop()?.remove();
    while (this.names.length < names.length) {
      this.names.push(build('span', ''));
      this.element.append(this.names.at(-1));
    }
    this.element.style.fontSize = `${font.size}px`;
    names.forEach(({ name, color, across, shown }, i) => {
      const { style } = this.names[i];
      setText(this.names[i], name);
      style.color = color;
      style.transform = `translate(${xaxis._offset + across + NAME_GAP}px, ${yaxis._offset + shown}px) translateY(-50%)`;
    });
    const [x, y] = best ? [xaxis.d2p(best.x), yaxis.d2p(best.y)] : [NaN, NaN];
    this.ring.hidden = !(x >= -1 && x <= xaxis._length + 1 && y >= -1 && y <= yaxis._length + 1);
    if (this.ring.hidden) return;
    this.ring.style.borderColor = best.color;
    this.ring.style.transform = `translate(${xaxis._offset + x}px, ${yaxis._offset + y}px) translate(-50%, -50%)`;
  }
}
