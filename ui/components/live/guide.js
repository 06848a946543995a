// One sentence under the picture: what this is and what to press, and on a first visit two hints after the first training.
import { REGRESSION, STATUSES } from '../shared/protocol.js';
import { build, makeButton, setText } from '../shared/dom.js';

const STORAGE_KEY = 'backprop-hints-read'; // how many hints this browser tab has dismissed
const HINTS = [
  'Watch the boundary bend around the points; Reset and Play show it again.',
  'Each line is a weight: click it to change it. Point at a neuron to see what it has learned.',
];

/** What the network of a frame's header learns, and what to press. */
export function task({ kind, classes = [], plane }) {
  if (kind === REGRESSION) return 'A neural network learns to predict a number, orange below zero and blue above it. Press Play.';
  const [first, second] = classes;
  const pair = plane ? `the orange points (${first}) from the blue ones (${second})` : `${first} from ${second}`;
  return `A neural network learns to tell ${classes.length === 2 ? pair : `${classes.length} classes apart`}. Press Play.`;
}

/** The sentence for a header after `read` hints were dismissed: {text, isHint}. */
export function sentence(header, read) {
  if (!header.epoch && header.status !== STATUSES.running) return { text: task(header), isHint: false };
  const hint = header.plane && header.network ? HINTS[read] : undefined;
  return { text: hint ?? '', isHint: Boolean(hint) };
}

export class Guide {
  constructor() {
    this.read = storedCount();
    this.text = build('span', '');
    this.button = makeButton('live-switch', 'Got it', 'Got it', () => this.dismiss());
    this.element = build('p', 'live-guide', this.text, this.button);
  }

  show(header) {
    this.header = header;
    const { text, isHint } = sentence(header, this.read);
    setText(this.text, text);
    this.button.hidden = !isHint;
  }

  dismiss() {
    this.read += 1;
    try {
      sessionStorage.setItem(STORAGE_KEY, String(this.read));
    } catch {
      // storage may be forbidden: then the hints appear again in another visit
    }
    this.show(this.header);
  }
}

function storedCount() {
  try {
    return Number(sessionStorage.getItem(STORAGE_KEY)) || 0;
  } catch {
    return 0;
  }
}
