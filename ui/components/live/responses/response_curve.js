// One response curve under a setting: the result of training with each of its values.
import { INK, QUIET, TEST_CURVE, VALIDATION_CURVE } from '../../shared/palette.js';
import { bandPath, describe, linePath, nearest, placesOf, shapesOf } from './layout.js';
import { build, makeButton, setText } from '../../shared/dom.js';

/** @typedef {import('./layout.js').Response} Response */

const SVG = 'http://www.w3.org/2000/svg';
export const HEIGHT = 28; // pixels, as in live.css
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
const TRACK = '[role=group] > *'; // of a slider: as wide as the way of its thumb
const BAR_PX = 22; // at most, with the gap
let serial = 0;

function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** A color of the palette, which follows the theme. */
function themed({ light, dark }) {
  return `light-dark(${light}, ${dark})`;
}

export class ResponseCurve {
  /**
   * owner: take(field, value), point(curve or null), begin(field), stop(field), isLocked(field).
   * @param {string} field
   */
  constructor(field, owner) {
    this.field = field;
    this.owner = owner;
    /** @type {Response | null} */
    this.response = null; // as drawn
    /** @type {Response | null} */
    this.latest = null;
    /** @type {number | null} */
    this.pointed = null; // place
    this.places = [];
    this.width = 0;
    this.sentence = build('span', 'live-hidden');
    this.sentence.id = `response-${++serial}`;
    this.chart = build('div', 'response-chart');
    this.words = build('div', 'response-words');
    this.count = build('span', '');
    this.element = build('div', 'response-curve', this.chart, this.words, this.sentence);
    Object.assign(this.element.style, { '--x': 0 });
    for (const [name, color] of Object.entries({ ink: INK, quiet: QUIET, test: TEST_CURVE, validation: VALIDATION_CURVE })) {
      this.element.style.setProperty(`--response-${name}`, themed(color));
    }
    this.chart.tabIndex = 0;
    this.chart.setAttribute('role', 'slider');
    this.chart.setAttribute('aria-describedby', this.sentence.id);
    this.listen();
    this.chart.hidden = true;
  }

  listen() {
    const { chart } = this;
    const placeAt = event => nearest(this.places, event.clientX - chart.getBoundingClientRect().left);
    chart.addEventListener('pointermove', event => this.point(placeAt(event)));
    chart.addEventListener('pointerdown', event => {
      this.wasPointed = event.pointerType !== 'touch' || this.pointed === placeAt(event); // a first touch only points
      this.point(placeAt(event));
    });
    chart.addEventListener('pointerleave', event => event.pointerType !== 'touch' && this.point(null)); // a finger has lifted
    chart.addEventListener('click', event => this.wasPointed && this.take(placeAt(event)));
    chart.addEventListener('focus', () => chart.matches(':focus-visible') && this.point(this.response?.present ?? 0));
    chart.addEventListener('blur', () => this.point(null));
    chart.addEventListener('keydown', event => this.press(event));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.places.length) return;
    const last = this.places.length - 1, now = this.pointed ?? this.response?.present ?? 0;
    if (event.key in KEYS) this.point(Math.min(last, Math.max(0, now + KEYS[event.key])));
    else if (event.key === 'Home') this.point(0);
    else if (event.key === 'End') this.point(last);
    else if (event.key === 'Escape') this.point(null);
    else if (event.key === 'Enter' || event.key === ' ') this.take(now);
    else return;
    event.preventDefault(); // keys of the page, and scrolling
    event.stopPropagation();
  }

  take(place) {
    const { response } = this;
    if (!response?.points?.[place] || place === response.present || this.owner.isLocked(this.field)) return;
    this.owner.take(this.field, response.values[place]);
  }

  /** Shows a place in detail; null: none. */
  point(place) {
    if (place === this.pointed || !this.response) return;
    this.pointed = place;
    this.tell();
    this.owner.point(place === null ? null : this);
    this.draw();
  }

  /** Lines of text about the place pointed at. */
  details() {
    if (!this.response || this.pointed === null) return [];
    const hint = this.owner.isLocked(this.field) ? 'Set by the author of this link.' : 'Click or Enter takes it.';
    const isTakeable = this.pointed !== this.response.present && this.response.points[this.pointed];
    return [...describe(this.response, this.pointed), ...isTakeable ? [hint] : []];
  }

  /** @param {Response} found */
  show(found) {
    this.latest = found;
    const isWhole = !found.points || found.runs >= found.places;
    this.element.toggleAttribute('data-outdated', Boolean(this.response) && !isWhole && this.response?.serial !== found.serial);
    if (!found.points || found.waits && !found.runs) this.response = null;
    else if (isWhole || !this.response || this.response.serial === found.serial) this.response = found;
    this.chart.hidden = !this.response;
    this.showWords(found);
    if (!this.response) return;
    this.element.dataset.part = this.response.part;
    this.element.dataset.runs = String(this.response.runs);
    setText(this.sentence, this.response.sentence);
    this.tell();
    this.draw();
  }

  /** What a screen reader hears. */
  tell() {
    if (!this.response) return;
    const { label, texts, present } = this.response;
    const place = this.pointed ?? present ?? 0;
    const facts = {
      label: `Where ${label} leads`, valuemin: 0, valuemax: texts.length - 1, valuenow: place,
      valuetext: describe(this.response, place).join(', '), disabled: this.owner.isLocked(this.field),
    };
    for (const [name, value] of Object.entries(facts)) this.chart.setAttribute(`aria-${name}`, String(value));
  }

  /** In place of a curve, or beside one that takes long: how long it takes, or why there is none. */
  showWords({ problem, waits, seconds, runs, total, label }) {
    const time = `${Math.max(1, Math.round(seconds ?? 0))} s`;
    const isLong = !waits && runs < total && this.owner.hasBegun(this.field);
    this.words.hidden = !problem && !waits && !isLong;
    setText(this.count, `${runs} of ${total}`);
    const said = problem || (waits ? time : isLong ? 'Stop' : '');
    if (this.said === said) return; // a press on a button ends on the same one
    this.said = said;
    this.words.title = problem || '';
    if (problem) return this.words.replaceChildren('takes too long here');
    const act = waits
      ? makeButton('response-button', `Compute where ${label} leads, about ${time}`, `compute (${time})`, () => this.owner.begin(this.field))
      : makeButton('response-button', `Stop computing where ${label} leads`, 'Stop', () => this.owner.stop(this.field));
    this.words.replaceChildren(...waits ? [act] : [this.count, act]);
  }

  /** Where the values are, in pixels of the chart: under the track of the slider. */
  measure() {
    const { left, width } = this.element.getBoundingClientRect();
    this.width = width;
    const count = this.response?.values.length ?? 0;
    const track = this.response?.ordered ? trackOf(this.field) : null;
    this.places = track ? placesOf(count, true, track.left - left, track.width) : placesOf(count, false, 0, Math.min(width, count * BAR_PX));
  }

  /** Draws again if the page has given it another width. */
  fit() {
    if (this.response && Math.abs(this.element.clientWidth - this.width) > 1) this.draw();
  }

  draw() {
    const { response } = this;
    if (!response) return;
    this.measure();
    const { marks, zones, stretches, base, barWidth } = shapesOf(response, this.places, HEIGHT);
    const parts = [];
    for (const { x, width, share, isLost } of zones) {
      parts.push(svg('rect', { class: 'response-zone', x, y: 0, width, height: HEIGHT, 'fill-opacity': 0.15 + 0.35 * share }));
      if (isLost) parts.push(svg('path', { class: 'response-cross', d: cross(x + width / 2, HEIGHT / 2) }));
    }
    for (const stretch of stretches) {
      parts.push(svg('path', { class: 'response-band', d: bandPath(stretch) }), svg('path', { class: 'response-line', d: linePath(stretch) }));
    }
    const best = response.points[response.best ?? -1]?.[1] ?? NaN;
    marks.forEach((mark, place) => {
      if (!mark) return;
      const kind = response.points[place]?.[1] === best ? ' response-best' : '';
      if (response.ordered) parts.push(svg('circle', { class: `response-dot${kind}`, cx: mark.x, cy: mark.y, r: kind ? 2.6 : 1.4 }));
      else {
        parts.push(svg('rect', { class: `response-bar${kind}`, x: mark.x - barWidth / 2, y: Math.min(mark.y, base - 1.5), width: barWidth, height: Math.max(1.5, base - mark.y) }));
        parts.push(svg('path', { class: 'response-reach', d: `M${mark.x} ${mark.top}V${mark.bottom}` }));
      }
    });
    for (const [place, name] of [[response.present, 'response-present'], [this.pointed, 'response-pointed']]) {
      if (typeof place === 'number') parts.push(svg('path', { class: name, d: `M${this.places[place]} 0V${HEIGHT}` }));
    }
    const picture = svg('svg', { width: this.width, height: HEIGHT, 'aria-hidden': 'true' });
    picture.append(...parts);
    this.chart.replaceChildren(picture);
  }
}

function cross(x, y) {
  return `M${x - 3} ${y - 3}l6 6m0 -6l-6 6`;
}

/** The track of the slider of a field: {left, width} between the places of its ends on the screen, or null. */
function trackOf(field) {
  const widgets = [...document.querySelectorAll('[class*=st-key-field_]')];
  const widget = widgets.find(({ className }) => className.match(/\bst-key-field_(\w+)/)?.[1] === field);
  return widget?.querySelector(TRACK)?.getBoundingClientRect() ?? null;
}
