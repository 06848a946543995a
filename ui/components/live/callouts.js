// Two short hints on the picture for a first visit. Any key or press removes them for the rest of the session.
import { build, placeAt } from '../shared/dom.js';

const STORAGE_KEY = 'backprop-hints-read';
const MIN_WIDTH = 480; // CSS pixels of the diagram in which both fit
const NOTE_WIDTH = 164; // CSS pixels
const HINTS = ['Point at a neuron: the big map shows what it has learned.', 'Click a line to change its weight by hand.'];

function alreadyRead() {
  try {
    return sessionStorage.getItem(STORAGE_KEY) !== null;
  } catch {
    return false; // storage may be forbidden: then the hints appear again
  }
}

function remember() {
  try {
    sessionStorage.setItem(STORAGE_KEY, '1');
  } catch {
    // storage may be forbidden
  }
}

export class Callouts {
  /** box: the diagram's box, on which the hints appear. */
  constructor(box) {
    this.box = box;
    this.notes = alreadyRead() ? [] : HINTS.map(text => build('p', 'live-callout', text));
    this.notes.forEach(note => {
      note.hidden = true;
      note.style.width = `${NOTE_WIDTH}px`;
    });
    box.append(...this.notes);
    this.dismiss = () => {
      remember();
      this.close();
    };
    if (this.notes.length === 0) return;
    document.addEventListener('pointerdown', this.dismiss, true);
    document.addEventListener('keydown', this.dismiss, true);
  }

  /** Places the hints below the first hidden layer and on the links into the output. */
  arrange({ columns, height, width }) {
    if (this.notes.length === 0) return;
    const [neuron, link] = this.notes;
    const lowest = height - 68;
    const [last, output] = columns.slice(-2);
    neuron.hidden = columns.length < 3;
    link.hidden = width < MIN_WIDTH || width > this.box.parentElement.clientWidth; // else one covers the other, or is out of sight
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
