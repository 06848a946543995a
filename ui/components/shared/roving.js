// A group of buttons that is one stop for the Tab key; arrow keys, Home and End move from there.
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** The button that a key leads to: the next one in that direction that can be pressed, or undefined. A single row is a list. */
export function buttonFor(rows, from, key) {
  const all = rows.flat().filter(button => !button.disabled);
  if (key === 'Home') return all[0];
  if (key === 'End') return all.at(-1);
  const isList = rows.length === 1;
  const i = rows.findIndex(row => row.includes(from));
  const [down, right] = STEPS[key];
  if (isList) return all[all.indexOf(from) + down + right];
  for (let y = i + down, x = rows[i].indexOf(from) + right; rows[y]?.[x]; y += down, x += right) {
    if (!rows[y][x].disabled) return rows[y][x];
  }
  return undefined;
}

export class Roving {
  /** rows(): the buttons, row by row; moved(button) is called after a key has moved the focus to it. */
  constructor(element, rows, moved = _button => {}) {
    this.rows = rows;
    /** @type {any} */
    this.stop = null;
    element.addEventListener('focusin', ({ target }) => this.rows().flat().includes(target) && this.stopAt(target));
    element.addEventListener('keydown', event => {
      const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
      const isMove = event.key in STEPS || ['Home', 'End'].includes(event.key);
      if (!isPlain || !isMove || !rows().flat().includes(event.target)) return;
      event.preventDefault(); // keys of the page, and scrolling
      const next = buttonFor(rows(), event.target, event.key);
      if (!next) return;
      next.focus();
      moved(next);
    });
  }

  /** Makes a button the stop of the Tab key. */
  stopAt(stop) {
    this.stop = stop;
    for (const button of this.rows().flat()) button.tabIndex = button === stop ? 0 : -1;
  }

  /** After buttons have come, gone or been disabled: keeps the stop if it can still be pressed. */
  update() {
    const all = this.rows().flat().filter(button => !button.disabled);
    this.stopAt(all.includes(this.stop) ? this.stop : all[0]);
  }
}
