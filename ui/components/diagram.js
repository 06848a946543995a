// The network diagram: features, hidden layers, outputs. What moves is painted on a canvas; what can be pressed is a real
// button above it, so that mouse, touch, keyboard and screen reader meet the same things.
import { DiagramPainter } from './diagram_paint.js';
import { DiagramParts } from './diagram_parts.js';
import { Editor } from './editor.js';
import { MAP_SIDE, layOut, leastWidth, linkAt, weightIndex } from './diagram_layout.js';
import { build, placeAt, placeIn, setText } from './dom.js';

const FLOW = 1.6; // CSS pixels the dashes move with each frame
const LINGER = 120; // ms until the big map changes back, so that it does not flicker on the way to a neighbour
const TIP_WIDTH = 190;

/** owner: point(unit or null), edit({layer, from, to, value}), send(event). */
export class Diagram {
  constructor(owner) {
    this.owner = owner;
    this.painter = new DiagramPainter();
    this.parts = new DiagramParts(this);
    this.tip = build('div', 'live-tip');
    this.tip.hidden = true;
    this.box = build('div', 'live-diagram-box', this.painter.canvas, ...this.parts.elements, this.tip);
    this.box.setAttribute('role', 'group');
    this.box.setAttribute('aria-label', 'Network diagram. Arrow keys move between features and neurons; Enter opens the weights.');
    this.element = build('section', 'live-diagram', this.box);
    this.editor = new Editor(this.box, message => owner.edit(message));
    this.pointed = { unit: null, link: null };
    this.phase = 0;
    this.calm = false;
    this.arrays = {};
    this.network = this.layout = null;
    this.box.addEventListener('pointermove', event => this.hover(event));
    this.box.addEventListener('pointerleave', () => this.pointAtLink(null));
    this.box.addEventListener('click', event => this.press(event));
    this.box.addEventListener('keydown', event => {
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (plain && this.parts.walk(event.target, event.key)) event.preventDefault();
    });
    this.observer = new ResizeObserver(() => this.arrange());
    this.observer.observe(this.box);
  }

  setTheme(theme) {
    this.theme = theme;
    this.recolor();
  }

  /** locked: what a teacher has locked, out of features, hidden (layers and their sizes), activations and weights. */
  setOptions({ discretize, locked = [], mode, activations }) {
    this.parts.activations = activations;
    this.flat = discretize;
    this.locked = locked;
    this.editable = !locked.includes('weights') && mode !== 'rerun'; // weights are edited through the socket
    if (this.network) this.parts.label(locked);
    this.recolor();
  }

  recolor() {
    if (!this.theme) return;
    this.painter.setTheme(this.theme, this.flat);
    if (this.thumbnails) this.painter.takeFeatures(this.thumbnails);
    this.paint();
  }

  /** What of the network a frame brought. */
  take(header, arrays) {
    const shape = JSON.stringify([header.network, header.classes]);
    if (arrays.feature_maps) {
      this.thumbnails = arrays.feature_maps;
      this.painter.takeFeatures(this.thumbnails);
    }
    this.arrays = arrays;
    if (shape !== this.shape) {
      this.shape = shape;
      this.rebuild(header.network, header.classes);
      return;
    }
    if (header.status === 'running') this.phase += FLOW;
    this.paint();
    this.editor.refresh(row => this.valueOf(row));
  }

  rebuild(network, classes) {
    this.network = network;
    this.editor.close();
    this.pointed = { unit: null, link: null };
    this.pointAtLink(null);
    this.parts.furnish(network, classes);
    this.parts.label(this.locked);
    this.arrange();
  }

  arrange() {
    const { clientWidth, clientHeight } = this.box;
    if (!this.network || !clientWidth) return;
    const least = leastWidth(this.network);
    this.box.style.minWidth = `${least}px`;
    this.layout = layOut(this.network, Math.max(clientWidth, least), clientHeight);
    this.painter.resize(this.layout);
    this.parts.place(this.layout);
    this.paint();
  }

  paint() {
    if (!this.layout || !this.theme) return;
    const { layout, network, pointed } = this;
    const { weights, biases, neuron_maps: maps } = this.arrays;
    this.painter.paint({ layout, network, pointed, weights, biases, maps, phase: this.calm ? null : this.phase });
  }

  valueOf({ layer, from, to }) {
    const { weights, biases } = this.arrays;
    return from < 0 ? biases?.[this.layout.starts[layer] + to] : weights?.[weightIndex(this.layout, layer, from, to)];
  }

  // -- pointing

  /** Pointing at a button, or reaching it by the keyboard, shows the map of unit(). */
  pointable(button, unit) {
    const show = () => this.pointAt(unit());
    const leave = () => this.pointAt(null);
    button.addEventListener('pointerenter', show); // a finger shows it while it rests there
    button.addEventListener('pointerleave', leave);
    button.addEventListener('blur', leave);
    button.addEventListener('focus', () => {
      this.parts.setStop(button);
      if (button.matches(':focus-visible')) show();
    });
  }

  pointAt(unit) {
    clearTimeout(this.leaving);
    const change = () => {
      if (this.pointed.unit === unit) return;
      this.pointed.unit = unit;
      this.owner.point(unit);
      this.paint();
    };
    if (unit === null) this.leaving = setTimeout(change, LINGER);
    else change();
  }

  /** [x, y, link] of a pointer; no link unless it is on the bare canvas. */
  linkUnder(event) {
    const [x, y] = placeIn(this.box, event);
    const bare = event.target === this.painter.canvas && this.layout && this.arrays.weights;
    return [x, y, bare ? linkAt(this.layout, x, y) : null];
  }

  hover(event) {
    const [x, y, link] = this.linkUnder(event);
    this.pointAtLink(link, x, y);
  }

  pointAtLink(link, x, y) {
    if (!link && !this.pointed.link) return;
    const same = JSON.stringify(link) === JSON.stringify(this.pointed.link);
    this.pointed.link = link;
    this.tip.hidden = !link;
    this.painter.canvas.style.cursor = link && this.editable ? 'pointer' : '';
    if (link) {
      setText(this.tip, `weight ${this.valueOf(link).toFixed(2).replace('-', '\u2212')}${this.editable ? ', click to change' : ''}`);
      placeAt(this.tip, Math.min(x + 12, this.layout.width - TIP_WIDTH), Math.max(0, y - 30));
    }
    if (!same) this.paint();
  }

  // -- changing weights and biases

  press(event) {
    const [x, y, link] = this.linkUnder(event);
    if (link) this.editLink(link, x, y);
  }

  editLink({ layer, from, to }, x, y) {
    this.edit(`Weight from ${this.nameOf(layer, from)} to ${this.nameOf(layer + 1, to)}`, [{ label: 'weight', layer, from, to }], x, y);
  }

  editBias(l, unit) {
    const { left, side, ys } = this.layout.columns[l];
    this.edit(`Bias of ${this.nameOf(l, unit)}`, [{ label: 'bias', layer: l - 1, from: -1, to: unit }], left, ys[unit] + side / 2);
  }

  editNeuron(l, unit) {
    const { right, ys } = this.layout.columns[l];
    const rows = this.layout.columns[l - 1].ys.map((_, from) => ({ label: this.nameOf(l - 1, from), layer: l - 1, from, to: unit }));
    this.edit(`Weights into ${this.nameOf(l, unit)}`, [...rows, { label: 'bias', layer: l - 1, from: -1, to: unit }], right, ys[unit]);
  }

  edit(title, rows, x, y) {
    if (!this.editable || !this.arrays.weights) return;
    this.pointAtLink(null);
    this.pointAt(null);
    this.editor.open({ title, rows: rows.map(row => ({ ...row, value: this.valueOf(row) })) }, x, y);
  }

  // -- changing the network

  toggle(name) {
    if (!this.locked.includes('features')) this.owner.send({ type: 'toggle_feature', name });
  }

  setLayers(by) {
    this.owner.send({ type: 'layers', by });
  }

  activate(l, name) {
    this.owner.send({ type: 'activation', layer: l - 1, name });
  }

  resize(l, by) {
    this.owner.send({ type: 'resize', layer: l - 1, by });
  }

  // -- names and maps of units

  nameOf(l, unit) {
    if (l === 0) return this.parts.features[this.layout.rows[unit]].textContent;
    return l < this.network.sizes.length - 1 ? `neuron ${l}.${unit + 1}` : this.parts.outputs.neurons[unit].ariaLabel.toLowerCase();
  }

  /** The title of the big map while it shows a unit. */
  titleOf(unit) {
    if (unit < 0) return `Feature ${this.nameOf(0, -1 - unit)}`;
    return this.parts.layers.flatMap(layer => layer.neurons)[unit].ariaLabel;
  }

  /** The small map of a unit, (25 * 25) bytes, until the server sends its big one; null where there is none. */
  smallMap(unit) {
    const area = MAP_SIDE * MAP_SIDE;
    const maps = unit < 0 ? this.thumbnails : this.arrays.neuron_maps;
    const number = unit < 0 ? this.layout.rows[-1 - unit] : unit;
    return maps ? maps.subarray(number * area, (number + 1) * area) : null;
  }

  close() {
    clearTimeout(this.leaving);
    this.observer.disconnect();
    this.editor.close();
  }
}
