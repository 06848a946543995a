// The confusion matrix of pictures: every cell that has examples can be pressed.
import { cellLabel, confusionCells } from '../shared/confusion_cells.js';
import { Roving } from '../shared/roving.js';
import { build, setText } from '../shared/dom.js';
import { saveElement } from '../shared/save.js';

export class Matrix {
  constructor(root) {
    this.api = null; // what Streamlit offers a component, set by images.js
    /** @type {HTMLButtonElement[][]} */
    this.buttons = []; // [truth][predicted]
    this.table = build('table', 'img-matrix');
    this.roving = new Roving(this.table, () => this.buttons); // one stop of the Tab key; arrow keys go to cells that have examples
    this.box = build('div', 'img-scroll', this.table);
    const foot = build('div', 'img-foot');
    root.append(this.box, foot);
    saveElement('confusion matrix', foot, this.table);
  }

  /** cell: [truth, predicted] that is pressed, or null. */
  show({ names, cell: pressed }, { confusion }) {
    this.make(names);
    for (const cell of confusionCells(confusion, names.length)) {
      const { truth, predicted, count, share } = cell;
      const button = this.buttons[truth][predicted];
      button.disabled = !count;
      setText(button, String(count));
      button.style.setProperty('--share', String(share));
      button.setAttribute('aria-label', cellLabel(cell, names));
      button.setAttribute('aria-pressed', String(pressed?.[0] === truth && pressed?.[1] === predicted));
    }
    this.roving.update();
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
        return button;
      }));
      return build('tr', '', heading(name, 'row'), ...this.buttons[i].map(button => build('td', '', button)));
    });
    const head = build('tr', '', build('td', 'img-corner', 'actual \\ predicted'), ...names.map(name => heading(name, 'col')));
    this.table.replaceChildren(build('thead', '', head), build('tbody', '', ...rows));
  }
}
