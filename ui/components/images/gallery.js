// Test pictures to choose from, and the weights of the first layer as pictures.
import { BytePicture, build, setText } from '../shared/dom.js';
import { mapColors } from '../shared/palette.js';
import { GRAYS, percent } from './reading.js';
import { saveElement } from '../shared/save.js';

const SEPARATOR = 0; // byte between two units; no weight has it
const MIN_ACROSS = 5; // units in a row, if there are enough
const ASPECT_RATIO = 1.6; // width to height of all units together

/** Test pictures with their predictions. Pressing one sends its number to Python. */
export class Pictures {
  constructor(root) {
    this.api = null; // what Streamlit offers a component, set by images.js
    this.words = build('p', 'img-words');
    this.list = build('ul', 'img-list');
    const head = build('div', 'img-foot', this.words);
    root.append(head, this.list);
    saveElement('test pictures', head, root);
  }

  show({ names, words }, { rows, pictures, truth, shares }) {
    setText(this.words, words);
    const [count, height, width] = pictures.shape;
    const size = height * width;
    while (this.list.children.length > count) this.list.lastChild.remove();
    while (this.list.children.length < count) this.list.append(this.tile());
    [...this.list.children].forEach(({ tile }, i) => {
      const probabilities = shares.subarray(i * names.length, (i + 1) * names.length);
      const best = probabilities.indexOf(Math.max(...probabilities));
      const caption = `${names[truth[i]]} predicted as ${names[best]}`;
      tile.picture.paint(pictures.subarray(i * size, (i + 1) * size), height, width, GRAYS);
      tile.row = rows[i];
      setText(tile.caption, caption);
      setText(tile.share, percent(probabilities[best]));
      tile.button.classList.toggle('img-wrong', best !== truth[i]);
      tile.button.setAttribute('aria-label', `Test picture ${rows[i]}: ${caption}, ${percent(probabilities[best])}`);
    });
  }

  tile() {
    const [canvas, caption, share] = [build('canvas', ''), build('span', ''), build('span', 'img-share')];
    const button = build('button', 'img-tile', canvas, caption, share);
    button.type = 'button';
    const item = build('li', '', button);
    item.tile = { button, caption, share, picture: new BytePicture(canvas), row: 0 };
    button.addEventListener('click', () => this.api.setTriggerValue('pick', item.tile.row));
    return item;
  }
}

/**
 * Pictures (count, height, width) side by side, with a line between neighbors: bytes (rows, columns).
 * @param {Uint8Array} pictures
 */
export function tiled(pictures, count, height, width) {
  const across = Math.min(count, Math.max(MIN_ACROSS, Math.ceil(Math.sqrt(count * ASPECT_RATIO))));
  const columns = across * (width + 1) - 1;
  const rows = Math.ceil(count / across) * (height + 1) - 1;
  const bytes = new Uint8Array(rows * columns).fill(SEPARATOR);
  for (let unit = 0; unit < count; unit++) {
    const top = Math.floor(unit / across) * (height + 1);
    const left = (unit % across) * (width + 1);
    for (let row = 0; row < height; row++) {
      const start = (unit * height + row) * width;
      bytes.set(pictures.subarray(start, start + width), (top + row) * columns + left);
    }
  }
  return { bytes, rows, columns };
}

/** All units of the first layer on one canvas: orange negative, blue positive, a thin line between two. */
export class Weights {
  constructor(root) {
    this.canvas = build('canvas', 'img-weights');
    this.canvas.setAttribute('role', 'img');
    this.words = build('p', 'img-words');
    this.picture = new BytePicture(this.canvas);
    const foot = build('div', 'img-foot', this.words);
    root.append(this.canvas, foot);
    saveElement('first layer', foot, root);
  }

  show({ words, alt, epoch }, { weights }, theme) {
    const [count, height, width] = weights.shape;
    const { bytes, rows, columns } = tiled(weights, count, height, width);
    const colors = mapColors('value', theme, false);
    colors[SEPARATOR] = theme === 'dark' ? 0xff110e0b : 0xffffffff;
    this.picture.paint(bytes, rows, columns, colors);
    this.canvas.setAttribute('aria-label', alt);
    this.canvas.dataset.epoch = epoch;
    setText(this.words, words);
  }
}
