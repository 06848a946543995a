// The strip of test pictures with what the network reads in them. Captions are changed in place.
import { build, setText } from './dom.js';
import { parseColor } from './palette.js';

/** Test pictures with what the network reads in them; wrong ones carry a frame and a cross. */
export class Strip {
  constructor() {
    this.element = build('ul', 'live-strip');
    this.tiles = [];
    this.theme = null;
  }

  setTheme(theme) {
    this.theme = theme;
    this.tiles.forEach(tile => this.paint(tile));
  }

  /** images (K, h, w) bytes, image_labels (K), strip_prediction (K), strip_confidence (K) as far as the frame has them. */
  take(header, arrays) {
    if (arrays.images) this.make(arrays.images, arrays.image_labels);
    if (!arrays.strip_prediction) return;
    this.tiles.forEach((tile, i) => {
      const read = arrays.strip_prediction[i];
      const name = index => header.classes[index] ?? String(index);
      const wrong = read !== tile.label;
      tile.item.classList.toggle('live-wrong', wrong);
      setText(tile.first, wrong ? `is ${name(tile.label)},` : name(read));
      setText(tile.second, wrong ? `read ${name(read)}` : `${Math.round(100 * arrays.strip_confidence[i])} %`);
    });
  }

  make(images, labels) {
    const [count, height, width] = images.shape;
    this.tiles = Array.from({ length: count }, (_, i) => {
      const canvas = build('canvas', '');
      canvas.width = width;
      canvas.height = height;
      const first = build('span', '');
      const second = build('span', '');
      const cross = build('span', 'live-cross', '\u00d7');
      cross.setAttribute('aria-hidden', 'true');
      const item = build('li', 'live-tile', canvas, cross, first, ' ', second);
      return { item, canvas, first, second, label: labels[i], ink: images.subarray(i * height * width, (i + 1) * height * width) };
    });
    this.tiles.forEach(tile => this.paint(tile));
    this.element.replaceChildren(...this.tiles.map(tile => tile.item));
  }

  paint({ canvas, ink }) {
    if (!this.theme) return;
    const context = canvas.getContext('2d');
    const image = context.createImageData(canvas.width, canvas.height);
    const [red, green, blue] = parseColor(this.theme.text);
    for (let i = 0; i < ink.length; i++) image.data.set([red, green, blue, ink[i]], 4 * i);
    context.putImageData(image, 0, 0);
  }
}
