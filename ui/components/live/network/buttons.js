// The buttons of the network diagram, in columns from left to right: features, hidden layers, outputs.
// They are transparent: the canvas below shows what they are.
import { LOCKS } from '../../shared/protocol.js';
import { build, placeAt, makeButton, setText } from '../../shared/dom.js';

const MAX_UNITS_BY_BUTTON = 16; // the text fields beside the diagram allow more
const MAX_LAYERS_BY_BUTTON = 6;
const BIAS_BUTTON_SIDE = 16; // CSS pixels

/**
 * owner: toggle(name), setLayers(by), resize(layer, by), activate(layer, name), editNeuron(layer, unit),
 * editBias(layer, unit), and pointable(button, place) with place() -> the Place of its unit, or null.
 */
export class DiagramButtons {
  constructor(owner) {
    this.owner = owner;
    this.activations = null; // name -> label, for the menus
    this.count = build('span', 'live-count');
    this.fewerLayers = makeButton('live-small', 'Fewer hidden layers', '\u2212', () => owner.setLayers(-1));
    this.moreLayers = makeButton('live-small', 'More hidden layers', '+', () => owner.setLayers(1));
    this.title = build('div', 'live-diagram-title', this.fewerLayers, this.count, this.moreLayers);
    this.featureColumn = this.makeColumn('Features', build('span', 'live-diagram-label', 'Features'));
    /** @type {any} */
    this.outputs = { element: this.makeColumn('Output'), neurons: [], biases: [] };
    this.elements = [this.title, this.featureColumn, this.outputs.element];
    /** @type {HTMLButtonElement[]} */
    this.features = [];
    /** @type {any[]} */
    this.layers = []; // {element, head, number, fewer, more, activation, rest, neurons: [button], biases: [button]}
    this.stop = null;
  }

  /** The buttons that add and remove layers and neurons. */
  resizers() {
    return [this.fewerLayers, this.moreLayers, ...this.layers.flatMap(({ fewer, more }) => [fewer, more])];
  }

  makeColumn(name, ...children) {
    const element = build('div', 'live-column', ...children);
    element.setAttribute('role', 'group');
    element.setAttribute('aria-label', name);
    return element;
  }

  /** Adds and removes buttons until they fit the network; those that remain keep the keyboard focus. */
  update(network, classes) {
    this.network = network;
    const hidden = network.sizes.length - 2;
    this.updateFeatures(network.all_features);
    while (this.layers.length > hidden) this.layers.pop().element.remove();
    while (this.layers.length < hidden) {
      this.layers.push(this.makeLayer(this.layers.length + 1));
      this.outputs.element.before(this.layers.at(-1).element);
    }
    this.layers.forEach((layer, l) => this.fill(layer, l + 1, unit => `Neuron ${unit + 1} of layer ${l + 1}`));
    const several = network.sizes.at(-1) > 1;
    this.fill(this.outputs, hidden + 1, unit => (several ? `Output ${classes[unit] ?? unit + 1}` : 'Output'));
    this.setStop(this.stop?.isConnected ? this.stop : this.features[0]);
  }

  updateFeatures(all) {
    const same = (button, i) => button.name === all[i][0] && button.textContent === all[i][1];
    if (this.features.length === all.length && this.features.every(same)) return;
    this.features.forEach(button => button.remove());
    this.features = all.map(([name, label]) => {
      const button = makeButton('live-feature', `Feature ${label}`, build('span', '', label), () => this.owner.toggle(name));
      button.name = name;
      button.title = label.length > 8 ? label : '';
      this.owner.pointable(button, () => {
        const row = this.network.features.indexOf(name);
        return row < 0 ? null : { layer: 0, unit: row };
      });
      return button;
    });
    this.featureColumn.append(...this.features);
  }

  makeLayer(l) {
    const number = build('span', 'live-count');
    const fewer = makeButton('live-small', `Fewer neurons in layer ${l}`, '\u2212', () => this.owner.resize(l, -1));
    const more = makeButton('live-small', `More neurons in layer ${l}`, '+', () => this.owner.resize(l, 1));
    const activation = build('select', 'live-activation');
    activation.setAttribute('aria-label', `Activation of layer ${l}`);
    activation.title = `The function of every neuron of layer ${l}. A change rebuilds the network.`;
    activation.addEventListener('change', () => this.owner.activate(l, activation.value));
    const head = build('div', 'live-layer-head', fewer, number, more, activation);
    const rest = build('span', 'live-diagram-label live-more');
    return { element: this.makeColumn(`Hidden layer ${l}`, head, rest), head, number, fewer, more, activation, rest, neurons: [], biases: [] };
  }

  fill(layer, l, nameOf) {
    const wanted = this.network.shown[l];
    while (layer.neurons.length > wanted) [layer.neurons.pop(), layer.biases.pop()].forEach(button => button.remove());
    while (layer.neurons.length < wanted) this.addNeuron(layer, layer.neurons.length);
    layer.depth = l;
    layer.neurons.forEach((neuron, unit) => {
      neuron.setAttribute('aria-label', nameOf(unit));
      layer.biases[unit].setAttribute('aria-label', `Bias of ${nameOf(unit)}`);
    });
  }

  addNeuron(layer, unit) {
    const neuron = makeButton('live-neuron', '', '', () => this.owner.editNeuron(layer.depth, unit));
    const bias = makeButton('live-bias', '', '', () => this.owner.editBias(layer.depth, unit));
    bias.tabIndex = -1; // the keyboard reaches it through the neuron
    this.owner.pointable(neuron, () => ({ layer: layer.depth, unit }));
    layer.neurons.push(neuron);
    layer.biases.push(bias);
    layer.element.append(neuron, bias);
  }

  /** The number whose map a unit has: hidden neurons drawn from 0, features from -1 down, null for an output. */
  mapOf({ layer, unit }) {
    if (layer === 0) return -1 - unit;
    return layer > this.layers.length ? null : this.layers.slice(0, layer - 1).reduce((sum, { neurons }) => sum + neurons.length, unit);
  }

  /** Sets the texts, and which buttons are enabled. */
  label(locked) {
    const { network } = this;
    const isFixed = locked.includes(LOCKS.hidden);
    const hidden = this.layers.length;
    setText(this.count, hidden === 1 ? '1 hidden layer' : `${hidden} hidden layers`);
    this.fewerLayers.disabled = isFixed || hidden === 0;
    this.moreLayers.disabled = isFixed || hidden >= MAX_LAYERS_BY_BUTTON;
    this.layers.forEach((layer, l) => {
      const units = network.sizes[l + 1];
      const undrawn = units - network.shown[l + 1];
      setText(layer.number, String(units));
      layer.element.setAttribute('aria-label', `Hidden layer ${l + 1}${network.skips.includes(l) ? ', with a skip connection' : ''}`);
      this.showActivation(layer.activation, network.activations[l], locked.includes(LOCKS.activations));
      setText(layer.rest, undrawn > 0 ? `+${undrawn} more` : '');
      layer.fewer.disabled = isFixed || units <= 1;
      layer.more.disabled = isFixed || units >= MAX_UNITS_BY_BUTTON;
    });
    for (const button of this.features) {
      button.setAttribute('aria-pressed', String(network.features.includes(button.name)));
      button.setAttribute('aria-disabled', String(locked.includes(LOCKS.features)));
    }
  }

  /** Fills the menu of a layer's activation once, and selects the current one. */
  showActivation(menu, name, isFixed) {
    const options = Object.entries(this.activations ?? { [name]: name });
    if (menu.length !== options.length) menu.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    menu.value = name;
    menu.disabled = isFixed;
  }

  place({ features, columns }) {
    this.features.forEach((button, row) => placeAt(button, 0, features.ys[row] - features.side / 2 - 2, features.right + 2, features.side + 4));
    [...this.layers, this.outputs].forEach((layer, l) => {
      const { left, side, ys, center, bottom } = columns[l + 1];
      if (layer.head) placeAt(layer.head, center, 26);
      if (layer.rest) placeAt(layer.rest, center, bottom);
      layer.neurons.forEach((button, unit) => placeAt(button, left, ys[unit] - side / 2, side, side));
      const reach = Math.min(BIAS_BUTTON_SIDE, 0.7 * side);
      layer.biases.forEach((button, unit) => placeAt(button, left - reach / 2 - 2, ys[unit] + (side - reach) / 2, reach, reach));
    });
  }

  // -- one stop for the Tab key; arrow keys move from there

  setStop(button) {
    this.stop = button;
    for (const other of this.grid().flat()) other.tabIndex = other === button ? 0 : -1;
  }

  grid() {
    return [this.features, ...this.layers.map(layer => layer.neurons), this.outputs.neurons].filter(column => column.length);
  }

  /** Moves the focus for an arrow key, Home or End; true if it was one. */
  moveFocus(from, key) {
    const grid = this.grid();
    const at = grid.findIndex(column => column.includes(from));
    if (at < 0) return false;
    const column = grid[at];
    const row = column.indexOf(from);
    const away = button => Math.abs(parseFloat(button.style.top) - parseFloat(from.style.top));
    const nearest = buttons => buttons?.reduce((best, button) => (away(button) < away(best) ? button : best));
    const next = {
      ArrowUp: column[row - 1], ArrowDown: column[row + 1], Home: column[0], End: column.at(-1),
      ArrowLeft: nearest(grid[at - 1]), ArrowRight: nearest(grid[at + 1]),
    };
    next[key]?.focus();
    return key in next;
  }
}
