// The status line and the advice.
import { build, makeButton, setText } from '../shared/dom.js';
import { evaluatedPart, formatDuration, formatEpoch, formatNumber, formatWhole, hasValidation, namedScores, scoreText } from '../shared/format.js';
import { STATUSES } from '../shared/protocol.js';
import { generalizationGap } from './exchange.js';

const STATUS_SENTENCES = {
  [STATUSES.idle]: 'Ready.',
  [STATUSES.running]: 'Running.',
  [STATUSES.paused]: 'Paused.',
  [STATUSES.diverged]: 'Diverged.',
  [STATUSES.stopped]: 'Stopped.',
  [STATUSES.lost]: 'Connection lost. Reconnecting...',
};

const MAIN_FACT = 'Test loss'; // the largest number of the bar

const LOSS = 'How wrong the predictions are, 0 if none is';
const SCORE = 'How well they are predicted: 1 is the best';
const TRAIN = 'the examples that training uses';
const VALIDATION = 'the examples by which the best weights are chosen';
const TEST = 'the examples that training never uses';

/**
 * Label, value and meaning of each number, and whether it is shown, by default always: functions of a frame's header.
 * @type {[(header: any) => string, (header: any) => string, string, ((header: any) => boolean)?][]}
 */
export const STATUS_FACTS = [
  [() => 'Epoch', header => formatEpoch(header.epoch), 'How often the network has seen every training example'],
  [header => `Train loss${evaluatedPart(header)}`, header => formatNumber(header.train_loss, 4), `${LOSS}, for ${TRAIN}`],
  [() => 'Validation loss', header => formatNumber(header.validation_loss, 4), `${LOSS}, for ${VALIDATION}`, hasValidation],
  [() => 'Test loss', header => formatNumber(header.test_loss, 4), `${LOSS}, for ${TEST}`],
  [header => `Train ${namedScores(header).name}${evaluatedPart(header)}`, header => scoreText(header, 'train', 3), `${SCORE}, for ${TRAIN}`],
  [header => `Validation ${namedScores(header).name}`, header => scoreText(header, 'validation', 3), `${SCORE}, for ${VALIDATION}`, hasValidation],
  [header => `Test ${namedScores(header).name}`, header => scoreText(header, 'test', 3), `${SCORE}, for ${TEST}`],
];

/** The same for the numbers that are less often asked for. */
export const DETAILS = [
  [() => 'Test loss \u2212 training loss', header => formatNumber(generalizationGap(header), 4), 'The larger it is, the more the network overfits'],
  [() => 'Steps per second', header => formatWhole(header.steps_per_second ?? 0), 'Each step changes the weights once, by one batch'],
  [() => 'Time per epoch', header => formatDuration(header.epoch_ms), 'How long a pass through the training examples takes'],
  [() => 'Parameters', header => formatWhole(header.parameters ?? 0), 'Weights and biases, which are learned'],
  [() => 'Operations per example', header => formatWhole(header.multiply_adds), 'Multiplications with additions for a prediction'],
  [() => 'Device', header => header.device ?? '', 'What computes the network'],
];

/** Facts of a frame as a line or a list of text, for eyes and screen readers alike. */
class Facts {
  /** facts: rows such as STATUS_FACTS. */
  constructor(facts) {
    this.facts = facts.map(([label, value, meaning, isShown = () => true]) => {
      const [labelNode, valueNode] = [build('span', 'live-label'), build('span', 'live-value')];
      const element = build('span', 'live-fact', labelNode, ' ', valueNode);
      element.title = meaning;
      return { label, value, isShown, labelNode, valueNode, element };
    });
    this.element = build('div', 'live-facts', ...this.facts.flatMap(fact => [fact.element, ' ']));
  }

  show(header) {
    for (const { label, value, isShown, labelNode, valueNode, element } of this.facts) {
      element.toggleAttribute('hidden', !isShown(header)); // `hidden = true` would style the page again even if it is
      setText(labelNode, label(header));
      setText(valueNode, value(header));
    }
  }
}

/** On a phone: opens and closes the sheet with the settings (page.css). */
function settingsButton() {
  const button = makeButton('live-switch live-sheet', 'Settings', 'Settings', () => {
    const isOpen = document.body.toggleAttribute('data-sheet');
    button.setAttribute('aria-expanded', String(isOpen));
  });
  button.setAttribute('aria-expanded', 'false');
  return button;
}

/** What the run has reached, whether it is running, and why not. */
export class StatusLine {
  constructor() {
    this.facts = new Facts(STATUS_FACTS);
    this.facts.facts.find(fact => fact.label({}) === MAIN_FACT).element.classList.add('live-fact-main');
    const line = this.facts.element;
    this.state = build('span', 'live-state', STATUS_SENTENCES[STATUSES.idle]);
    this.notice = build('p', 'live-notice'); // below the picture
    this.notice.setAttribute('role', 'status');
    line.setAttribute('aria-live', 'off');
    this.element = build('div', 'live-status', line, build('div', 'live-said', this.state, settingsButton()));
    this.element.dataset.testid = 'live-status';
  }

  show(header) {
    this.facts.show(header);
  }

  close() {
    document.body.removeAttribute('data-sheet');
    this.element.remove();
  }

  /**
   * problem: why there is no picture.
   * @param {string} [status]
   */
  showStatus(status = STATUSES.idle, notice = '', problem = '') {
    setText(this.state, STATUS_SENTENCES[status] ?? status);
    this.element.dataset.status = this.state.dataset.status = status;
    setText(this.notice, problem || (status === STATUSES.diverged ? '' : notice)); // a divergence is told above, with a way out
  }
}

/** The numbers about speed and size, in a panel. */
export class Details {
  constructor() {
    this.facts = new Facts(DETAILS);
    this.element = build('section', 'live-panel live-details', build('div', 'live-head', build('h3', 'live-title', 'Details')), this.facts.element);
  }

  show(header) {
    this.facts.show(header);
  }
}

/** One sentence about what is shown, and a button that applies the change it suggests. */
export class Advice {
  /** fix(changes) is called when the button is pressed. */
  constructor(fix) {
    this.locked = []; // fields that a teacher has locked
    this.text = build('span', '');
    this.button = build('button', 'live-switch');
    this.button.type = 'button';
    this.button.addEventListener('click', () => this.changes && fix(this.changes));
    this.element = build('div', 'live-advice', this.text, this.button);
    this.element.setAttribute('role', 'status');
  }

  /** advice: {text, fix: {label, changes} or null} or null. */
  show(advice) {
    const changes = advice?.fix?.changes ?? null;
    this.changes = changes && !this.locked.some(field => field in changes) ? changes : null;
    setText(this.text, advice?.text ?? '');
    setText(this.button, advice?.fix?.label ?? '');
    this.button.hidden = !this.changes;
  }
}
