// What is told in words and numbers: the status line, the confusion matrix and the strip of test pictures.
// Cells and captions are changed in place; nothing is rebuilt unless the classes or pictures are others.
import { parseColor } from './palette.js';
import { build, setText } from './stage.js';

const wholeNumber = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A number with fixed digits, a dash where there is none. */
export function digits(value, places) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '\u2013';
  if (Math.abs(value) >= 10 ** 6) return value.toExponential(2).replace('-', '\u2212');
  return value.toFixed(Math.max(0, places - Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1))))).replace('-', '\u2212');
}

/** 224 -> 000,224: six digits at least, so that the line does not move while they change. */
export function paddedEpoch(epoch) {
  return String(epoch).padStart(6, '0').replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Name of the score, its train and test value: accuracy for classes, R² for numbers. */
export function scores(header) {
  return header.kind === 'regression'
    ? { name: 'R\u00b2', train: header.train_r2, test: header.test_r2 }
    : { name: 'accuracy', train: header.train_accuracy, test: header.test_accuracy };
}

/** Test loss minus train loss, null where either is unknown. */
export function generalisationGap({ train_loss: train, test_loss: test }) {
  return Number.isFinite(train) && Number.isFinite(test) ? test - train : null;
}

const STATUS_SENTENCES = {
  idle: 'Ready.',
  running: 'Running.',
  paused: 'Paused.',
  diverged: 'Diverged.',
  stopped: 'Stopped.',
  lost: 'Connection lost. Reconnecting...',
};

const STATUS_FACTS = [ // label, value
  [() => 'Epoch', header => paddedEpoch(header.epoch)],
  [() => 'Train loss', header => digits(header.train_loss, 4)],
  [() => 'Test loss', header => digits(header.test_loss, 4)],
  [header => `Train ${scores(header).name}`, header => digits(scores(header).train, 3)],
  [header => `Test ${scores(header).name}`, header => digits(scores(header).test, 3)],
  [() => 'Gap in loss', header => digits(generalisationGap(header), 4)],
  [() => 'Steps a second', header => wholeNumber.format(header.steps_per_second ?? 0)],
  [() => 'Parameters', header => wholeNumber.format(header.parameters ?? 0)],
  [() => 'Device', header => header.device ?? ''],
];

/** The facts of a frame as one line of text, for eyes and screen readers alike. */
export class StatusLine {
  constructor() {
    this.facts = STATUS_FACTS.map(([label, value]) => ({
      label, value, labelNode: build('span', 'live-label'), valueNode: build('span', 'live-value'),
    }));
    const line = build('div', 'live-facts', ...this.facts.flatMap(fact => [
      build('span', 'live-fact', fact.labelNode, ' ', fact.valueNode), ' ',
    ]));
    this.state = build('span', 'live-state', STATUS_SENTENCES.idle);
    this.notice = build('span', 'live-notice');
    this.notice.setAttribute('role', 'status');
    line.setAttribute('aria-live', 'off');
    this.element = build('div', 'live-status', line, build('div', 'live-said', this.state, ' ', this.notice));
    this.element.dataset.testid = 'live-status';
  }

  show(header) {
    for (const { label, value, labelNode, valueNode } of this.facts) {
      setText(labelNode, label(header));
      setText(valueNode, value(header));
    }
  }

  say(status, reason, notice) {
    const sentence = STATUS_SENTENCES[status] ?? status;
    setText(this.state, reason && status !== 'lost' ? `${sentence} ${reason}` : sentence);
    this.state.dataset.status = status;
    setText(this.notice, notice ?? '');
  }
}

/** How often each class of the test part was taken for which: rows truth, columns prediction. */
export class Confusion {
  constructor() {
    this.title = build('h3', 'live-title', 'Confusion matrix');
    this.words = build('p', 'live-words');
    this.table = build('table', 'live-confusion');
    this.element = build('section', 'live-panel live-panel-confusion', build('div', 'live-head', this.title), this.words, this.table);
    this.cells = [];
    this.made = null;
  }

  show(header, counts) {
    const regression = header.kind === 'regression';
    this.table.hidden = regression;
    setText(this.title, regression ? 'Explained variation' : 'Confusion matrix');
    if (regression) {
      const known = Number.isFinite(header.test_r2);
      setText(this.words, known
        ? `R\u00b2 on the test data is ${digits(header.test_r2, 2)}: 1 would be a perfect prediction, 0 is no better than always saying the mean.`
        : 'R\u00b2 on the test data is not known yet.');
      return;
    }
    if (this.made !== header.classes.join('\n')) this.make(header.classes);
    setText(this.words, '');
    if (counts) this.fill(counts, header.classes);
  }

  make(classes) {
    this.made = classes.join('\n');
    const heading = (name, scope) => {
      const cell = build('th', '', build('span', '', name));
      cell.scope = scope;
      cell.title = name;
      return cell;
    };
    const corner = build('td', 'live-corner', 'is \\ read');
    this.cells = [];
    const rows = classes.map((name, truth) => build('tr', '', heading(name, 'row'), ...classes.map((_, read) => {
      const cell = build('td', truth === read ? 'live-right' : '', '0');
      this.cells.push(cell);
      return cell;
    })));
    this.table.dataset.size = classes.length > 6 ? 'many' : 'few';
    this.table.replaceChildren(
      build('caption', '', 'Test data. Rows: truth. Columns: prediction.'),
      build('thead', '', build('tr', '', corner, ...classes.map(name => heading(name, 'col')))),
      build('tbody', '', ...rows),
    );
  }

  fill(counts, classes) {
    const size = classes.length;
    for (let truth = 0; truth < size; truth++) {
      const row = counts.subarray(truth * size, (truth + 1) * size);
      const total = row.reduce((sum, count) => sum + count, 0) || 1;
      row.forEach((count, read) => {
        const cell = this.cells[truth * size + read];
        if (cell.textContent === String(count) && cell.total === total) return;
        cell.textContent = count;
        cell.total = total;
        cell.style.setProperty('--share', (count / total).toFixed(3));
      });
    }
  }
}

/** Test pictures with what the network reads in them; wrong ones carry a frame and a cross. */
export class Strip {
  constructor() {
    this.element = build('ul', 'live-strip');
    this.tiles = [];
    this.theme = null;
  }

  setTheme(theme) {
    this.theme = theme;
    this.tiles.forEach(tile => this.paint(tile));
  }

  /** images (K, h, w) bytes, image_labels (K), strip_prediction (K), strip_confidence (K) as far as the frame has them. */
  take(header, arrays) {
    if (arrays.images) this.make(arrays.images, arrays.image_labels);
    if (!arrays.strip_prediction) return;
    this.tiles.forEach((tile, i) => {
      const read = arrays.strip_prediction[i];
      const name = index => header.classes[index] ?? String(index);
      const wrong = read !== tile.label;
      tile.item.classList.toggle('live-wrong', wrong);
      setText(tile.first, wrong ? `is ${name(tile.label)},` : name(read));
      setText(tile.second, wrong ? `read ${name(read)}` : `${Math.round(100 * arrays.strip_confidence[i])} %`);
    });
  }

  make(images, labels) {
    const [count, height, width] = images.shape;
    this.tiles = Array.from({ length: count }, (_, i) => {
      const canvas = build('canvas', '');
      canvas.width = width;
      canvas.height = height;
      const first = build('span', '');
      const second = build('span', '');
      const cross = build('span', 'live-cross', '\u00d7');
      cross.setAttribute('aria-hidden', 'true');
      const item = build('li', 'live-tile', canvas, cross, first, ' ', second);
      return { item, canvas, first, second, label: labels[i], ink: images.subarray(i * height * width, (i + 1) * height * width) };
    });
    this.tiles.forEach(tile => this.paint(tile));
    this.element.replaceChildren(...this.tiles.map(tile => tile.item));
  }

  paint({ canvas, ink }) {
    if (!this.theme) return;
    const context = canvas.getContext('2d');
    const image = context.createImageData(canvas.width, canvas.height);
    const [red, green, blue] = parseColor(this.theme.text);
    for (let i = 0; i < ink.length; i++) image.data.set([red, green, blue, ink[i]], 4 * i);
    context.putImageData(image, 0, 0);
  }
}
