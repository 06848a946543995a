// The drawing pad over the map: points are added, moved, deleted and relabeled by mouse, touch, pen or keyboard.
import { MAX_DRAWN_POINTS } from '../../shared/protocol.js';
import { build, placeAt, placeIn, setText } from '../../shared/dom.js';
import { DrawBar } from './draw_bar.js';
import { counted } from '../../shared/format.js';

const SEND_DELAY_MS = 150; // without another point, before Python gets them
const STROKE_STEP = 14; // CSS pixels between two points of one stroke
const GRAB_DISTANCE = 16; // CSS pixels within which a point is hit
const KEY_STEPS = 40; // presses of an arrow key from one side of the map to the other
const MAX_UNDO = 50; // strokes

/** Covers `map` while `options` are given. owner: points({points: [[x, y, class], ...], number, done}). */
export class DrawingPad {
  constructor(map, owner) {
    this.map = map;
    this.owner = owner;
    this.options = null;
    this.points = null;
    this.tool = 'add';
    this.label = 0;
    this.past = []; // the points before each stroke
    this.before = null; // the points before the current stroke
    this.timer = 0; // of the next message, 0 if there is none
    this.held = -1; // index of the point that is being moved
    this.bar = new DrawBar(this);
    this.cross = build('div', 'live-crosshair');
    this.spoken = build('span', 'live-hidden');
    this.spoken.setAttribute('role', 'status');
    this.note = build('span', 'live-tip', `${MAX_DRAWN_POINTS} points, the most that fit in a link`);
    this.note.hidden = true;
    this.element = build('div', 'live-pad', this.cross, this.spoken, this.note);
    this.element.tabIndex = 0;
    this.element.hidden = true;
    this.element.setAttribute('role', 'application');
    this.element.setAttribute('aria-label', 'Drawing pad. Arrow keys move the cross; Enter adds, moves, deletes or relabels a point, depending on the tool; 1 to 5 choose the class.');
    map.square.append(this.element);
    map.square.after(this.bar.element);
    this.listen();
  }

  listen() {
    const { element } = this;
    element.addEventListener('pointerdown', event => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      this.begin(...this.placeOf(event));
    });
    element.addEventListener('pointermove', event => {
      if (event.buttons & 1) this.movesOf(event).forEach(move => this.go(...this.placeOf(move)));
    });
    for (const end of ['pointerup', 'pointercancel']) element.addEventListener(end, () => this.end());
    element.addEventListener('keydown', event => this.press(event));
    element.addEventListener('focus', () => this.showCross());
    element.addEventListener('blur', () => { this.held = -1; });
  }

  /**
   * options: {points, revision, taken, note} or null. The pad takes `points` when it opens and whenever `revision` changes;
   * otherwise it keeps its own. `taken` is the number of the last message that arrived: a message that another event of the
   * same moment replaced is sent again.
   */
  setOptions(options) {
    const opens = options && !this.options;
    const isNew = opens || (options && options.revision !== this.options.revision);
    this.options = options;
    this.element.hidden = this.bar.element.hidden = !options;
    this.map.legend.hidden = Boolean(options);
    if (!options) {
      clearTimeout(this.timer);
      this.timer = 0;
      if (this.points) this.map.draw(null);
      this.points = null;
      return;
    }
    if (isNew) {
      this.points = options.points.map(point => [...point]);
      this.past = [];
      this.number = options.taken;
      this.map.draw(this.points);
    } else if (!this.timer && options.taken < this.number) {
      this.send();
    }
    this.showBar();
    if (opens && document.activeElement?.closest('.st-key-draw')) {
      this.element.scrollIntoView({ block: 'nearest' });
      this.element.focus({ preventScroll: true });
    }
  }

  // -- called by the bar

  setTool(tool) {
    this.tool = tool;
    this.held = -1;
    this.showBar();
  }

  /** A class has no effect on the tools Move and Delete, so choosing one switches to Add. */
  setClass(label) {
    this.label = label;
    if (this.tool !== 'relabel') this.tool = 'add';
    this.showBar();
  }

  undo() {
    if (this.past.length === 0) return;
    this.points = this.past.pop();
    this.before = null;
    this.changed();
  }

  clear() {
    this.remember();
    this.points = [];
    this.label = 0;
    this.tool = 'add';
    this.changed();
  }

  done() {
    this.send(true);
  }

  showBar() {
    const { label, tool, points, past, options } = this;
    this.bar.show({ label, tool, points, past, note: options.note });
  }

  /** Keeps the points for Undo, in case the stroke that begins changes anything. */
  remember() {
    this.before = this.points.map(point => [...point]);
  }

  /** The pointer's places between two frames; browsers report them only to pages from a secure address. */
  movesOf(event) {
    return event.getCoalescedEvents?.() ?? [event];
  }

  placeOf(event) {
    return placeIn(this.map.square, event);
  }

  // -- one stroke, in CSS pixels of the map

  begin(x, y) {
    this.last = [x, y];
    this.remember();
    if (this.tool === 'move') this.held = this.nearest(x, y);
    else this.act(x, y);
  }

  go(x, y) {
    if (!this.last) return;
    if (this.held >= 0) this.put(this.held, x, y);
    const far = Math.hypot(x - this.last[0], y - this.last[1]) >= STROKE_STEP;
    if (this.tool === 'move' || !far) return;
    this.last = [x, y];
    this.act(x, y);
  }

  end() {
    this.last = null;
    this.held = -1;
    if (this.timer) this.send();
  }

  /** Applies the tool at a place: adds there, or deletes or relabels the nearest point. */
  act(x, y) {
    const { tool, label } = this;
    const found = tool === 'add' ? -1 : this.nearest(x, y);
    if (tool === 'add' && this.add(x, y, label)) this.changed();
    if (found >= 0 && tool === 'delete') this.points.splice(found, 1);
    else if (found >= 0) this.points[found][2] = label;
    if (found >= 0) this.changed();
  }

  add(x, y, label) {
    const point = this.map.scale.back(x, y);
    if (!this.map.scale.holds(...point) || this.points.length >= MAX_DRAWN_POINTS) return false;
    this.points.push([...point.map(value => Number(value.toFixed(4))), label]);
    return true;
  }

  put(index, x, y) {
    const point = this.map.scale.back(x, y);
    if (!this.map.scale.holds(...point)) return;
    this.points[index] = [...point.map(value => Number(value.toFixed(4))), this.points[index][2]];
    this.changed();
  }

  nearest(x, y) {
    const { across, up } = this.map.scale;
    let best = -1;
    let distance = GRAB_DISTANCE;
    this.points.forEach(([first, second], i) => {
      const away = Math.hypot(across(first) - x, up(second) - y);
      if (away < distance) [best, distance] = [i, away];
    });
    return best;
  }

  changed() {
    if (this.before) this.past = [...this.past, this.before].slice(-MAX_UNDO);
    this.before = null;
    this.map.draw(this.points);
    this.showBar();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), SEND_DELAY_MS);
  }

  send(done = false) {
    clearTimeout(this.timer);
    this.timer = 0;
    this.number += 1;
    this.owner.points({ points: this.points, number: this.number, done });
    this.note.hidden = this.points.length < MAX_DRAWN_POINTS;
    setText(this.spoken, `${counted(this.points.length, 'point')}.`);
  }

  // -- the keyboard: a cross that moves over the map

  press(event) {
    const { key } = event;
    if (key.toLowerCase() === 'z' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.undo();
      return;
    }
    const button = this.bar.classes[Number(key) - 1];
    if (button && !button.disabled && !event.ctrlKey && !event.metaKey && !event.altKey) this.setClass(Number(key) - 1);
    const step = this.map.scale.span / KEY_STEPS * (event.shiftKey ? 5 : 1);
    const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[key];
    if (!way && key !== 'Enter' && key !== ' ') return;
    event.preventDefault();
    this.map.hideTip();
    const [x, y] = this.center;
    if (way) {
      const next = [x + way[0], y + way[1]];
      if (!this.map.scale.holds(...this.map.scale.back(...next))) return;
      this.center = next;
      if (this.held >= 0) this.put(this.held, ...next);
      this.showCross();
    } else if (this.tool === 'move') {
      this.held = this.held < 0 ? this.nearest(x, y) : -1;
      this.remember();
    } else {
      this.remember();
      this.act(x, y);
    }
  }

  showCross() {
    const { across, up } = this.map.scale;
    const [low, high] = this.map.plane.extent;
    this.center ??= [across((low + high) / 2), up((low + high) / 2)];
    placeAt(this.cross, Math.min(this.center[0], across(high)), Math.min(this.center[1], up(low)));
    const [x, y] = this.map.scale.back(...this.center);
    setText(this.spoken, `x1 ${x.toFixed(1)}, x2 ${y.toFixed(1)}`);
  }

  close() {
    clearTimeout(this.timer);
  }
}
