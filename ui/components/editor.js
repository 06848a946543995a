// A small window with number boxes for weights and biases. What is entered takes effect at once.
import { build, placeAt, pressable, setText } from './dom.js';

const LARGEST = 1000; // size of a weight that the server accepts
const EDITOR_WIDTH = 208;

function shortNumber(value) {
  return Number.isFinite(value) ? String(Number(value.toFixed(3))) : '';
}

export class Editor {
  /** box: where it opens. send({layer, from, to, value}) is called with each number entered. */
  constructor(box, send) {
    this.box = box;
    this.send = send;
    this.title = build('div', 'live-editor-title');
    this.list = build('div', 'live-editor-list');
    this.complaint = build('div', 'live-editor-complaint');
    this.complaint.setAttribute('role', 'alert');
    const close = pressable('live-small', 'Close', '\u00d7', () => this.close(true));
    this.element = build('div', 'live-editor', build('div', 'live-editor-head', this.title, close), this.list, this.complaint);
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

  /** rows: [{label, layer, from, to, value}]; x, y: where in the box. */
  open({ title, rows }, x, y) {
    this.opener = document.activeElement;
    setText(this.title, title);
    setText(this.complaint, '');
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
    Object.assign(input, { type: 'number', step: 0.1, min: -LARGEST, max: LARGEST, value: shortNumber(row.value) });
    input.addEventListener('change', () => this.enter(row, input));
    input.addEventListener('keydown', event => event.key === 'Enter' && input.select());
    return input;
  }

  enter({ layer, from, to }, input) {
    const value = input.valueAsNumber;
    const fits = Math.abs(value) <= LARGEST; // NaN does not
    input.setAttribute('aria-invalid', String(!fits));
    setText(this.complaint, fits ? '' : `A number from \u2212${LARGEST} to ${LARGEST}, please.`);
    if (fits) this.send({ layer, from, to, value });
  }

  /** Shows what training has made of the numbers, except in the box that is being written in. */
  refresh(valueOf) {
    if (this.element.hidden) return;
    for (const row of this.rows) {
      if (row.input === document.activeElement) continue;
      const text = shortNumber(valueOf(row));
      if (row.input.value !== text) row.input.value = text;
    }
  }

  close(back = false) {
    if (this.element.hidden) return;
    this.element.hidden = true;
    document.removeEventListener('pointerdown', this.outside);
    if (back && this.opener?.isConnected) this.opener.focus({ preventScroll: true });
  }
}
