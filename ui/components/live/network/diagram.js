// The network diagram: features, hidden layers, outputs. A canvas shows what moves; above it are real buttons, so that
// mouse, touch, keyboard and screen reader find the same things.
import { DiagramPainter } from './painter.js';
import { DiagramButtons } from './buttons.js';
import { EVENTS, LOCKS, STATUSES, THUMBNAIL_SIDE } from '../../shared/protocol.js';
import { Roving } from '../../shared/roving.js';
import { layOut, linkAt, minimumWidth, weightIndex } from './layout.js';
import { withMinus } from '../../shared/format.js';
import { build, placeAt, placeIn, setText } from '../../shared/dom.js';

const DASH_SPEED = 1.6; // CSS pixels per frame
const RETURN_DELAY_MS = 120; // until the large map changes back, so that it does not flicker between neighboring units
const TIP_WIDTH = 190; // CSS pixels

/** owner: focus (the unit whose map is large, or null), point(unit or null), edit({layer, from, to, value}), send(event). */
export class Diagram {
  constructor(owner) {
    this.owner = owner;
    this.painter = new DiagramPainter();
    this.buttons = new DiagramButtons(this);
    this.tip = build('div', 'live-tip');
    this.tip.hidden = true;
    this.box = build('div', 'live-diagram-box', this.painter.canvas, ...this.buttons.elements, this.tip);
    this.box.setAttribute('role', 'group');
    this.box.setAttribute('aria-label', 'Network diagram. Arrow keys move between features and neurons; Enter opens the weights.');
    this.element = build('section', 'live-diagram', this.box);
    this.resizing = new Roving(this.box, () => [this.buttons.resizers()]);
    this.editor = /** @type {import('./weight_editor.js').WeightEditor | null} */ (null); // once it is loaded
    this.pointed = /** @type {{ place: import('./layout.js').Place | null, link: import('./layout.js').Link | null }} */ ({ place: null, link: null });
    this.phase = 0;
    this.calm = false;
    this.arrays = {};
    /** @type {string[]} */
    this.locked = [];
    this.network = this.layout = /** @type {any} */ (null); // NetworkHeader and Layout, once there is a network
    this.box.addEventListener('pointermove', event => this.hover(event));
    this.box.addEventListener('pointerleave', () => this.pointAtLink(null));
    this.box.addEventListener('click', event => this.press(event));
    this.box.addEventListener('keydown', event => {
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (plain && this.buttons.moveFocus(event.target, event.key)) event.preventDefault();
    });
    this.width = this.height = 0; // of the box, when the network was laid out in it
    this.observer = new ResizeObserver(() => {
      const { clientWidth, clientHeight } = this.box;
      if (clientWidth !== this.width || clientHeight !== this.height) this.arrange();
    });
    this.observer.observe(this.box);
  }

  setTheme(theme) {
    this.theme = theme;
    this.recolor();
  }

  /** locked: what a teacher has locked, a list of LOCKS; `hidden` means the layers and their sizes. */
  setOptions({ discretize, locked = [], mode, activations }) {
    this.buttons.activations = activations;
    this.flat = discretize;
    this.locked = locked;
    this.editable = !locked.includes(LOCKS.weights) && mode !== 'rerun'; // weights are edited through the socket
    if (this.network) this.labelButtons();
    this.recolor();
  }

  get canEdit() {
    return Boolean(this.editable && this.editor);
  }

  labelButtons() {
    this.buttons.label(this.locked);
    this.resizing.update();
  }

  recolor() {
    if (!this.theme) return;
    this.painter.setTheme(this.theme, this.flat);
    if (this.thumbnails) this.painter.takeFeatures(this.thumbnails);
    this.paint();
  }

  /** Takes the network of a frame. */
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
    if (header.status === STATUSES.running) this.phase += DASH_SPEED;
    this.paint();
    this.editor?.refresh(row => this.valueOf(row));
  }

  rebuild(network, classes) {
    this.network = network;
    this.editor?.close();
    this.pointed.place = null;
    this.pointAtLink(null);
    this.buttons.update(network, classes);
    this.labelButtons();
    this.arrange();
  }

  arrange() {
    if (!this.network) return;
    const minimum = minimumWidth(this.network);
    this.box.style.minWidth = `${minimum}px`;
    this.element.parentElement?.style.setProperty('--live-network', `${minimum}px`); // the map leaves it this room
    const { clientWidth, clientHeight } = this.box; // after the above: the browser lays out the page once
    [this.width, this.height] = [clientWidth, clientHeight];
    if (!clientWidth) return; // hidden
    this.layout = layOut(this.network, Math.max(clientWidth, minimum), clientHeight);
    this.painter.resize(this.layout);
    this.buttons.place(this.layout);
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

  /** Pointing at a button, or focusing it with the keyboard, shows the map of the unit at place(), and dims what is not on its paths. */
  pointable(button, place) {
    const show = () => this.pointAt(place());
    const leave = () => this.pointAt(null);
    button.addEventListener('pointerenter', show); // a finger shows it while it rests there
    button.addEventListener('pointerleave', leave);
    button.addEventListener('blur', leave);
    button.addEventListener('focus', () => {
      this.buttons.setStop(button);
      if (button.matches(':focus-visible')) show();
    });
  }

  pointAt(place) {
    clearTimeout(this.leaving);
    const change = () => {
      const before = this.pointed.place;
      if (before?.layer === place?.layer && before?.unit === place?.unit) return;
      this.pointed.place = place;
      this.showMapOf(place);
      this.paint();
    };
    if (place === null) this.leaving = setTimeout(change, RETURN_DELAY_MS);
    else change();
  }

  /**
   * [x, y, link] of a pointer; link is null unless it is on the canvas itself.
   * @returns {[number, number, import('./layout.js').Link | null]}
   */
  linkUnder(event) {
    const [x, y] = placeIn(this.box, event);
    const isBare = event.target === this.painter.canvas && this.layout && this.arrays.weights;
    return [x, y, isBare ? linkAt(this.layout, x, y) : null];
  }

  hover(event) {
    const [x, y, link] = this.linkUnder(event);
    this.pointAtLink(link, x, y);
  }

  showMapOf(place) {
    const unit = place && this.buttons.mapOf(place);
    if (unit !== this.owner.focus) this.owner.point(unit);
  }

  pointAtLink(link, x, y) {
    if (!link && !this.pointed.link) return;
    const same = JSON.stringify(link) === JSON.stringify(this.pointed.link);
    this.pointed.link = link;
    this.tip.hidden = !link;
    this.painter.canvas.style.cursor = link && this.canEdit ? 'pointer' : '';
    if (link) {
      setText(this.tip, `weight ${withMinus(this.valueOf(link).toFixed(2))}${this.canEdit ? ', click to change' : ''}`);
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
    if (!this.editor || !this.editable || !this.arrays.weights) return;
    this.pointAtLink(null);
    this.pointAt(null);
    this.editor.open({ title, rows: rows.map(row => ({ ...row, value: this.valueOf(row) })) }, x, y);
  }

  // -- changing the network

  toggle(name) {
    if (!this.locked.includes(LOCKS.features)) this.owner.send({ type: EVENTS.toggleFeature, name });
  }

  setLayers(by) {
    this.owner.send({ type: EVENTS.layers, by });
  }

  activate(l, name) {
    this.owner.send({ type: EVENTS.activation, layer: l - 1, name });
  }

  resize(l, by) {
    this.owner.send({ type: EVENTS.resize, layer: l - 1, by });
  }

  // -- names and maps of units

  nameOf(l, unit) {
    if (l === 0) return this.buttons.features[this.layout.rows[unit]].textContent;
    return l < this.network.sizes.length - 1 ? `neuron ${l}.${unit + 1}` : this.buttons.outputs.neurons[unit].ariaLabel.toLowerCase();
  }

  /** The title of the large map while it shows a unit. */
  titleOf(unit) {
    if (unit < 0) return `Feature ${this.nameOf(0, -1 - unit)}`;
    return this.buttons.layers.flatMap(layer => layer.neurons)[unit].ariaLabel;
  }

  /** The small map of a unit, THUMBNAIL_SIDE ** 2 bytes, until the server sends a large one; null if there is none. */
  smallMap(unit) {
    const area = THUMBNAIL_SIDE ** 2;
    const maps = unit < 0 ? this.thumbnails : this.arrays.neuron_maps;
    const number = unit < 0 ? this.layout.rows[-1 - unit] : unit;
    return maps ? maps.subarray(number * area, (number + 1) * area) : null;
  }

  close() {
    clearTimeout(this.leaving);
    this.observer.disconnect();
    this.editor?.close();
  }
}
