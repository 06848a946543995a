// A table of runs: a check box and a star in each row, and headings that sort. What is chosen belongs to Python.
import { build, makeButton, setText } from '../shared/dom.js';
import { loadPlotly } from '../shared/plotly.js';

const tables = new WeakMap();

/** The ids that are chosen after a row is pressed; with `shift` all between the latest row and this one. */
export function chosenAfter(ids, chosen, id, isChosen, shiftFrom) {
  const [from, to] = [ids.indexOf(shiftFrom), ids.indexOf(id)].sort((a, b) => a - b);
  const pressed = shiftFrom && from >= 0 ? ids.slice(from, to + 1) : [id];
  const kept = chosen.filter(other => !pressed.includes(other));
  return isChosen ? [...kept, ...pressed] : kept;
}

class RunTable {
  constructor(root) {
    this.drawn = '';
    this.data = /** @type {any} */ ({ rows: [], columns: [] });
    this.send = /** @type {(event: any) => void} */ (() => {});
    this.boxes = new Map();
    this.latest = ''; // row that was pressed last
    this.chosen = /** @type {string[]} */ ([]);
    this.sent = 0; // number of the latest choice, which Python repeats when it has carried it out
    this.all = checkBox('Select all');
    this.all.addEventListener('change', () => this.choose(this.all.checked ? this.ids() : []));
    this.table = build('table', 'runs-table');
    root.replaceChildren(this.table);
  }

  ids() {
    return this.data.rows.map(({ id }) => id);
  }

  show(data, send) {
    this.data = data;
    this.send = send;
    const { columns, rows, sort, descending } = data;
    const drawn = JSON.stringify([columns, rows, sort, descending]);
    if (drawn !== this.drawn) this.draw();
    this.drawn = drawn;
    if (data.handled >= this.sent) this.mark(data.chosen);
  }

  draw() {
    const focused = document.activeElement?.getAttribute?.('data-focus');
    const { caption, columns, rows } = this.data;
    const head = build('tr', '', build('th', 'runs-pick', this.all), heading('', ''), ...columns.map(column => this.heading(column)));
    this.boxes = new Map();
    this.table.replaceChildren(
      build('caption', 'runs-caption', caption), build('thead', '', head), build('tbody', '', ...rows.map(row => this.row(row))),
    );
    this.mark(this.chosen);
    if (focused) this.table.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }

  heading({ name, label, sorts, number }) {
    const { sort, descending } = this.data;
    if (!sorts) return heading(label, number ? 'runs-number' : '');
    const isSorted = sort === name;
    const button = makeButton('runs-sort', `Sort by ${label}`, label, () => this.tell({ sort: name, descending: isSorted ? !descending : number }));
    button.dataset.focus = `sort ${name}`;
    const element = heading(button, number ? 'runs-number' : '');
    if (isSorted) element.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    return element;
  }

  row({ id, label, cells, picture, star, own }) {
    const box = checkBox(`Select ${label}`);
    box.dataset.focus = `box ${id}`;
    box.addEventListener('click', event => {
      this.choose(chosenAfter(this.ids(), this.chosen, id, box.checked, event.shiftKey ? this.latest : ''));
      this.latest = id;
    });
    this.boxes.set(id, box);
    const mark = makeButton('runs-star', `Star ${label}`, star ? '\u2605' : '\u2606', () => this.tell({ id, star: !star }));
    mark.setAttribute('aria-pressed', String(star));
    mark.dataset.focus = `star ${id}`;
    mark.disabled = !own;
    const start = build('td', 'runs-start', mark);
    if (picture) {
      const image = build('img', '');
      image.src = picture;
      image.alt = '';
      start.append(image);
    }
    const texts = cells.map((text, i) => build('td', this.data.columns[i].number ? 'runs-number' : '', text));
    const element = build('tr', '', build('td', 'runs-pick', box), start, ...texts);
    element.addEventListener('click', event => {
      if (!(event.target instanceof Element) || event.target.closest('button, input') || getSelection()?.toString()) return;
      box.click();
    });
    return element;
  }

  choose(ids) {
    this.sent = Date.now();
    this.mark(ids);
    this.tell({ chosen: ids, at: this.sent });
  }

  mark(ids) {
    this.chosen = ids;
    const chosen = new Set(ids);
    for (const [id, box] of this.boxes) {
      box.checked = chosen.has(id);
      box.closest('tr').classList.toggle('runs-chosen', box.checked);
    }
    const count = this.ids().filter(id => chosen.has(id)).length;
    this.all.checked = count > 0 && count === this.boxes.size;
    this.all.indeterminate = count > 0 && !this.all.checked;
  }

  tell(event) {
    this.send({ ...event, serial: Date.now() });
  }
}

function heading(content, className) {
  const element = build(content ? 'th' : 'td', className, content);
  if (content) element.setAttribute('scope', 'col');
  return element;
}

function checkBox(name) {
  const box = build('input', '');
  box.type = 'checkbox';
  box.setAttribute('aria-label', name);
  return box;
}

/**
 * data: {caption, columns: [{name, label, sorts, number}], rows: [{id, label, cells, picture, star, own}], sort,
 * descending, chosen: ids, handled: number of the latest choice that Python knows, plotly: address of the library of the charts
 * below}. Called again when it changes.
 */
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector('.runs');
  if (!tables.has(root)) {
    tables.set(root, new RunTable(root));
    // Read once the table is painted, while the server draws the charts, which say themselves if it cannot be had.
    setTimeout(() => loadPlotly(new URL(data.plotly, document.baseURI).href).catch(() => {}));
  }
  tables.get(root).show(data, event => setTriggerValue('event', event));
  setText(parentElement.querySelector('.runs-empty'), data.rows.length ? '' : data.empty);
}
