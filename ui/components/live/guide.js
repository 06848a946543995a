// What this is and what to press: a sentence under the picture, and three callouts beside what they speak of.
import { REGRESSION, STATUSES } from '../shared/protocol.js';
import { build, makeButton, setText } from '../shared/dom.js';

const STORAGE_KEY = 'backprop-hints-read'; // how many callouts this browser tab has dismissed
const OCCUPIED = 'button, input, label, a, p, h1, h2, h3, h4, h5, canvas, svg, img, table, .live-fact'; // what no callout may cover
const PASSING = '[role=tooltip]';
const PLAY = ':is(.st-key-play, .st-key-pause) button';
const GAP_PX = 6; // between Play and its callout
const PLACE_PERIOD_MS = 500; // between two looks for its place
/** What each callout says, and the place it points from: see Guide. */
const CALLOUTS = [
  { at: 'play', text: 'Press Play and watch it learn.' },
  { at: 'map', text: 'Watch the boundary bend.' },
  { at: 'network', text: 'Each line is a weight: click it to change it. Point at a neuron to see what it has learned.' },
];

/** What the network of a frame's header learns, and what to press. */
export function task({ kind, classes = [], plane }) {
  if (kind === REGRESSION) return `A neural network learns to predict a number${plane ? ', orange below zero and blue above it' : ''}. Press Play.`;
  const [first, second] = classes;
  const pair = plane ? `the orange points (${first}) from the blue ones (${second})` : `${first} from ${second}`;
  return `A neural network learns to tell ${classes.length === 2 ? pair : `${classes.length} classes apart`}. Press Play.`;
}

/** Whether the network of a frame's header has not been trained yet. */
function isFresh({ epoch, status }) {
  return !epoch && status !== STATUSES.running;
}

/** The sentence under the picture. */
export function sentence(header) {
  return isFresh(header) ? task(header) : '';
}

/** The callout for a header after `read` of them were dismissed, or undefined: the first one before training, the others after it. */
export function callout(header, read) {
  const next = isFresh(header) ? 0 : Math.max(read, 1);
  return header.plane && header.network && next >= read ? CALLOUTS[next] : undefined;
}

/** What takes in a callout: the title above the map, the row of words under the network, and the numbers beside Play. */
export class Guide {
  constructor({ map, words, numbers }) {
    this.places = { map, network: words, line: words, play: numbers };
    this.read = storedCount();
    this.element = build('p', 'live-guide');
    this.element.setAttribute('role', 'status');
    this.text = build('span', '');
    this.button = makeButton('live-switch', 'Got it', 'Got it', () => this.dismiss());
    this.callout = build('div', 'live-callout', this.text, this.button);
    this.callout.setAttribute('role', 'note');
    this.callout.hidden = true;
    this.placing = 0; // timer
    this.wasResized = false; // so that the callout above the map may need another place
    this.observer = new ResizeObserver(() => this.wasResized = true);
    this.observer.observe(map);
    this.listen = event => this.leave(event);
    document.addEventListener('keydown', this.listen);
  }

  show(header) {
    this.header = header;
    setText(this.element, sentence(header));
    const wanted = callout(header, this.read);
    const isNew = wanted !== this.shown;
    this.shown = wanted;
    if (wanted?.at === 'play') {
      if (isNew) this.callout.hidden = true; // until it has a place
      this.placing ||= setTimeout(() => this.lookBelowPlay(), PLACE_PERIOD_MS);
      return;
    }
    this.callout.hidden = !wanted;
    if (wanted && (isNew || this.wasResized)) this.putBeside(wanted);
  }

  /** Outside a frame, which should not wait for a layout of the page. */
  lookBelowPlay() {
    this.placing = 0;
    if (this.shown?.at === 'play') this.callout.hidden = !this.putBelowPlay();
  }

  putBeside({ at, text }) {
    this.wasResized = false;
    this.put(at, text);
    if (at === 'map' && this.isCramped()) this.put('line', text);
  }

  put(at, text) {
    setText(this.text, text);
    this.callout.dataset.at = at;
    this.callout.style.cssText = '';
    const place = this.places[at];
    if (this.callout.parentElement === place) return; // moving it would take the focus away
    const title = place.querySelector('.live-title');
    if (title) title.after(this.callout);
    else place.append(this.callout);
  }

  /** Whether the title above the map has no room beside the callout. */
  isCramped() {
    const title = this.places.map.querySelector('.live-title');
    return title.scrollWidth > title.clientWidth || this.text.scrollWidth > this.text.clientWidth;
  }

  /** Puts the first callout where the button is now; returns whether there is room. */
  putBelowPlay() {
    const play = document.querySelector(PLAY);
    if (!play) return false;
    this.put(CALLOUTS[0].at, CALLOUTS[0].text);
    const [button, line] = [play.getBoundingClientRect(), this.places.play.getBoundingClientRect()];
    this.callout.style.left = `${button.left - line.left}px`;
    this.callout.style.top = `${button.bottom - line.top + GAP_PX}px`;
    this.callout.hidden = false;
    const { left, top, right, bottom } = this.callout.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return [[left, top], [right, top], [x, y], [left, bottom], [x, bottom], [right, bottom]].every(([across, down]) => {
      const found = document.elementsFromPoint(across, down).find(element => !this.callout.contains(element) && !element.closest(PASSING));
      return found && !found.closest(OCCUPIED);
    });
  }

  dismiss() {
    const hadFocus = this.callout.contains(document.activeElement);
    this.read = CALLOUTS.findIndex(({ text }) => text === this.text.textContent) + 1;
    try {
      sessionStorage.setItem(STORAGE_KEY, String(this.read));
    } catch {
      // storage may be forbidden: then the callouts appear again in another visit
    }
    this.show(this.header);
    if (hadFocus) (this.callout.hidden ? document.querySelector(PLAY) : this.button)?.focus();
  }

  /** Escape dismisses a callout, unless something else has the focus. */
  leave(event) {
    const { activeElement } = document;
    const isFree = activeElement === document.body || this.callout.contains(activeElement);
    if (event.key === 'Escape' && !event.defaultPrevented && !this.callout.hidden && isFree) this.dismiss();
  }

  close() {
    clearTimeout(this.placing);
    this.observer.disconnect();
    document.removeEventListener('keydown', this.listen);
  }
}

function storedCount() {
  try {
    return Number(sessionStorage.getItem(STORAGE_KEY)) || 0;
  } catch {
    return 0;
  }
}
