// The drawing pad: strokes of a mouse, a finger or a pen. During a stroke, a small gray picture of all strokes goes to
// Python, no faster than it answers; the network's prediction is shown beside the pad.
import { PAD_SIDE } from '../shared/protocol.js';
import { build, sharpContext } from '../shared/dom.js';
import { Reading } from './reading.js';

const MIN_PERIOD_MS = 60; // between two pictures
const ANSWER_TIMEOUT_MS = 1500; // after which the next picture is sent without waiting for the answer
const BRUSH_WIDTHS = { min: 4, max: 20, value: 11 }; // percent of the pad

export class Pad {
  constructor(root) {
    this.api = null; // what Streamlit offers a component, set by images.js
    this.strokes = []; // {width, points: [[x, y], ...]}, all as shares of the pad's side
    this.active = null;
    this.sent = this.answered = 0;
    this.sentAt = -ANSWER_TIMEOUT_MS;
    this.painting = 0; // the animation frame that will paint
    this.canvas = build('canvas', 'img-pad');
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', 'Drawing pad. Without a mouse, change a test picture below instead.');
    this.hint = build('p', 'img-hint', 'Draw a digit here');
    this.undo = this.button('Undo', () => this.strokes.pop());
    this.clear = this.button('Clear', () => (this.strokes.length = 0));
    this.brush = Object.assign(build('input', ''), { type: 'range', ...BRUSH_WIDTHS });
    this.brush.setAttribute('aria-label', 'Brush size');
    const tools = build('div', 'img-tools', this.undo, this.clear, build('label', 'img-brush', 'Brush', this.brush));
    this.reading = new Reading();
    const sheet = build('div', 'img-sheet', this.canvas, this.hint);
    root.append(build('div', 'img-desk', build('div', 'img-left', sheet, tools), this.reading.element));
    this.reading.answer.setAttribute('role', 'status');
    this.small = build('canvas');
    this.small.width = this.small.height = PAD_SIDE;
    this.resized = new ResizeObserver(() => this.paint());
    this.resized.observe(this.canvas);
    this.listen();
    this.changed();
  }

  button(name, action) {
    const button = build('button', 'img-button', name);
    button.type = 'button';
    button.addEventListener('click', () => {
      action();
      this.changed();
    });
    return button;
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener('pointerdown', event => this.begin(event));
    canvas.addEventListener('pointermove', event => this.go(event));
    for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) canvas.addEventListener(name, event => this.end(event));
    canvas.addEventListener('keydown', event => {
      if (event.key === 'Delete') this.clear.click();
      else if (event.key === 'Backspace' || (event.key === 'z' && (event.ctrlKey || event.metaKey))) this.undo.click();
      else return;
      event.preventDefault();
    });
  }

  // -- one stroke

  begin(event) {
    if (this.active !== null || event.button > 0) return; // a second finger, or another mouse button
    event.preventDefault();
    this.active = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push({ width: this.brush.valueAsNumber / 100, points: [this.place(event)] });
    this.changed();
  }

  go(event) {
    if (event.pointerId !== this.active) return;
    const events = event.getCoalescedEvents?.() ?? [];
    this.strokes.at(-1).points.push(...(events.length ? events : [event]).map(each => this.place(each)));
    this.changed();
  }

  end(event) {
    if (event.pointerId === this.active) this.active = null;
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  // -- what a change leads to

  changed() {
    const empty = !this.strokes.length;
    this.undo.disabled = this.clear.disabled = empty;
    this.hint.hidden = !empty;
    this.canvas.dataset.strokes = this.strokes.length;
    this.dirty = true;
    this.markState();
    this.painting ||= requestAnimationFrame(() => {
      this.painting = 0;
      this.paint();
      this.send();
    });
  }

  paint() {
    const side = this.canvas.clientWidth;
    if (!side) return;
    draw(sharpContext(this.canvas, side, side), this.strokes, side, getComputedStyle(this.canvas).color);
  }

  /** Sends the picture if it has changed, unless an answer is pending, which calls this again. */
  send() {
    clearTimeout(this.timer);
    const now = performance.now();
    const wait = this.answered < this.sent ? ANSWER_TIMEOUT_MS : MIN_PERIOD_MS;
    if (!this.dirty || !this.api) return;
    if (now - this.sentAt < wait) {
      this.timer = setTimeout(() => this.send(), wait - (now - this.sentAt));
      return;
    }
    this.dirty = false;
    if (!this.sent && !this.strokes.length) { // nothing was ever drawn
      this.markState();
      return;
    }
    this.sent += 1;
    this.sentAt = now;
    this.api.setStateValue('drawing', { ink: this.ink(), number: this.sent });
  }

  /** The strokes as PAD_SIDE ** 2 bytes in base64, 0 paper and 255 ink; '' if there are none. */
  ink() {
    if (!this.strokes.length) return '';
    const context = this.small.getContext('2d', { willReadFrequently: true });
    context.fillStyle = '#000';
    context.fillRect(0, 0, PAD_SIDE, PAD_SIDE);
    draw(context, this.strokes, PAD_SIDE, '#fff');
    const { data } = context.getImageData(0, 0, PAD_SIDE, PAD_SIDE);
    let text = '';
    for (let i = 0; i < data.length; i += 4) text += String.fromCharCode(data[i]);
    return btoa(text);
  }

  show(header, arrays) {
    this.answered = Math.max(this.answered, header.number);
    this.reading.show({ ...header, title: 'What the network sees' }, arrays.picture, header.empty ? null : arrays.shares);
    this.paint(); // the theme may have changed
    this.markState();
    if (!this.sent && !header.empty) { // a pad that was mounted again has lost its strokes, but Python has the last picture
      this.sent = header.number + 1;
      this.api.setStateValue('drawing', { ink: '', number: this.sent });
    }
    this.send();
  }

  /** Marks whether the prediction beside the pad is that of the current drawing. */
  markState() {
    this.canvas.dataset.state = this.dirty || this.answered < this.sent ? 'waiting' : 'read';
  }

  close() {
    this.resized.disconnect();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.painting);
  }
}

/** Draws strokes through the midpoints between their points, which smooths corners; a tap is a dot. */
function draw(context, strokes, side, color) {
  Object.assign(context, { strokeStyle: color, lineCap: 'round', lineJoin: 'round' });
  for (const { width, points } of strokes) {
    const at = points.map(([x, y]) => [x * side, y * side]);
    context.lineWidth = width * side;
    context.beginPath();
    context.moveTo(...at[0]);
    at.slice(1).forEach(([x, y], i) => context.quadraticCurveTo(...at[i], (at[i][0] + x) / 2, (at[i][1] + y) / 2));
    context.lineTo(...at.at(-1));
    context.stroke();
  }
}
