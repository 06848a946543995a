// The drawing pad over the big map: points are added, moved, deleted and relabelled by mouse, touch, pen or keyboard.
import { build, placeAt, placeIn, setText } from './dom.js';
import { DrawBar } from './drawbar.js';

const TALK_PERIOD = 150; // ms without another point before the page hears of them
const STROKE_STEP = 14; // CSS pixels between two points of one stroke
const GRASP = 16; // CSS pixels within which a point is taken
const MOST_POINTS = 500; // as many as a link holds
const KEY_STEPS = 40; // arrow keys from one side of the map to the other
const MOST_UNDONE = 50; // strokes that Undo can take back

/** owner: points(message), the message being {points: [[x, y, class], ...], number, done}. Lies on `stage` while `options` are given. */
export class DrawingPad {
  constructor(stage, owner) {
    this.stage = stage;
    this.owner = owner;
    this.options = null;
    this.points = null;
    this.tool = 'add';
    this.label = 0;
    this.past = []; // the points before each stroke
    this.before = null; // the points before the stroke that has begun
    this.held = -1;
    this.bar = new DrawBar(this);
    this.cross = build('div', 'live-crosshair');
    this.told = build('span', 'live-hidden');
    this.told.setAttribute('role', 'status');
    this.note = build('span', 'live-tip', `${MOST_POINTS} points, as many as fit in a link`);
    this.note.hidden = true;
    this.element = build('div', 'live-pad', this.cross, this.told, this.note);
    this.element.tabIndex = 0;
    this.element.hidden = true;
    this.element.setAttribute('role', 'application');
    this.element.setAttribute('aria-label', 'Drawing pad. Arrow keys move the cross; Enter adds, moves, deletes or relabels a point, as chosen; 1 to 5 choose the class.');
    stage.square.append(this.element);
    stage.square.after(this.bar.element);
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
      if (event.buttons & 1) this.partsOf(event).forEach(part => this.go(...this.placeOf(part)));
    });
    for (const end of ['pointerup', 'pointercancel']) element.addEventListener(end, () => this.end());
    element.addEventListener('keydown', event => this.press(event));
    element.addEventListener('focus', () => this.showCross());
    element.addEventListener('blur', () => { this.held = -1; });
  }

  /**
   * options: {points, revision, taken, note} or null. The pad keeps its own points from then on; it takes `points` when it
   * opens and whenever `revision` changes. `taken` is the number of the last message that arrived: one that another event
   * of the same moment has pushed aside is sent again.
   */
  setOptions(options) {
    const opens = options && !this.options;
    const anew = opens || (options && options.revision !== this.options.revision);
    this.options = options;
    this.element.hidden = this.bar.element.hidden = !options;
    this.stage.legend.hidden = Boolean(options);
    if (!options) {
      clearTimeout(this.timer);
      this.timer = null;
      if (this.points) this.stage.draw(null);
      this.points = null;
      return;
    }
    if (anew) {
      this.points = options.points.map(point => [...point]);
      this.past = [];
      this.number = options.taken;
      this.stage.draw(this.points);
    } else if (!this.timer && options.taken < this.number) {
      this.talk();
    }
    this.showBar();
    if (opens && document.activeElement?.closest('.st-key-draw')) {
      this.element.scrollIntoView({ block: 'nearest' });
      this.element.focus({ preventScroll: true });
    }
  }

  // -- what the bar asks

  setTool(tool) {
    this.tool = tool;
    this.held = -1;
    this.showBar();
  }

  /** With the tool Move or Delete a class would do nothing, so choosing one goes on adding. */
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
    this.talk(true);
  }

  showBar() {
    const { label, tool, points, past, options } = this;
    this.bar.show({ label, tool, points, past, note: options.note });
  }

  /** What Undo brings back, should the stroke that begins change anything. */
  remember() {
    this.before = this.points.map(point => [...point]);
  }

  /** The places between two frames: only pages from a secure address are told of them. */
  partsOf(event) {
    return event.getCoalescedEvents?.() ?? [event];
  }

  placeOf(event) {
    return placeIn(this.stage.square, event);
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
    if (this.timer) this.talk();
  }

  /** The tool at a place: adds there, or deletes or relabels the nearest point. */
  act(x, y) {
    const { tool, label } = this;
    const found = tool === 'add' ? -1 : this.nearest(x, y);
    if (tool === 'add' && this.add(x, y, label)) this.changed();
    if (found >= 0 && tool === 'delete') this.points.splice(found, 1);
    else if (found >= 0) this.points[found][2] = label;
    if (found >= 0) this.changed();
  }

  add(x, y, label) {
    const point = this.stage.scale.back(x, y);
    if (!this.stage.scale.holds(...point) || this.points.length >= MOST_POINTS) return false;
    this.points.push([...point.map(value => Number(value.toFixed(4))), label]);
    return true;
  }

  put(index, x, y) {
    const point = this.stage.scale.back(x, y);
    if (!this.stage.scale.holds(...point)) return;
    this.points[index] = [...point.map(value => Number(value.toFixed(4))), this.points[index][2]];
    this.changed();
  }

  nearest(x, y) {
    const { across, up } = this.stage.scale;
    let best = -1;
    let distance = GRASP;
    this.points.forEach(([first, second], i) => {
      const away = Math.hypot(across(first) - x, up(second) - y);
      if (away < distance) [best, distance] = [i, away];
    });
    return best;
  }

  changed() {
    if (this.before) this.past = [...this.past, this.before].slice(-MOST_UNDONE);
    this.before = null;
    this.stage.draw(this.points);
    this.showBar();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.talk(), TALK_PERIOD);
  }

  talk(done = false) {
    clearTimeout(this.timer);
    this.timer = null;
    this.number += 1;
    this.owner.points({ points: this.points, number: this.number, done });
    this.note.hidden = this.points.length < MOST_POINTS;
    setText(this.told, `${this.points.length} points.`);
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
    const step = this.stage.scale.span / KEY_STEPS * (event.shiftKey ? 5 : 1);
    const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[key];
    if (!way && key !== 'Enter' && key !== ' ') return;
    event.preventDefault();
    this.stage.pointOut();
    const [x, y] = this.center;
    if (way) {
      const next = [x + way[0], y + way[1]];
      if (!this.stage.scale.holds(...this.stage.scale.back(...next))) return;
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
    const { across, up } = this.stage.scale;
    const [low, high] = this.stage.plane.extent;
    this.center ??= [across((low + high) / 2), up((low + high) / 2)];
    placeAt(this.cross, Math.min(this.center[0], across(high)), Math.min(this.center[1], up(low)));
    const [x, y] = this.stage.scale.back(...this.center);
    setText(this.told, `x1 ${x.toFixed(1)}, x2 ${y.toFixed(1)}`);
  }

  close() {
    clearTimeout(this.timer);
  }
}
