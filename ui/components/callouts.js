// Two short hints on the picture for a first visit. Any key or press takes them away, for the rest of the session.
import { build, placeAt } from './dom.js';

const REMEMBERED = 'backprop-hints-read';
const LEAST_WIDTH = 480; // CSS pixels of the diagram in which both have room
const NOTE_WIDTH = 164; // as in live.css
const HINTS = ['Point at a neuron: the big map shows what it has learned.', 'Click a line to change its weight by hand.'];

function alreadyRead() {
  try {
    return sessionStorage.getItem(REMEMBERED) !== null;
  } catch {
    return false; // storage may be forbidden: then the hints come again
  }
}

function remember() {
  try {
    sessionStorage.setItem(REMEMBERED, '1');
  } catch {
    // see above
  }
}

export class Callouts {
  /** box: the diagram's box, which they lie on. */
  constructor(box) {
    this.box = box;
    this.notes = alreadyRead() ? [] : HINTS.map(text => build('p', 'live-callout', text));
    this.notes.forEach(note => { note.hidden = true; });
    box.append(...this.notes);
    this.dismiss = () => {
      remember();
      this.close();
    };
    if (this.notes.length === 0) return;
    document.addEventListener('pointerdown', this.dismiss, true);
    document.addEventListener('keydown', this.dismiss, true);
  }

  /** Below the first hidden layer, and on the links into the output. */
  arrange({ columns, height, width }) {
    if (this.notes.length === 0) return;
    const [neuron, link] = this.notes;
    const lowest = height - 68;
    const [last, output] = columns.slice(-2);
    neuron.hidden = columns.length < 3;
    link.hidden = width < LEAST_WIDTH || width > this.box.parentElement.clientWidth; // one lies on the other, or out of sight
    placeAt(neuron, Math.max(0, columns[1].center - NOTE_WIDTH / 2), Math.min(lowest, columns[1].bottom + 8));
    placeAt(link, Math.min((last.right + output.left) / 2 - 40, output.right - NOTE_WIDTH), Math.min(lowest, output.bottom + 16));
  }

  close() {
    this.notes.forEach(note => note.remove());
    this.notes = [];
    document.removeEventListener('pointerdown', this.dismiss, true);
    document.removeEventListener('keydown', this.dismiss, true);
  }
}
