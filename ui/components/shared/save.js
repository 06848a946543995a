// A small menu on each picture that saves it as PNG, SVG or a web page. All of it happens in the browser.
import { build, makeButton } from './dom.js';
import { plotlyScript } from './plotly.js';
import { parseColor, readTheme } from './palette.js';

const SVG = 'http://www.w3.org/2000/svg';
const FORMATS = ['PNG', 'SVG', 'HTML'];
const PNG_SCALE = 2; // pixels of a PNG for each pixel of the screen
const LEFT_OUT = '.live-save, .live-hidden, .live-tip, .live-callout, .live-switch, .live-small'; // buttons and passing hints
const MAX_FILE_NAME = 60; // letters
const REVOKE_AFTER_MS = 60_000; // by then the browser has begun to save

/** Puts the menu at the end of a heading. source: {svg() -> promise of SVG text, html(title) -> promise of a page}. */
export class SaveMenu {
  constructor(name, head, source) {
    this.source = source;
    this.formats = FORMATS.map(format => makeButton('live-switch', '', format, () => this.save(format)));
    this.list = build('span', 'live-save-list', ...this.formats);
    this.list.hidden = true;
    this.button = makeButton('live-switch', '', '\u2193', () => this.setOpen(this.list.hidden));
    this.button.title = 'Save this picture';
    this.element = build('span', 'live-save', this.button, this.list);
    this.element.addEventListener('keydown', event => {
      if (event.key !== 'Escape') return;
      this.setOpen(false);
      this.button.focus();
    });
    this.element.addEventListener('focusout', event => {
      if (event.relatedTarget && !this.element.contains(event.relatedTarget)) this.setOpen(false);
    });
    this.setOpen(false);
    this.rename(name);
    head.append(this.element);
  }

  /** name: of the picture, for screen readers and for the file. */
  rename(name) {
    this.name = name;
    this.button.setAttribute('aria-label', `Save ${name}`);
    this.formats.forEach((button, number) => button.setAttribute('aria-label', `Save ${name} as ${FORMATS[number]}`));
  }

  setOpen(isOpen) {
    this.list.hidden = !isOpen;
    this.button.setAttribute('aria-expanded', String(isOpen));
  }

  async save(format) {
    this.setOpen(false);
    const text = format === 'HTML' ? await this.source.html(this.name) : await this.source.svg();
    const type = format === 'HTML' ? 'text/html' : 'image/svg+xml';
    const blob = format === 'PNG' ? await rasterize(text) : new Blob([text], { type });
    const link = build('a', '');
    link.href = URL.createObjectURL(blob);
    link.download = fileName(this.name, format);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_AFTER_MS);
  }
}

/** A Plotly chart: its own vector picture, and as a page Plotly itself with zoom and hover. */
export class ChartSource {
  constructor(chart, back) {
    this.chart = chart; // {plotly, plot}, and saved() -> {data, layout} if the file differs from the screen
    this.back = back;
  }

  figure() {
    const { data = [], layout } = this.chart.saved?.() ?? this.chart.plot;
    return { data, layout: { ...layout, paper_bgcolor: this.back(), plot_bgcolor: this.back(), datarevision: undefined } };
  }

  async svg() {
    const { plotly, plot } = this.chart;
    const size = { width: plot.clientWidth, height: plot.clientHeight };
    const url = await plotly.toImage({ ...this.figure(), config: {} }, { format: 'svg', ...size });
    return decodeURIComponent(url.slice(url.indexOf(',') + 1));
  }

  async html(title) {
    const library = await (await fetch(plotlyScript().src)).text();
    const lists = (_, value) => (ArrayBuffer.isView(value) ? Array.from(/** @type {Float64Array} */ (value)) : value);
    const { data, layout } = JSON.parse(JSON.stringify(this.figure(), lists));
    delete layout.width;
    delete layout.height;
    const figure = [data, layout, { responsive: true }].map(part => JSON.stringify(part).replaceAll('<', '\\u003c'));
    return `${pageHead(title)}<div id="chart" style="height:90vh"></div><script>${library}</script>\n<script>Plotly.newPlot('chart', ${figure})</script>`;
  }
}

/** Any part of the page: its backgrounds, canvases and texts, at their places on the screen. */
export class ElementSource {
  constructor(element, back) {
    this.element = element;
    this.back = back;
  }

  async svg() {
    return new XMLSerializer().serializeToString(drawElement(this.element, this.back()));
  }

  async html(title) {
    return `${pageHead(title)}${await this.svg()}`;
  }
}

/** Name of the saved file: letters, digits and hyphens. */
export function fileName(name, format) {
  return `${name.slice(0, MAX_FILE_NAME).replaceAll(/\W+/g, '-').toLowerCase()}.${format.toLowerCase()}`;
}

export function pageHead(title) {
  const text = title.replaceAll('&', '&amp;').replaceAll('<', '&lt;'); // it may hold names from a visitor's table
  return `<!doctype html>\n<meta charset="utf-8">\n<title>${text}</title>\n`;
}

function svgNode(name, attributes, text = '') {
  const node = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
  if (text) node.textContent = text;
  return node;
}

function drawElement(element, back) {
  const frame = element.getBoundingClientRect();
  const place = box => ({ x: box.left - frame.left, y: box.top - frame.top, width: box.width, height: box.height });
  const svg = svgNode('svg', { xmlns: SVG, width: frame.width, height: frame.height, viewBox: `0 0 ${frame.width} ${frame.height}` });
  svg.append(svgNode('rect', { width: '100%', height: '100%', fill: rgba(back) }));
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, {
    acceptNode: node => (node.nodeType === Node.TEXT_NODE || isSeen(node) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT),
  });
  while (walker.nextNode()) {
    const node = /** @type {Element | Text} */ (walker.currentNode);
    if (node instanceof Text) svg.append(...linesOf(node).map(line => drawText(line, node.parentElement, place)));
    else if (node instanceof HTMLSelectElement) svg.append(drawText({ text: node.selectedOptions[0].text, box: node.getBoundingClientRect() }, node, place));
    else if (node instanceof SVGSVGElement) {
      const copy = /** @type {SVGSVGElement} */ (node.cloneNode(true));
      Object.entries(place(node.getBoundingClientRect())).forEach(([key, value]) => copy.setAttribute(key, value));
      svg.append(copy);
    } else if (node instanceof HTMLCanvasElement && node.width) {
      const style = `image-rendering: ${getComputedStyle(node).imageRendering}`;
      svg.append(svgNode('image', { ...place(node.getBoundingClientRect()), href: node.toDataURL(), preserveAspectRatio: 'none', style }));
    } else {
      const fill = rgba(getComputedStyle(node).backgroundColor);
      if (fill) svg.append(svgNode('rect', { ...place(node.getBoundingClientRect()), fill }));
    }
  }
  return svg;
}

function isSeen(element) {
  return element.checkVisibility() && !element.parentElement.closest('svg') && !element.matches(LEFT_OUT);
}

/** The lines of a text on the screen: [{text, box}]. */
function linesOf(node) {
  const range = document.createRange();
  const found = [];
  for (const { 0: word, index } of node.textContent.matchAll(/\S+/g)) {
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    const box = range.getBoundingClientRect();
    const line = found.at(-1);
    if (line && Math.abs(line.box.top - box.top) < box.height / 2) {
      line.text += ` ${word}`;
      line.box = new DOMRect(line.box.left, line.box.top, box.right - line.box.left, line.box.height);
    } else found.push({ text: word, box });
  }
  return found.filter(({ box }) => box.width);
}

function drawText({ text, box }, element, place) {
  const style = getComputedStyle(element);
  const { x, y, width, height } = place(box);
  const font = { 'font-family': style.fontFamily, 'font-size': style.fontSize, 'font-weight': style.fontWeight };
  const at = element instanceof HTMLSelectElement
    ? { x: x + width / 2, 'text-anchor': 'middle' }
    : { x, textLength: width, lengthAdjust: 'spacingAndGlyphs' }; // keeps its width with another font
  return svgNode('text', { ...at, y: y + height / 2, 'dominant-baseline': 'central', fill: rgba(style.color), ...font }, text);
}

/** Any CSS color -> rgba() that every program knows, '' for a transparent one. */
function rgba(css) {
  const [r, g, b, a] = parseColor(css);
  return a ? `rgba(${r},${g},${b},${(a / 255).toFixed(3)})` : '';
}

async function rasterize(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = build('canvas', '');
  canvas.width = image.width * PNG_SCALE;
  canvas.height = image.height * PNG_SCALE;
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise(resolve => canvas.toBlob(resolve, 'image/png'));
}

/** A menu that saves an element; the background is that of the page's theme. */
export function saveElement(name, head, element) {
  return new SaveMenu(name, head, new ElementSource(element, () => readTheme(element).back));
}
