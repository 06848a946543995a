// What a network reads in a picture: the picture as the network sees it, and a bar for its belief in every class.
import { Picture, build, setText } from './dom.js';

const MOST_BARS = 12; // of more classes only the likeliest are shown
export const GREYS = Uint32Array.from({ length: 256 }, (_, grey) => ((255 << 24) | (grey << 16) | (grey << 8) | grey) >>> 0);

/** 0.873 -> 87 %; below one in a thousand it is plainly nothing. */
export function percent(share) {
  return share > 0 && share < 0.005 ? '< 1\u2009%' : `${Math.round(share * 100)}\u2009%`;
}

/** Numbers of the classes from the likeliest down. */
export function ranked(shares) {
  return Array.from(shares.keys()).sort((a, b) => shares[b] - shares[a]);
}

export class Reading {
  constructor() {
    this.title = build('h4', 'img-title');
    this.canvas = build('canvas', 'img-picture');
    this.canvas.setAttribute('role', 'img');
    this.picture = new Picture(this.canvas);
    this.answer = build('p', 'img-answer');
    this.bars = build('ol', 'img-bars');
    this.element = build('div', 'img-reading', this.title, this.canvas, this.answer, this.bars);
    this.rows = [];
  }

  /** picture: bytes with a shape (rows, columns); shares: one a class, or null where there is nothing to read. */
  show({ title, names, truth = null, words = '' }, picture, shares) {
    setText(this.title, title);
    this.picture.paint(picture, ...picture.shape, GREYS);
    this.canvas.setAttribute('aria-label', title);
    this.make(names);
    const order = shares ? ranked(shares) : [];
    const best = order[0];
    const verdict = truth === null || !shares ? '' : truth === best ? ', which is right' : `, but it is ${names[truth]}`;
    setText(this.answer, shares ? `Read as ${names[best]}, ${percent(shares[best])}${verdict}.` : words);
    this.element.dataset.read = shares ? names[best] : '';
    const shown = new Set(names.length <= MOST_BARS ? names.keys() : order.slice(0, MOST_BARS));
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

/** Two readings next to each other: a picture as it is, and prepared. */
export class Readings {
  constructor(root) {
    this.parts = [new Reading(), new Reading()];
    root.append(build('div', 'img-pair', ...this.parts.map(part => part.element)));
  }

  show(header, arrays) {
    const [raw, prepared] = this.parts;
    raw.show({ ...header, title: 'As it is' }, arrays.raw, arrays.raw_shares);
    const words = 'There is no ink left to prepare.';
    prepared.show({ ...header, title: 'Prepared: cropped, scaled, centred', words }, arrays.picture, header.empty ? null : arrays.shares);
  }
}
