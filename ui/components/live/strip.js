// The strip of test pictures with the network's predictions. Captions change in place.
import { build, setText } from '../shared/dom.js';
import { parseColor } from '../shared/palette.js';

/** The two parts of a caption: prediction and confidence, or for a wrong prediction both classes. */
export function captions(classes, truth, predicted, confidence) {
  const name = index => classes[index] ?? String(index);
  if (predicted !== truth) return [`is ${name(truth)},`, `pred. ${name(predicted)}`];
  return [name(predicted), `${Math.round(100 * confidence)} %`];
}

/** Test pictures with captions; wrong predictions have a frame and a cross. */
export class Strip {
  constructor() {
    this.element = build('ul', 'live-strip');
    this.element.tabIndex = 0; // it scrolls
    this.element.setAttribute('aria-label', 'Test pictures');
    this.tiles = [];
    this.theme = null;
  }

  setTheme(theme) {
    this.theme = theme;
    this.tiles.forEach(tile => this.paint(tile));
  }

  /** arrays: images (K, h, w) bytes, image_labels (K), strip_prediction (K), strip_confidence (K); any may be missing. */
  take(header, arrays) {
    if (arrays.images) this.make(arrays.images, arrays.image_labels);
    if (!arrays.strip_prediction) return;
    this.tiles.forEach((tile, i) => {
      const predicted = arrays.strip_prediction[i];
      const [first, second] = captions(header.classes, tile.label, predicted, arrays.strip_confidence[i]);
      tile.item.classList.toggle('live-wrong', predicted !== tile.label);
      setText(tile.first, first);
      setText(tile.second, second);
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
