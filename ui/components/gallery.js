// Test pictures to choose from, and the weights of the first layer as pictures.
import { Picture, build, setText } from './dom.js';
import { mapColors } from './palette.js';
import { GREYS, percent } from './reading.js';
import { saveElement } from './save.js';

/** Test pictures with what each was read as. Pressing one says its number to Python. */
export class Pictures {
  constructor(root) {
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
      const belief = shares.subarray(i * names.length, (i + 1) * names.length);
      const best = belief.indexOf(Math.max(...belief));
      const caption = `${names[truth[i]]} read as ${names[best]}`;
      tile.picture.paint(pictures.subarray(i * size, (i + 1) * size), height, width, GREYS);
      tile.row = rows[i];
      setText(tile.caption, caption);
      setText(tile.share, percent(belief[best]));
      tile.button.classList.toggle('img-wrong', best !== truth[i]);
      tile.button.setAttribute('aria-label', `Test picture ${rows[i]}: ${caption}, ${percent(belief[best])}`);
    });
  }

  tile() {
    const [canvas, caption, share] = [build('canvas', ''), build('span', ''), build('span', 'img-share')];
    const button = build('button', 'img-tile', canvas, caption, share);
    button.type = 'button';
    const item = build('li', '', button);
    item.tile = { button, caption, share, picture: new Picture(canvas), row: 0 };
    button.addEventListener('click', () => this.api.setTriggerValue('pick', item.tile.row));
    return item;
  }
}

/** All units of the first layer on one canvas: orange negative, blue positive, a thin line between two. */
export class Weights {
  constructor(root) {
    this.canvas = build('canvas', 'img-weights');
    this.canvas.setAttribute('role', 'img');
    this.words = build('p', 'img-words');
    this.picture = new Picture(this.canvas);
    const foot = build('div', 'img-foot', this.words);
    root.append(this.canvas, foot);
    saveElement('first layer', foot, root);
  }

  show({ words, alt, epoch }, { weights }, theme) {
    const [count, height, width] = weights.shape;
    const across = Math.min(count, Math.max(5, Math.ceil(Math.sqrt(count * 1.6))));
    const down = Math.ceil(count / across);
    const columns = across * (width + 1) - 1;
    const bytes = new Uint8Array((down * (height + 1) - 1) * columns);
    for (let unit = 0; unit < count; unit++) {
      const top = Math.floor(unit / across) * (height + 1);
      const left = (unit % across) * (width + 1);
      for (let row = 0; row < height; row++) {
        const start = (unit * height + row) * width;
        bytes.set(weights.subarray(start, start + width), (top + row) * columns + left);
      }
    }
    const colors = mapColors('value', theme, false);
    colors[0] = theme === 'dark' ? 0xff110e0b : 0xffffffff; // between two units; no weight has this byte
    this.picture.paint(bytes, down * (height + 1) - 1, columns, colors);
    this.canvas.setAttribute('aria-label', alt);
    this.canvas.dataset.epoch = epoch;
    setText(this.words, words);
  }
}
