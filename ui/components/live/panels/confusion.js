// The confusion matrix with precision, recall and F1; for regression, the size of the errors.
// Cells change in place; the table is only rebuilt for other classes.
import { ElementSource } from '../../shared/save.js';
import { Panel } from './panel.js';
import { REGRESSION } from '../../shared/protocol.js';
import { Roving } from '../../shared/roving.js';
import { build, setText } from '../../shared/dom.js';
import { cellLabel, confusionCells } from '../../shared/confusion_cells.js';
import { formatNumber, scoreText } from '../../shared/format.js';

const MEASURES = { precision: ['precision', 'prec.'], recall: ['recall', 'rec.'], f1: ['F1', 'F1'] }; // header field: full and short column title
const MEASURE_TITLES = {
  precision: 'Of those predicted as the class, the share that is in it; 0 if none was predicted',
  recall: 'Of those in the class, the share that was found; 0 if there are none',
  F1: 'Harmonic mean of precision and recall; 0 if both are 0',
};
const MAX_MEASURED_CLASSES = 5; // for which the columns of measures fit
const LONG_NAME = 5; // letters of a class name beside which the full column titles do not fit
/** @type {[string, (header: any) => string][]} */
const ERRORS = [
  ['R\u00b2', header => scoreText(header, 'test', 3)],
  ['RMSE', header => formatNumber(header.scores?.rmse, 3)],
  ['Mean error', header => formatNumber(header.scores?.mae, 3)],
];

/** Value of each measure for one class as text, a dash if there is none. */
export function measureTexts(scores, truth) {
  return Object.keys(MEASURES).map(name => formatNumber(scores?.[name]?.[truth], 2));
}

/** What the errors of a regression mean, and their units. */
export function errorWords(header) {
  const text = scoreText(header, 'test', 3);
  const meaning = text === 'undefined' ? 'R\u00b2 is undefined: all targets of the test data are equal, so there is no variance to explain.'
    : Number.isFinite(header.test_r2) ? 'R\u00b2: 1 would be a perfect prediction, 0 is no better than always predicting the mean.'
      : 'R\u00b2 on the test data is not known yet.';
  const scale = header.scores?.scale;
  if (!Number.isFinite(scale)) return meaning;
  return `${meaning} RMSE and mean error are in the unit of the target; in a loss, ${formatNumber(scale, 3)} of them count as 1.`;
}

/** Counts of the test data: rows are the truth, columns the prediction. */
export class ConfusionPanel extends Panel {
  /** lightCell([truth, predicted] or null) is called when a cell is pressed to show its examples on the map. */
  constructor(lightCell) {
    super('confusion matrix', 'Confusion matrix');
    this.lightCell = lightCell;
    this.mean = build('span', 'live-key');
    this.head.append(this.mean);
    this.words = build('p', 'live-words');
    this.values = ERRORS.map(() => build('dd', 'live-value'));
    this.errors = build('dl', 'live-errors', ...ERRORS.flatMap(([name], i) => [build('dt', 'live-label', name), this.values[i]]));
    this.table = build('table', 'live-confusion');
    this.caption = build('caption', '', 'Test data. Rows: actual class. Columns: predicted class.');
    this.element.classList.add('live-panel-confusion');
    this.element.append(this.errors, this.words, this.table);
    this.cells = /** @type {any[]} */ ([]);
    this.measures = /** @type {HTMLElement[][]} */ ([]);
    this.shape = this.pressed = /** @type {any} */ (null);
    this.buttons = /** @type {HTMLButtonElement[][]} */ ([]); // [truth][predicted], where cells can be pressed
    this.roving = new Roving(this.table, () => this.buttons);
  }

  show(header, arrays) {
    const isRegression = header.kind === REGRESSION;
    this.table.toggleAttribute('hidden', isRegression);
    this.errors.toggleAttribute('hidden', !isRegression);
    setText(this.title, isRegression ? 'Error on the test data' : 'Confusion matrix');
    if (isRegression) {
      setText(this.mean, '');
      ERRORS.forEach(([, text], i) => setText(this.values[i], text(header)));
      setText(this.words, errorWords(header));
      return;
    }
    const shape = JSON.stringify([header.classes, Boolean(header.plane)]);
    if (this.shape !== shape) {
      this.shape = shape;
      this.make(header.classes, Boolean(header.plane));
    }
    setText(this.words, '');
    if (arrays.confusion) this.fill(arrays.confusion, header.classes);
    this.fillMeasures(header.scores);
  }

  make(classes, pressable) {
    this.press(null);
    const heading = (name, scope, shown = name) => {
      const cell = build('th', '', build('span', '', shown));
      cell.scope = scope;
      cell.title = MEASURE_TITLES[scope === 'col' ? name : ''] ?? name;
      cell.setAttribute('aria-label', name);
      return cell;
    };
    const measured = classes.length <= MAX_MEASURED_CLASSES ? Object.values(MEASURES) : [];
    this.cells = [];
    this.buttons = [];
    this.measures = [];
    const rows = classes.map((name, truth) => {
      const cells = classes.map((_, predicted) => this.makeCell([truth, predicted], pressable));
      const measures = measured.map(() => build('td', 'live-measure', '\u2013'));
      this.cells.push(...cells);
      if (pressable) this.buttons.push(cells.map(cell => cell.inner));
      this.measures.push(measures);
      return build('tr', '', heading(name, 'row'), ...cells.map(cell => cell.element), ...measures);
    });
    this.table.dataset.size = classes.length > 6 ? 'many' : classes.length > 2 ? 'few' : 'two';
    const brief = classes.length > 2 || classes.some(name => name.length > LONG_NAME);
    const heads = [...classes.map(name => heading(name, 'col')), ...measured.map(([name, short]) => heading(name, 'col', brief ? short : name))];
    this.table.replaceChildren(
      this.caption, build('thead', '', build('tr', '', build('td', 'live-corner', 'actual \\ predicted'), ...heads)), build('tbody', '', ...rows),
    );
    this.roving.update();
  }

  makeCell(place, pressable) {
    const [truth, predicted] = place;
    const inner = build(pressable ? 'button' : 'span', '', '0');
    const element = build('td', truth === predicted ? 'live-right' : '', inner);
    if (pressable) {
      inner.type = 'button';
      inner.setAttribute('aria-pressed', 'false');
      inner.addEventListener('click', () => this.press(...(inner === this.pressed ? [null, null] : [inner, place])));
    }
    return { element, inner };
  }

  press(inner, place = null) {
    if (inner === this.pressed) return;
    this.pressed?.setAttribute('aria-pressed', 'false');
    this.pressed = inner;
    inner?.setAttribute('aria-pressed', 'true');
    this.lightCell(place);
  }

  fill(counts, classes) {
    confusionCells(counts, classes.length).forEach((update, place) => {
      const cell = this.cells[place];
      if (cell.count === update.count && cell.share === update.share) return;
      Object.assign(cell, update);
      setText(cell.inner, String(update.count));
      if (cell.inner.type === 'button') cell.inner.setAttribute('aria-label', cellLabel(update, classes));
      cell.element.style.setProperty('--share', update.share.toFixed(3));
    });
  }

  fillMeasures(scores) {
    const macro = scores?.macro_f1;
    setText(this.mean, Number.isFinite(macro) ? `mean F1 ${formatNumber(macro, 2)}` : '');
    this.measures.forEach((cells, truth) => {
      const texts = measureTexts(scores, truth);
      cells.forEach((cell, i) => setText(cell, texts[i]));
    });
  }

  pictureSource(back) {
    return new ElementSource(this.element, back);
  }
}
