// The prediction for a picture: the picture as the network sees it, and a bar for the probability of each class.
import { BytePicture, build, setText } from '../shared/dom.js';
import { packColor } from '../shared/palette.js';

const MAX_BARS = 12; // with more classes, only the most likely ones are shown
export const GRAYS = Uint32Array.from({ length: 256 }, (_, gray) => packColor([gray, gray, gray]));

/** 0.873 -> 87 %; what would round to zero is < 1 %. */
export function percent(share) {
  return share > 0 && share < 0.005 ? '< 1\u2009%' : `${Math.round(share * 100)}\u2009%`;
}

/** Numbers of the classes, most likely first. */
export function ranked(shares) {
  return Array.from(shares.keys()).sort((a, b) => shares[b] - shares[a]);
}

export class Reading {
  constructor() {
    this.title = build('h4', 'img-title');
    this.canvas = build('canvas', 'img-picture');
    this.canvas.setAttribute('role', 'img');
    this.picture = new BytePicture(this.canvas);
    this.class = build('strong', 'img-class');
    this.before = build('span');
    this.after = build('span');
    this.answer = build('p', 'img-answer', this.before, this.class, this.after);
    this.bars = build('ol', 'img-bars');
    this.element = build('div', 'img-reading', this.title, this.canvas, this.answer, this.bars);
    this.rows = [];
  }

  /** picture: bytes with a shape (rows, columns); shares: one per class, or null if the picture is empty. */
  show({ title, names, truth = null, words = '' }, picture, shares) {
    setText(this.title, title);
    this.picture.paint(picture, ...picture.shape, GRAYS);
    this.canvas.setAttribute('aria-label', title);
    this.make(names);
    const order = shares ? ranked(shares) : [];
    const best = order[0];
    const verdict = truth === null || !shares ? '' : truth === best ? ', which is correct' : `, but it is ${names[truth]}`;
    setText(this.before, shares ? 'Predicted: ' : words);
    setText(this.class, shares ? names[best] : '');
    setText(this.after, shares ? `, ${percent(shares[best])}${verdict}.` : '');
    this.element.dataset.read = shares ? names[best] : '';
    const shown = new Set(names.length <= MAX_BARS ? names.keys() : order.slice(0, MAX_BARS));
    this.rows.forEach(({ row, bar, value }, i) => {
      row.hidden = Boolean(shares) && !shown.has(i);
      row.classList.toggle('img-best', i === best);
      row.classList.toggle('img-true', i === truth);
      bar.style.width = shares ? `${shares[i] * 100}%` : '0';
      setText(value, shares ? percent(shares[i]) : '\u2013');
    });
  }

  make(names) {
    const made = JSON.stringify(names);
    if (this.made === made) return;
    this.made = made;
    this.rows = names.map(name => {
      const [bar, value] = [build('span', 'img-bar'), build('span', 'img-share')];
      const label = build('span', 'img-name', name);
      label.title = name;
      const row = build('li', '', label, build('span', 'img-track', bar), value);
      return { row, bar, value };
    });
    this.bars.replaceChildren(...this.rows.map(({ row }) => row));
  }
}

/** Two predictions side by side: for a picture as it is, and after preparation. */
export class Readings {
  constructor(root) {
    this.parts = [new Reading(), new Reading()];
    root.append(build('div', 'img-pair', ...this.parts.map(part => part.element)));
  }

  show(header, arrays) {
    const [raw, prepared] = this.parts;
    raw.show({ ...header, title: 'As it is' }, arrays.raw, arrays.raw_shares);
    const words = 'There is no ink left to prepare.';
    prepared.show({ ...header, title: 'Prepared: cropped, scaled, centered', words }, arrays.picture, header.empty ? null : arrays.shares);
  }
}
