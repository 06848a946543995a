// The response curves under the settings: asks the worker for those in sight and draws them into the places of the page.
import { BytePicture, build } from '../../shared/dom.js';
import { COMMANDS } from '../../shared/protocol.js';
import { ResponseCurve } from './response_curve.js';
import { mapColors } from '../../shared/palette.js';

const PERIOD_MS = 120; // between two questions
const PATIENCE_MS = 3000; // for an answer
const TIP_GAP = 6; // pixels between a curve and its tip

/** Down to where something inside an element can be seen: the end of the window, or of a popover. */
function lowestSeen(element) {
  let lowest = window.innerHeight;
  for (let around = element.parentElement; around; around = around.parentElement) {
    if (getComputedStyle(around).overflowY !== 'visible') lowest = Math.min(lowest, around.getBoundingClientRect().bottom);
  }
  return lowest;
}

export class ResponseCurves {
  /** ask(message) returns whether it was sent; take(changes) changes the experiment. */
  constructor({ ask, take }) {
    this.ask = ask;
    this.change = take;
    this.locked = [];
    this.theme = { name: 'light' };
    /** @type {Map<string, ResponseCurve>} */
    this.curves = new Map(); // by field
    this.picture = new BytePicture(build('canvas', 'response-map'));
    this.lines = build('div', '');
    this.tip = build('div', 'response-tip', this.picture.canvas, this.lines);
    this.tip.hidden = true;
    /** @type {ResponseCurve | null} */
    this.pointed = null;
    this.begun = new Set(); // fields that may take long
    this.maps = {};
    this.lookedAt = -Infinity;
    this.forget();
  }

  /** Drops what belongs to one run. */
  forget() {
    this.begun = new Set();
    this.maps = {};
    this.askedAt = -Infinity;
    this.isAsking = false;
    this.asked = this.finished = ''; // what was asked for, and for what nothing more comes by itself
    for (const curve of this.curves.values()) curve.latest = null;
  }

  setTheme(theme) {
    this.theme = theme;
  }

  // -- what a curve asks of its owner

  isLocked(field) {
    return this.locked.includes(field);
  }

  hasBegun(field) {
    return this.begun.has(field);
  }

  begin(field) {
    this.begun.add(field);
  }

  stop(field) {
    this.begun.delete(field);
    this.finished = ''; // the same was asked before the curve had begun, and had another answer
  }

  take(field, value) {
    this.change({ [field]: value });
  }

  /** @param {ResponseCurve | null} curve */
  point(curve) {
    this.pointed = curve;
    this.showTip();
  }

  // -- questions and answers

  /** Called with each answer of the server, so that a hidden page asks nothing. header: of the latest frame. */
  follow(header, now, isDragging) {
    if (now - this.lookedAt < PERIOD_MS) return;
    this.lookedAt = now;
    const fields = this.place();
    if (this.pointed) fields.sort((a, b) => Number(b === this.pointed?.field) - Number(a === this.pointed?.field));
    if (!fields.length || isDragging || (this.isAsking && now - this.askedAt < PATIENCE_MS)) return;
    const maps = this.pointed && !this.maps[this.pointed.field]?.isWhole ? this.pointed.field : '';
    const begun = fields.filter(field => this.begun.has(field));
    const asked = [header.build, header.changes, maps, ...fields, '', ...begun].join();
    if (asked === this.finished) return;
    const known = Object.fromEntries(fields.map(field => [field, this.curves.get(field)?.latest?.version ?? '']));
    this.isAsking = this.ask({ type: COMMANDS.responses, fields: known, begun, maps });
    this.askedAt = now;
    this.asked = asked;
  }

  /** Puts the curves into their places, which the page may have drawn again; returns the fields in sight. */
  place() {
    const fields = [];
    for (const place of document.querySelectorAll('.response')) {
      const { field } = /** @type {HTMLElement} */ (place).dataset;
      if (!field) continue;
      if (!this.curves.has(field)) this.curves.set(field, new ResponseCurve(field, this));
      const curve = this.curves.get(field);
      if (curve && curve.element.parentElement !== place) place.replaceChildren(curve.element);
      const { top, bottom, width } = place.getBoundingClientRect();
      if (width && bottom > 0 && top < window.innerHeight) fields.push(field);
      curve?.fit();
    }
    if (!this.pointed?.element.isConnected) this.pointed = null;
    return fields;
  }

  receive({ responses, finished, maps, encoding }) {
    this.isAsking = false;
    for (const [field, found] of Object.entries(responses)) {
      const curve = this.curves.get(field);
      if (curve?.latest && curve.latest.serial !== found.serial) {
        this.begun.delete(field);
        delete this.maps[field];
      }
      curve?.show(found);
    }
    if (maps) this.maps[maps.field] = { ...maps, encoding, isWhole: finished || maps.maps.every(Boolean) };
    if (finished) this.finished = this.asked;
    this.showTip();
  }

  // -- the tip

  showTip() {
    const { pointed, tip } = this;
    const lines = pointed?.details() ?? [];
    tip.hidden = !lines.length;
    if (!pointed || !lines.length) return;
    this.lines.replaceChildren(...lines.map(text => build('div', '', text)));
    const maps = this.maps[pointed.field];
    const packed = maps?.maps[pointed.pointed ?? -1];
    this.picture.canvas.hidden = !packed;
    if (packed) {
      const bytes = Uint8Array.from(atob(packed), character => character.charCodeAt(0));
      this.picture.paint(bytes, maps.side, maps.side, mapColors(maps.encoding, this.theme.name, false));
    }
    const { left, top, bottom } = pointed.element.getBoundingClientRect();
    Object.assign(tip.style, { left: 0, top: 0 });
    pointed.element.append(tip);
    const { left: fromLeft, top: fromTop, width, height } = tip.getBoundingClientRect(); // a popover moves it
    const x = left + pointed.places[pointed.pointed ?? 0] - width / 2;
    const y = bottom + TIP_GAP + height < lowestSeen(pointed.element) ? bottom + TIP_GAP : top - TIP_GAP - height;
    tip.style.left = `${Math.max(4, Math.min(window.innerWidth - width - 4, x)) - fromLeft}px`;
    tip.style.top = `${y - fromTop}px`;
  }

  close() {
    this.tip.remove();
    for (const curve of this.curves.values()) curve.element.remove();
    this.curves.clear();
  }
}
