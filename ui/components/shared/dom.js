// Helpers for elements, and a canvas that shows one byte per pixel.

/** A new element with a class and children (text or nodes). */
export function build(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Sets the text of an element, unless it is the same. A text node that stays spares the page most of its :has() rules. */
export function setText(element, text) {
  if (element.textContent === text) return;
  const { firstChild } = element;
  if (text && firstChild?.nodeName === '#text' && !firstChild.nextSibling) firstChild.data = text;
  else element.textContent = text;
}

/** A button with an accessible name and a text, which may be shorter. */
export function makeButton(className, name, text, action) {
  const element = build('button', className, text);
  element.type = 'button';
  element.setAttribute('aria-label', name);
  element.addEventListener('click', action);
  return element;
}

/** Sets the place, and the size if given, of an element in CSS pixels. */
export function placeAt(element, left, top, width, height) {
  Object.assign(element.style, { left: `${left}px`, top: `${top}px`, width: width && `${width}px`, height: height && `${height}px` });
}

/** Where a pointer is inside an element, [left, top] in the element's own pixels, which the projector view enlarges. */
export function placeIn(element, event) {
  const area = element.getBoundingClientRect();
  const zoom = element.currentCSSZoom ?? 1;
  return [(event.clientX - area.left) / zoom, (event.clientY - area.top) / zoom];
}

/** Fits the backing store of a canvas to its size on the screen; returns a context in CSS pixels. */
export function sharpContext(canvas, width, height, options = {}) {
  const ratio = Math.min(2, (window.devicePixelRatio || 1) * (canvas.currentCSSZoom ?? 1));
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d', options);
  context.scale(ratio, ratio);
  return context;
}

/** A canvas with one pixel per byte, colored by a table of 256 packed colors. The image is reused from frame to frame. */
export class BytePicture {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d', { alpha: false });
    this.image = /** @type {any} */ (null); // ImageData, once something is painted
    this.pixels = new Uint32Array(0);
  }

  /** bytes (rows * columns), row by row from the top. */
  paint(bytes, rows, columns, colors) {
    const { canvas, context } = this;
    if (!this.image || canvas.width !== columns || canvas.height !== rows) {
      canvas.width = columns;
      canvas.height = rows;
      this.image = context.createImageData(columns, rows);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const { image, pixels } = this;
    for (let i = 0; i < bytes.length; i++) pixels[i] = colors[bytes[i]];
    context.putImageData(image, 0, 0);
  }
}
