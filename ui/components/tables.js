// What is told in words and numbers: the status line, and the sentence that explains what is seen.
import { build, setText } from './dom.js';

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

/** Milliseconds as text of at most six characters. */
export function duration(milliseconds) {
  if (!Number.isFinite(milliseconds)) return '\u2013';
  return milliseconds < 1000 ? `${digits(milliseconds, 2)} ms` : `${digits(milliseconds / 1000, 2)} s`;
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
  [() => 'Time per epoch', header => duration(header.epoch_ms)],
  [() => 'Parameters', header => wholeNumber.format(header.parameters ?? 0)],
  [() => 'Multiply-adds', header => (Number.isFinite(header.multiply_adds) ? wholeNumber.format(header.multiply_adds) : '\u2013')],
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

/** One sentence about what is seen, and a button that does something about it. */
export class Advice {
  /** fix(changes) is called when the button is pressed. */
  constructor(fix) {
    this.text = build('span', '');
    this.button = build('button', 'live-switch');
    this.button.type = 'button';
    this.button.addEventListener('click', () => this.changes && fix(this.changes));
    this.element = build('div', 'live-advice', this.text, this.button);
    this.element.setAttribute('role', 'status');
  }

  /** advice: {text, fix: {label, changes} or null} or null. */
  show(advice) {
    this.changes = advice?.fix?.changes ?? null;
    setText(this.text, advice?.text ?? '');
    setText(this.button, advice?.fix?.label ?? '');
    this.button.hidden = !this.changes;
  }
}
