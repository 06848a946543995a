// A small window with number boxes for weights and biases. Entered numbers take effect at once.
import { MAX_WEIGHT } from '../../shared/protocol.js';
import { build, placeAt, makeButton, setText } from '../../shared/dom.js';

const EDITOR_WIDTH = 208; // CSS pixels

/** A weight as the text of a number box: at most three decimal places. */
export function shortNumber(value) {
  return Number.isFinite(value) ? String(Number(value.toFixed(3))) : '';
}

/** Whether the server accepts a number as a weight. */
export function isValidWeight(value) {
  return Math.abs(value) <= MAX_WEIGHT; // false for NaN
}

export class WeightEditor {
  /** box: the element in which it opens. send({layer, from, to, value}) is called with each number entered. */
  constructor(box, send) {
    this.box = box;
    this.send = send;
    this.title = build('div', 'live-editor-title');
    this.list = build('div', 'live-editor-list');
    this.problem = build('div', 'live-editor-problem');
    this.problem.setAttribute('role', 'alert');
    const close = makeButton('live-small', 'Close', '\u00d7', () => this.close(true));
    this.element = build('div', 'live-editor', build('div', 'live-editor-head', this.title, close), this.list, this.problem);
    this.element.setAttribute('role', 'dialog');
    this.element.hidden = true;
    this.element.addEventListener('keydown', event => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.close(true);
    });
    this.element.addEventListener('focusout', event => {
      if (event.relatedTarget && !this.element.contains(event.relatedTarget)) this.close();
    });
    this.outside = event => {
      if (!this.element.contains(event.target)) this.close();
    };
    this.rows = [];
    box.append(this.element);
  }

  /** rows: [{label, layer, from, to, value}]; x, y: place in the box. */
  open({ title, rows }, x, y) {
    this.opener = /** @type {HTMLElement} */ (document.activeElement);
    setText(this.title, title);
    setText(this.problem, '');
    this.element.setAttribute('aria-label', title);
    this.rows = rows.map(row => ({ ...row, input: this.makeInput(row) }));
    this.list.replaceChildren(...this.rows.map(({ label, input }) => build('label', 'live-editor-row', build('span', '', label), input)));
    this.element.hidden = false;
    const { clientWidth, clientHeight } = this.box;
    const left = Math.max(0, Math.min(x + 10, clientWidth - EDITOR_WIDTH - 4));
    const top = Math.max(0, Math.min(y - 30, clientHeight - this.element.offsetHeight - 4));
    placeAt(this.element, left, top, EDITOR_WIDTH);
    this.rows[0].input.focus({ preventScroll: true });
    this.rows[0].input.select();
    document.addEventListener('pointerdown', this.outside);
  }

  makeInput(row) {
    const input = build('input', '');
    Object.assign(input, { type: 'number', step: 0.1, min: -MAX_WEIGHT, max: MAX_WEIGHT, value: shortNumber(row.value) });
    input.addEventListener('change', () => this.enter(row, input));
    input.addEventListener('keydown', event => event.key === 'Enter' && input.select());
    return input;
  }

  enter({ layer, from, to }, input) {
    const value = input.valueAsNumber;
    const isValid = isValidWeight(value);
    input.setAttribute('aria-invalid', String(!isValid));
    setText(this.problem, isValid ? '' : `Enter a number from \u2212${MAX_WEIGHT} to ${MAX_WEIGHT}.`);
    if (isValid) this.send({ layer, from, to, value });
  }

  /** Shows the current numbers, except in the box that has the focus. */
  refresh(valueOf) {
    if (this.element.hidden) return;
    for (const row of this.rows) {
      if (row.input === document.activeElement) continue;
      const text = shortNumber(valueOf(row));
      if (row.input.value !== text) row.input.value = text;
    }
  }

  close(returnFocus = false) {
    if (this.element.hidden) return;
    this.element.hidden = true;
    document.removeEventListener('pointerdown', this.outside);
    if (returnFocus && this.opener?.isConnected) this.opener.focus({ preventScroll: true });
  }
}
