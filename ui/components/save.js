// A small menu on each picture that saves it as PNG, SVG or a web page of its own. All of it happens in the browser.
import { build, pressable } from './dom.js';
import { readTheme } from './palette.js';

const SVG = 'http://www.w3.org/2000/svg';
const FORMATS = ['PNG', 'SVG', 'HTML'];
const SCALE = 2; // pixels of a PNG for each pixel of the screen
const UNSEEN = '.live-save, .live-hidden, .live-tip, .live-callout, .live-switch, .live-small'; // what is pressed or passes is no part of a picture
const LONGEST_NAME = 60; // letters of a file's name
const REVOKE_AFTER = 60_000; // ms in which the browser has long begun to save

/** Puts the menu at the end of a heading. source: {svg() -> promise of SVG text, html(title) -> promise of a page}. */
export class SaveMenu {
  constructor(name, head, source) {
    this.source = source;
    this.formats = FORMATS.map(format => pressable('live-switch', '', format, () => this.save(format)));
    this.list = build('span', 'live-save-list', ...this.formats);
    this.list.hidden = true;
    this.button = pressable('live-switch', '', '\u2193', () => this.open(this.list.hidden));
    this.button.title = 'Save this picture';
    this.element = build('span', 'live-save', this.button, this.list);
    this.element.addEventListener('keydown', event => {
      if (event.key !== 'Escape') return;
      this.open(false);
      this.button.focus();
    });
    this.element.addEventListener('focusout', event => {
      if (event.relatedTarget && !this.element.contains(event.relatedTarget)) this.open(false);
    });
    this.open(false);
    this.rename(name);
    head.append(this.element);
  }

  /** name: of the picture, for who cannot see it and for the file */
  rename(name) {
    this.name = name;
    this.button.setAttribute('aria-label', `Save ${name}`);
    this.formats.forEach((button, number) => button.setAttribute('aria-label', `Save ${name} as ${FORMATS[number]}`));
  }

  open(wanted) {
    this.list.hidden = !wanted;
    this.button.setAttribute('aria-expanded', String(wanted));
  }

  async save(format) {
    this.open(false);
    const text = format === 'HTML' ? await this.source.html(this.name) : await this.source.svg();
    const type = format === 'HTML' ? 'text/html' : 'image/svg+xml';
    const blob = format === 'PNG' ? await rasterised(text) : new Blob([text], { type });
    const link = build('a', '');
    link.href = URL.createObjectURL(blob);
    link.download = `${this.name.slice(0, LONGEST_NAME).replaceAll(/\W+/g, '-').toLowerCase()}.${format.toLowerCase()}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_AFTER);
  }
}

/** A Plotly chart: its own vector picture, and as a page Plotly itself with zoom and hover. */
export class ChartSource {
  constructor(chart, back) {
    Object.assign(this, { chart, back });
  }

  figure() {
    const { plot } = this.chart;
    const plain = { paper_bgcolor: this.back(), plot_bgcolor: this.back(), datarevision: undefined };
    return { data: plot.data ?? [], layout: { ...plot.layout, ...plain } };
  }

  async svg() {
    const { plotly, plot } = this.chart;
    const size = { width: plot.clientWidth, height: plot.clientHeight };
    const url = await plotly.toImage({ ...this.figure(), config: {} }, { format: 'svg', ...size });
    return decodeURIComponent(url.slice(url.indexOf(',') + 1));
  }

  async html(title) {
    const library = await (await fetch(document.querySelector('script[src*="plotly"]').src)).text();
    const lists = (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
    const { data, layout } = JSON.parse(JSON.stringify(this.figure(), lists));
    delete layout.width;
    delete layout.height;
    const figure = [data, layout, { responsive: true }].map(part => JSON.stringify(part).replaceAll('<', '\\u003c'));
    return `${pageHead(title)}<div id="chart" style="height:90vh"></div><script>${library}</script>\n<script>Plotly.newPlot('chart', ${figure})</script>`;
  }
}

/** Any part of the page: backgrounds, canvases and texts where they stand on the screen. */
export class ElementSource {
  constructor(element, back) {
    Object.assign(this, { element, back });
  }

  async svg() {
    return new XMLSerializer().serializeToString(drawn(this.element, this.back()));
  }

  async html(title) {
    return `${pageHead(title)}${await this.svg()}`;
  }
}

function pageHead(title) {
  const text = title.replaceAll('&', '&amp;').replaceAll('<', '&lt;'); // it may hold names from a visitor's table
  return `<!doctype html>\n<meta charset="utf-8">\n<title>${text}</title>\n`;
}

function part(name, attributes, text = '') {
  const node = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
  if (text) node.textContent = text;
  return node;
}

function drawn(element, back) {
  const frame = element.getBoundingClientRect();
  const place = box => ({ x: box.left - frame.left, y: box.top - frame.top, width: box.width, height: box.height });
  const color = colors();
  const svg = part('svg', { xmlns: SVG, width: frame.width, height: frame.height, viewBox: `0 0 ${frame.width} ${frame.height}` });
  svg.append(part('rect', { width: '100%', height: '100%', fill: color(back) }));
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, {
    acceptNode: node => (node.nodeType === Node.TEXT_NODE || isSeen(node) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT),
  });
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.nodeType === Node.TEXT_NODE) svg.append(...lines(node).map(line => written(line, node.parentElement, place, color)));
    else if (node instanceof HTMLSelectElement) svg.append(written({ text: node.selectedOptions[0].text, box: node.getBoundingClientRect() }, node, place, color));
    else if (node instanceof SVGSVGElement) {
      const copy = node.cloneNode(true);
      Object.entries(place(node.getBoundingClientRect())).forEach(([key, value]) => copy.setAttribute(key, value));
      svg.append(copy);
    } else if (node instanceof HTMLCanvasElement && node.width) {
      const style = `image-rendering: ${getComputedStyle(node).imageRendering}`;
      svg.append(part('image', { ...place(node.getBoundingClientRect()), href: node.toDataURL(), preserveAspectRatio: 'none', style }));
    } else {
      const fill = color(getComputedStyle(node).backgroundColor);
      if (fill) svg.append(part('rect', { ...place(node.getBoundingClientRect()), fill }));
    }
  }
  return svg;
}

function isSeen(element) {
  return element.checkVisibility() && !element.parentElement.closest('svg') && !element.matches(UNSEEN);
}

/** The lines in which a text stands on the screen: [{text, box}]. */
function lines(node) {
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

function written({ text, box }, element, place, color) {
  const style = getComputedStyle(element);
  const { x, y, width, height } = place(box);
  const font = { 'font-family': style.fontFamily, 'font-size': style.fontSize, 'font-weight': style.fontWeight };
  const at = element instanceof HTMLSelectElement
    ? { x: x + width / 2, 'text-anchor': 'middle' }
    : { x, textLength: width, lengthAdjust: 'spacingAndGlyphs' }; // fits where the font is another one
  return part('text', { ...at, y: y + height / 2, 'dominant-baseline': 'central', fill: color(style.color), ...font }, text);
}

/** CSS colours of any kind -> rgb() that every program knows, '' for a transparent one. */
function colors() {
  const context = build('canvas', '').getContext('2d', { willReadFrequently: true });
  const known = new Map();
  return css => {
    if (!known.has(css)) {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = css;
      context.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
      known.set(css, a ? `rgba(${r},${g},${b},${(a / 255).toFixed(3)})` : '');
    }
    return known.get(css);
  };
}

async function rasterised(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = build('canvas', '');
  canvas.width = image.width * SCALE;
  canvas.height = image.height * SCALE;
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise(resolve => canvas.toBlob(resolve, 'image/png'));
}

/** A menu that saves an element of a page; the background is that of the page's theme. */
export function saveElement(name, head, element) {
  return new SaveMenu(name, head, new ElementSource(element, () => readTheme(element).back));
}

/** A menu on everything that the view shows. */
export function addSaveMenus(view) {
  const back = () => getComputedStyle(view.probe).backgroundColor;
  for (const [name, chart] of [['loss', view.loss], ['accuracy', view.accuracy], ['activation', view.activation]]) {
    new SaveMenu(name, chart.head, new ChartSource(chart, back));
  }
  new SaveMenu('confusion matrix', view.confusion.element.querySelector('.live-head'), new ElementSource(view.confusion.element, back));
  new SaveMenu('picture', view.title.parentElement, new ElementSource(view.place, back));
  new SaveMenu('network', view.diagram.box, new ElementSource(view.diagram.box, back));
}
