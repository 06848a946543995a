// The confusion matrix of pictures: every cell that has examples can be pressed.
import { build, setText } from './dom.js';
import { saveElement } from './save.js';

export class Matrix {
  constructor(root) {
    this.table = build('table', 'img-matrix');
    this.box = build('div', 'img-scroll', this.table);
    const foot = build('div', 'img-foot');
    root.append(this.box, foot);
    saveElement('confusion matrix', foot, this.table);
  }

  show({ names, cell }, { confusion }) {
    this.make(names);
    names.forEach((_, i) => {
      const counts = confusion.subarray(i * names.length, (i + 1) * names.length);
      const whole = counts.reduce((sum, count) => sum + count, 0) || 1;
      names.forEach((_, j) => {
        const button = this.buttons[i][j];
        button.disabled = !counts[j];
        setText(button, String(counts[j]));
        button.style.setProperty('--share', counts[j] / whole);
        button.setAttribute('aria-label', `${names[i]} read as ${names[j]}: ${counts[j]}`);
        button.setAttribute('aria-pressed', String(cell?.[0] === i && cell?.[1] === j));
      });
    });
  }

  make(names) {
    const made = JSON.stringify(names);
    if (this.made === made) return;
    this.made = made;
    const heading = (name, scope) => {
      const cell = build('th', '', build('span', '', name));
      cell.scope = scope;
      cell.title = name;
      return cell;
    };
    this.buttons = [];
    const rows = names.map((name, i) => {
      this.buttons.push(names.map((_, j) => {
        const button = build('button', i === j ? 'img-right' : '');
        button.type = 'button';
        button.addEventListener('click', () => this.api.setStateValue('cell', [i, j]));
        button.addEventListener('keydown', event => this.walk(event, i, j));
        return button;
      }));
      return build('tr', '', heading(name, 'row'), ...this.buttons[i].map(button => build('td', '', button)));
    });
    const head = build('tr', '', build('td', 'img-corner', 'truth \\ read'), ...names.map(name => heading(name, 'col')));
    this.table.replaceChildren(build('thead', '', head), build('tbody', '', ...rows));
  }

  /** Arrow keys go to the next cell that has examples. */
  walk(event, i, j) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    for (let next; (next = this.buttons[(i += step[0])]?.[(j += step[1])]);) {
      if (!next.disabled) {
        next.focus();
        return;
      }
    }
  }
}
