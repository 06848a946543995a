// Pictures, of which one is chosen: one stop for the Tab key, and arrow keys choose. In a grid, with labels of its rows
// and columns, arrow keys only move, and Enter or Space chooses; a mouse can drag one picture onto another. Pictures that
// change faster than script runs are fetched.
import { FetchedPictures } from './fetched_pictures.js';
import { Roving } from '../shared/roving.js';
import { build, makeButton, setText } from '../shared/dom.js';

const parts = new WeakMap();

class Thumbnails {
  constructor(root) {
    this.root = root;
    this.arranged = ''; // names and grid of the buttons
    this.buttons = [];
    this.columns = 0; // of a grid
    /** @type {any} */
    this.dragged = null; // the button under the mouse when it was pressed
    this.marked = '';
    /** @type {Record<'choose' | 'compare' | 'end', (value: any) => void>} */
    this.triggers = { choose() {}, compare() {}, end() {} };
    this.fetched = new FetchedPictures({
      show: pictures => this.fill(pictures), end: name => this.triggers.end(name), isThere: () => root.isConnected,
    });
    root.addEventListener('pointerdown', event => event.pointerType === 'mouse' && this.drag(this.buttonOf(event)));
    root.addEventListener('pointerup', event => this.drop(this.buttonOf(event)));
    root.addEventListener('pointerleave', () => this.drag(null));
    this.roving = new Roving(root, () => this.rows(), button => this.columns || button.click());
  }

  buttonOf({ target }) {
    return this.columns ? target.closest('.thumbnail') : null;
  }

  drag(button) {
    this.dragged = button;
    this.root.classList.toggle('thumbnails-dragging', Boolean(button));
  }

  drop(button) {
    const from = this.dragged?.name;
    this.drag(null);
    if (from && button && button.name !== from) this.triggers.compare([from, button.name]);
  }

  rows() {
    if (!this.columns) return [this.buttons];
    const count = Math.ceil(this.buttons.length / this.columns);
    return Array.from({ length: count }, (_, y) => this.buttons.slice(y * this.columns, (y + 1) * this.columns));
  }

  arrange(names, grid) {
    const focused = this.buttons.find(button => button === document.activeElement)?.name;
    this.columns = grid ? grid.columns.length : 0;
    this.buttons = names.map(name => this.makeButton(name));
    this.root.replaceChildren(...grid ? this.withLabels(grid) : this.buttons);
    this.root.classList.toggle('thumbnails-grid', Boolean(grid));
    this.root.style.setProperty('--columns', this.columns);
    this.buttons.find(button => button.name === focused)?.focus();
  }

  makeButton(name) {
    const button = makeButton('thumbnail', '', '', () => this.triggers.choose(name));
    button.setAttribute('role', 'radio');
    button.name = name;
    return button;
  }

  /** The buttons between the labels of the grid, which each button's own label repeats. */
  withLabels({ titles: [across, down], columns, rows }) {
    const label = (className, text) => {
      const element = build('span', className, text);
      element.setAttribute('aria-hidden', 'true');
      return element;
    };
    return [
      label('thumbnails-title', `${down} \u2193\u2003${across} \u2192`),
      label('', ''), ...columns.map(text => label('thumbnails-column', text)),
      ...this.rows().flatMap((row, i) => [label('thumbnails-row', rows[i]), ...row]),
    ];
  }

  show(data, triggers) {
    const { name, pictures, chosen, grid, disabled, marked, fetched } = data;
    this.triggers = triggers;
    this.marked = marked;
    if (name) this.root.setAttribute('aria-label', name);
    const arranged = JSON.stringify([Object.keys(pictures), grid]);
    if (arranged !== this.arranged) this.arrange(Object.keys(pictures), grid);
    this.arranged = arranged;
    this.fetched.follow(fetched);
    this.fill(this.fetched.pictures ?? pictures);
    for (const button of this.buttons) {
      button.setAttribute('aria-checked', String(button.name === chosen));
      button.disabled = disabled;
    }
    const { activeElement } = document;
    const isStop = button => button === activeElement;
    this.roving.stopAt(this.buttons.find(isStop) ?? this.buttons.find(button => button.name === chosen) ?? this.buttons[0]);
  }

  fill(pictures) {
    for (const button of this.buttons) {
      fill(button, pictures[button.name]);
      const isMarked = Boolean(this.marked) && button.name === this.marked;
      button.classList.toggle('thumbnail-marked', isMarked);
      button.setAttribute('aria-label', button.title + (isMarked ? '; marked: choose another to compare with it' : ''));
    }
  }
}

/** Changes what a button shows, not the button: a click that has begun on it ends on it. */
function fill(button, { label, picture, text, strength }) {
  const [image, words] = [button.querySelector('img'), button.querySelector('.thumbnail-text')];
  button.title = label;
  if (!picture) image?.remove();
  else if (image?.getAttribute('src') !== picture) {
    const shown = image ?? build('img', '');
    shown.src = picture;
    shown.alt = '';
    shown.draggable = false; // the browser's own dragging would take the pointer
    if (!image) button.prepend(shown);
  }
  if (text === undefined) words?.remove();
  else if (words) setText(words, text);
  else button.append(build('span', 'thumbnail-text', text));
  if (strength !== undefined) button.style.setProperty('--strength', `${Math.round(100 * strength)}%`);
}

/**
 * data: {name, pictures: name -> {label, picture, text, strength}, chosen: a name or null, disabled, grid: {titles,
 * columns, rows}, marked: a name, fetched: {name, address, headers}}; name, text, strength (of the color, 0 to 1), grid,
 * marked and fetched may be missing. Called again when it changes. The address answers {name, pictures}, or 204 when they
 * change no more. Triggers: chosen, a name; pair, two names, when one is dragged onto the other; ended, with 204.
 */
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector('.thumbnails');
  if (!parts.has(root)) parts.set(root, new Thumbnails(root));
  parts.get(root).show(data, {
    choose: name => setTriggerValue('chosen', name),
    compare: names => setTriggerValue('pair', names),
    end: name => setTriggerValue('ended', name),
  });
}
