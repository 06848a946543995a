// The confusion matrix with precision, recall and F1; for numbers, how far the predictions are off.
// Cells are changed in place; nothing is rebuilt unless the classes are others.
import { build, setText } from './dom.js';
import { digits } from './tables.js';

const MEASURES = { precision: ['precision', 'prec.'], recall: ['recall', 'rec.'], f1: ['F1', 'F1'] }; // header field: column titles
const MOST_MEASURED = 5; // classes for which the columns fit
const LONG = 5; // letters of a class beside which the full titles of the measures find no room
const ERRORS = [['R\u00b2', header => header.test_r2], ['RMSE', header => header.scores?.rmse], ['Mean error', header => header.scores?.mae]];

/** How often each class of the test part was taken for which: rows truth, columns prediction. */
export class Confusion {
  /** choose([truth, read] or null) is called when a cell is pressed whose examples are to be shown. */
  constructor(choose) {
    this.choose = choose;
    this.title = build('h3', 'live-title', 'Confusion matrix');
    this.words = build('p', 'live-words');
    this.values = ERRORS.map(() => build('dd', 'live-value'));
    this.errors = build('dl', 'live-errors', ...ERRORS.flatMap(([name], i) => [build('dt', 'live-label', name), this.values[i]]));
    this.table = build('table', 'live-confusion');
    this.caption = build('caption', '', 'Test data. Rows: truth. Columns: prediction.');
    this.mean = build('span', 'live-key');
    this.element = build('section', 'live-panel live-panel-confusion', build('div', 'live-head', this.title, this.mean), this.errors, this.words, this.table);
    this.cells = [];
    this.made = this.chosen = null;
  }

  show(header, counts) {
    const regression = header.kind === 'regression';
    this.table.hidden = regression;
    this.errors.hidden = !regression;
    setText(this.title, regression ? 'Error on the test data' : 'Confusion matrix');
    if (regression) {
      setText(this.mean, '');
      ERRORS.forEach(([, value], i) => setText(this.values[i], digits(value(header), 3)));
      setText(this.words, Number.isFinite(header.test_r2)
        ? 'R\u00b2: 1 would be a perfect prediction, 0 is no better than always saying the mean.'
        : 'R\u00b2 on the test data is not known yet.');
      return;
    }
    const made = JSON.stringify([header.classes, Boolean(header.plane)]);
    if (this.made !== made) {
      this.made = made;
      this.make(header.classes, Boolean(header.plane));
    }
    setText(this.words, '');
    if (counts) this.fill(counts, header.classes);
    this.fillMeasures(header.scores);
  }

  make(classes, pressable) {
    this.press(null);
    const heading = (name, scope, shown = name) => {
      const cell = build('th', '', build('span', '', shown));
      cell.scope = scope;
      cell.title = name;
      cell.setAttribute('aria-label', name);
      return cell;
    };
    const measured = classes.length <= MOST_MEASURED ? Object.values(MEASURES) : [];
    this.cells = [];
    this.measures = [];
    const rows = classes.map((name, truth) => {
      const cells = classes.map((_, read) => this.makeCell([truth, read], pressable));
      const measures = measured.map(() => build('td', 'live-measure', '\u2013'));
      this.cells.push(...cells);
      this.measures.push(measures);
      return build('tr', '', heading(name, 'row'), ...cells.map(cell => cell.element), ...measures);
    });
    this.table.dataset.size = classes.length > 6 ? 'many' : classes.length > 2 ? 'few' : 'two';
    const brief = classes.length > 2 || classes.some(name => name.length > LONG);
    const heads = [...classes.map(name => heading(name, 'col')), ...measured.map(([name, short]) => heading(name, 'col', brief ? short : name))];
    this.table.replaceChildren(
      this.caption, build('thead', '', build('tr', '', build('td', 'live-corner', 'is \\ read'), ...heads)), build('tbody', '', ...rows),
    );
  }

  makeCell(place, pressable) {
    const [truth, read] = place;
    const inner = build(pressable ? 'button' : 'span', '', '0');
    const element = build('td', truth === read ? 'live-right' : '', inner);
    if (pressable) {
      inner.type = 'button';
      inner.setAttribute('aria-pressed', 'false');
      inner.addEventListener('click', () => this.press(...(inner === this.chosen ? [null, null] : [inner, place])));
    }
    return { element, inner };
  }

  press(inner, place = null) {
    if (inner === this.chosen) return;
    this.chosen?.setAttribute('aria-pressed', 'false');
    this.chosen = inner;
    inner?.setAttribute('aria-pressed', 'true');
    this.choose(place);
  }

  fill(counts, classes) {
    const size = classes.length;
    for (let truth = 0; truth < size; truth++) {
      const row = counts.subarray(truth * size, (truth + 1) * size);
      const total = row.reduce((sum, count) => sum + count, 0) || 1;
      row.forEach((count, read) => {
        const cell = this.cells[truth * size + read];
        if (cell.count === count && cell.total === total) return;
        Object.assign(cell, { count, total });
        setText(cell.inner, String(count));
        if (cell.inner.type === 'button') {
          cell.inner.setAttribute('aria-label', `${classes[truth]} read as ${classes[read]}: ${count}`);
        }
        cell.element.style.setProperty('--share', (count / total).toFixed(3));
      });
    }
  }

  fillMeasures(scores) {
    const macro = scores?.macro_f1;
    setText(this.mean, Number.isFinite(macro) ? `mean F1 ${digits(macro, 2)}` : '');
    this.measures.forEach((cells, truth) => cells.forEach((cell, i) => {
      setText(cell, digits(scores?.[Object.keys(MEASURES)[i]]?.[truth], 2));
    }));
  }
}
