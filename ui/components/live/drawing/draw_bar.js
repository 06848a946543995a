// The bar below the map while points are drawn: class, tool, undo, clear, done. It takes the place of the legend, whose
// symbols are on its class buttons.
import { MAX_DRAWN_CLASSES } from '../../shared/protocol.js';
import { build, makeButton, setText } from '../../shared/dom.js';
import { swatch } from '../map/legend.js';
import { CLASS_COLORS, CLASS_SYMBOLS } from '../../shared/palette.js';

const TOOLS = {
  add: ['Add', 'Click or drag over the map to add points.'],
  move: ['Move', 'Drag a point to another place.'],
  delete: ['Delete', 'Click or drag over points to delete them.'],
  relabel: ['Relabel', 'Click or drag over points to give them the chosen class.'],
};

/** The highest class that may be chosen: one more than those that have points, at least the second one. */
export function lastAvailableClass(points) {
  return Math.max(1, ...points.map(point => point[2] + 1));
}

/** owner: setClass(label), setTool(name), undo(), clear(), done(). */
export class DrawBar {
  constructor(owner) {
    this.owner = owner;
    this.classes = Array.from({ length: MAX_DRAWN_CLASSES }, (_, label) => {
      const icon = swatch(CLASS_SYMBOLS[label], CLASS_COLORS[label], 'none');
      const button = makeButton('live-switch', `Class ${label + 1}`, '', () => owner.setClass(label));
      button.append(icon);
      button.title = `Class ${label + 1}`;
      return button;
    });
    this.tools = Object.entries(TOOLS).map(([name, [text, sentence]]) => {
      const button = makeButton('live-switch', text, text, () => owner.setTool(name));
      Object.assign(button, { name, title: sentence });
      return button;
    });
    this.undo = makeButton('live-switch', 'Undo', 'Undo', () => owner.undo());
    this.clear = makeButton('live-switch', 'Clear', 'Clear', () => owner.clear());
    this.done = makeButton('live-switch', 'Done', 'Done', () => owner.done());
    this.undo.title = 'Undo the last stroke.';
    this.clear.title = 'Delete all points; Undo restores them.';
    this.done.title = 'Finish drawing; the points stay.';
    this.note = build('p', 'live-words');
    this.note.setAttribute('role', 'status');
    const row = (name, ...buttons) => {
      const group = build('div', 'live-drawbar-row', ...buttons);
      group.setAttribute('role', 'group');
      group.setAttribute('aria-label', name);
      return group;
    };
    const first = row('Class of the points', ...this.classes, build('span', 'live-drawbar-gap'), this.undo, this.clear);
    const second = row('Drawing tool', ...this.tools, build('span', 'live-drawbar-gap'), this.done);
    this.element = build('div', 'live-drawbar', first, second, this.note);
    this.element.hidden = true;
  }

  /** A class is available once the one before it has points, so that there is no class without points. */
  show({ label, tool, points, past, note }) {
    const available = lastAvailableClass(points);
    this.classes.forEach((button, i) => {
      button.setAttribute('aria-pressed', String(i === label));
      button.disabled = i > available;
      button.title = i > available ? `Class ${i + 1}: give points to class ${i} first.` : `Class ${i + 1}`;
    });
    this.tools.forEach(button => button.setAttribute('aria-pressed', String(button.name === tool)));
    this.undo.disabled = past.length === 0;
    this.clear.disabled = points.length === 0;
    setText(this.note, note);
  }
}
