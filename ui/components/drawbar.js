// The bar below the map while points are drawn: which class, which tool, one stroke back, an empty sheet, done.
// It stands where the legend stands otherwise, and its class buttons are one.
import { build, pressable, setText } from './dom.js';
import { swatch } from './legend.js';
import { CLASS_COLORS, CLASS_SYMBOLS } from './palette.js';

const MOST_CLASSES = 5;
const TOOLS = {
  add: ['Add', 'Click or drag over the map to add points.'],
  move: ['Move', 'Drag a point somewhere else.'],
  delete: ['Delete', 'Click or drag over points to delete them.'],
  relabel: ['Relabel', 'Click or drag over points to give them the chosen class.'],
};

/** owner: setClass(label), setTool(name), undo(), clear(), done(). */
export class DrawBar {
  constructor(owner) {
    this.owner = owner;
    this.classes = Array.from({ length: MOST_CLASSES }, (_, label) => {
      const icon = swatch(CLASS_SYMBOLS[label], CLASS_COLORS[label], 'none');
      const button = pressable('live-switch', `Class ${label + 1}`, '', () => owner.setClass(label));
      button.append(icon);
      button.title = `Class ${label + 1}`;
      return button;
    });
    this.tools = Object.entries(TOOLS).map(([name, [text, sentence]]) => {
      const button = pressable('live-switch', text, text, () => owner.setTool(name));
      Object.assign(button, { name, title: sentence });
      return button;
    });
    this.undo = pressable('live-switch', 'Undo', 'Undo', () => owner.undo());
    this.clear = pressable('live-switch', 'Clear', 'Clear', () => owner.clear());
    this.done = pressable('live-switch', 'Done', 'Done', () => owner.done());
    this.undo.title = 'Takes the last stroke back.';
    this.clear.title = 'An empty sheet; Undo brings the points back.';
    this.done.title = 'Ends the drawing; the points stay.';
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

  /** A class opens when the one before it has points, so that classes are counted without a gap. */
  show({ label, tool, points, past, note }) {
    const open = Math.max(1, ...points.map(point => point[2] + 1));
    this.classes.forEach((button, i) => {
      button.setAttribute('aria-pressed', String(i === label));
      button.disabled = i > open;
      button.title = i > open ? `Class ${i + 1}: give points to class ${i} first.` : `Class ${i + 1}`;
    });
    this.tools.forEach(button => button.setAttribute('aria-pressed', String(button.name === tool)));
    this.undo.disabled = past.length === 0;
    this.clear.disabled = points.length === 0;
    setText(this.note, note);
  }
}
