// The drawing pad over the big map: points are added, moved, deleted and relabelled by mouse, touch, pen or keyboard.
import { build, placeAt, placeIn, setText } from './dom.js';

const TALK_PERIOD = 150; // ms without another point before the page hears of them
const STROKE_STEP = 14; // CSS pixels between two points of one stroke
const GRASP = 16; // CSS pixels within which a point is taken
const MOST_POINTS = 500; // as many as a link holds
const KEY_STEPS = 40; // arrow keys from one side of the map to the other

/** owner: points([[x, y, class], ...]). Lies on `stage` while `options` are given. */
export class DrawingPad {
  constructor(stage, owner) {
    this.stage = stage;
    this.owner = owner;
    this.options = null;
    this.points = null;
    this.held = -1;
    this.cross = build('div', 'live-crosshair');
    this.told = build('span', 'live-hidden');
    this.told.setAttribute('role', 'status');
    this.note = build('span', 'live-tip', `${MOST_POINTS} points, as many as fit in a link`);
    this.note.hidden = true;
    this.element = build('div', 'live-pad', this.cross, this.told, this.note);
    this.element.tabIndex = 0;
    this.element.hidden = true;
    this.element.setAttribute('role', 'application');
    this.element.setAttribute('aria-label', 'Drawing pad. Arrow keys move the cross; Enter adds, moves, deletes or relabels a point, as chosen.');
    stage.square.append(this.element);
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
   * options: {class, classes, tool, points, revision} or null. The pad keeps its own points from then on; it takes `points`
   * when it opens and whenever `revision` changes, and those of the frame where none are given.
   */
  setOptions(options) {
    const anew = options && (!this.options || options.revision !== this.options.revision);
    this.options = options;
    this.element.hidden = !options;
    if (!options) {
      clearTimeout(this.timer);
      if (this.points) this.stage.draw(null);
      this.points = null;
    } else if (anew) {
      this.points = options.points?.map(point => [...point]) ?? this.ofFrame();
      this.stage.draw(this.points);
    }
  }

  /** The examples that the frames brought, or null while there are none. */
  ofFrame() {
    const { points, classes, numbers } = this.stage;
    if (!points || classes.length === 0) return [];
    return ['train', 'test'].flatMap(part => Array.from(points[`labels_${part}`], (label, i) => [
      points[`points_${part}`][2 * i], points[`points_${part}`][2 * i + 1], numbers?.[label] ?? label,
    ]));
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
    if (this.options.tool === 'move') this.held = this.nearest(x, y);
    else this.act(x, y);
  }

  go(x, y) {
    if (!this.last) return;
    if (this.held >= 0) this.put(this.held, x, y);
    const far = Math.hypot(x - this.last[0], y - this.last[1]) >= STROKE_STEP;
    if (this.options.tool === 'move' || !far) return;
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
    const { tool, class: label } = this.options;
    const found = tool === 'add' ? -1 : this.nearest(x, y);
    if (tool === 'add') this.add(x, y, label);
    else if (found >= 0 && tool === 'delete') this.points.splice(found, 1);
    else if (found >= 0 && tool === 'relabel') this.points[found][2] = label;
    else return;
    this.changed();
  }

  add(x, y, label) {
    const point = this.stage.scale.back(x, y);
    if (!this.stage.scale.holds(...point)) return;
    if (this.points.length >= MOST_POINTS) return;
    this.points.push([...point.map(value => Number(value.toFixed(4))), label]);
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
    this.stage.draw(this.points);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.talk(), TALK_PERIOD);
  }

  talk() {
    clearTimeout(this.timer);
    this.timer = null;
    this.owner.points(this.points);
    this.note.hidden = this.points.length < MOST_POINTS;
    setText(this.told, `${this.points.length} points.`);
  }

  // -- the keyboard: a cross that moves over the map

  press(event) {
    const step = this.stage.scale.span / KEY_STEPS * (event.shiftKey ? 5 : 1);
    const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (!way && event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    this.stage.pointOut();
    const [x, y] = this.center;
    if (way) {
      const next = [x + way[0], y + way[1]];
      if (!this.stage.scale.holds(...this.stage.scale.back(...next))) return;
      this.center = next;
      if (this.held >= 0) this.put(this.held, ...next);
      this.showCross();
    } else if (this.options.tool === 'move') {
      this.held = this.held < 0 ? this.nearest(x, y) : -1;
    } else {
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
