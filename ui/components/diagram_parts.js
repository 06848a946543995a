// The buttons of the network diagram, in columns from left to right: features, hidden layers, outputs.
// They have no look of their own: the canvas below them is what one sees.
import { build, placeAt, pressable, setText } from './dom.js';

const MOST_UNITS = 16; // that the buttons lead to
const MOST_LAYERS = 6;
const BIAS_SIDE_PRESSED = 16; // CSS pixels of the button on a bias

/**
 * owner: toggle(name), setLayers(by), resize(layer, by), activate(layer, name), editNeuron(layer, unit),
 * editBias(layer, unit), and pointable(button, unit) with unit() -> the number whose map it shows, or null.
 */
export class DiagramParts {
  constructor(owner) {
    this.owner = owner;
    this.count = build('span', 'live-count');
    this.fewerLayers = pressable('live-small', 'Fewer hidden layers', '\u2212', () => owner.setLayers(-1));
    this.moreLayers = pressable('live-small', 'More hidden layers', '+', () => owner.setLayers(1));
    this.title = build('div', 'live-diagram-title', this.fewerLayers, this.count, this.moreLayers);
    this.featureColumn = this.makeColumn('Features', build('span', 'live-diagram-label', 'Features'));
    this.outputs = { element: this.makeColumn('Output'), neurons: [], biases: [] };
    this.elements = [this.title, this.featureColumn, this.outputs.element];
    this.features = [];
    this.layers = []; // {element, head, number, fewer, more, activation, rest, neurons: [button], biases: [button]}
    this.stop = null;
  }

  makeColumn(name, ...children) {
    const element = build('div', 'live-column', ...children);
    element.setAttribute('role', 'group');
    element.setAttribute('aria-label', name);
    return element;
  }

  /** Makes and drops buttons until they fit the network; those that stay keep the keyboard's focus. */
  furnish(network, classes) {
    this.network = network;
    const hidden = network.sizes.length - 2;
    this.furnishFeatures(network.all_features);
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

  furnishFeatures(all) {
    const same = (button, i) => button.name === all[i][0] && button.textContent === all[i][1];
    if (this.features.length === all.length && this.features.every(same)) return;
    this.features.forEach(button => button.remove());
    this.features = all.map(([name, label]) => {
      const button = pressable('live-feature', `Feature ${label}`, build('span', '', label), () => this.owner.toggle(name));
      button.name = name;
      button.title = label.length > 8 ? label : '';
      this.owner.pointable(button, () => {
        const row = this.network.features.indexOf(name);
        return row < 0 ? null : -1 - row;
      });
      return button;
    });
    this.featureColumn.append(...this.features);
  }

  makeLayer(l) {
    const number = build('span', 'live-count');
    const fewer = pressable('live-small', `Fewer neurons in layer ${l}`, '\u2212', () => this.owner.resize(l, -1));
    const more = pressable('live-small', `More neurons in layer ${l}`, '+', () => this.owner.resize(l, 1));
    const activation = build('select', 'live-activation');
    activation.setAttribute('aria-label', `Activation of layer ${l}`);
    activation.title = `The function of every neuron of layer ${l}. A change builds the network anew.`;
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
    const neuron = pressable('live-neuron', '', '', () => this.owner.editNeuron(layer.depth, unit));
    const bias = pressable('live-bias', '', '', () => this.owner.editBias(layer.depth, unit));
    bias.tabIndex = -1; // the keyboard reaches it through the neuron
    this.owner.pointable(neuron, () => (layer === this.outputs ? null : this.numberOf(layer.depth, unit)));
    layer.neurons.push(neuron);
    layer.biases.push(bias);
    layer.element.append(neuron, bias);
  }

  /** The number of a drawn hidden neuron among all of them. */
  numberOf(l, unit) {
    return this.layers.slice(0, l - 1).reduce((sum, layer) => sum + layer.neurons.length, unit);
  }

  /** Texts, and what can be pressed. */
  label(locked) {
    const { network } = this;
    const fixed = locked.includes('hidden');
    const hidden = this.layers.length;
    setText(this.count, hidden === 1 ? '1 hidden layer' : `${hidden} hidden layers`);
    this.fewerLayers.disabled = fixed || hidden === 0;
    this.moreLayers.disabled = fixed || hidden >= MOST_LAYERS;
    this.layers.forEach((layer, l) => {
      const units = network.sizes[l + 1];
      const undrawn = units - network.shown[l + 1];
      setText(layer.number, String(units));
      this.offer(layer.activation, network.activations[l], locked.includes('activations'));
      setText(layer.rest, undrawn > 0 ? `+${undrawn} more` : '');
      layer.fewer.disabled = fixed || units <= 1;
      layer.more.disabled = fixed || units >= MOST_UNITS;
    });
    for (const button of this.features) {
      button.setAttribute('aria-pressed', String(network.features.includes(button.name)));
      button.setAttribute('aria-disabled', String(locked.includes('features')));
    }
  }

  /** Fills the menu of a layer's activation once, and shows the one that it has. */
  offer(menu, name, fixed) {
    const options = Object.entries(this.activations ?? { [name]: name });
    if (menu.length !== options.length) menu.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    menu.value = name;
    menu.disabled = fixed;
  }

  place({ features, columns }) {
    this.features.forEach((button, row) => placeAt(button, 0, features.ys[row] - features.side / 2 - 2, features.right + 2, features.side + 4));
    [...this.layers, this.outputs].forEach((layer, l) => {
      const { left, side, ys, center, bottom } = columns[l + 1];
      if (layer.head) placeAt(layer.head, center, 26);
      if (layer.rest) placeAt(layer.rest, center, bottom);
      layer.neurons.forEach((button, unit) => placeAt(button, left, ys[unit] - side / 2, side, side));
      const reach = Math.min(BIAS_SIDE_PRESSED, 0.7 * side);
      layer.biases.forEach((button, unit) => placeAt(button, left - reach / 2 - 2, ys[unit] + (side - reach) / 2, reach, reach));
    });
  }

  // -- one stop for the Tab key, arrow keys from there

  setStop(button) {
    this.stop = button;
    for (const other of this.grid().flat()) other.tabIndex = other === button ? 0 : -1;
  }

  grid() {
    return [this.features, ...this.layers.map(layer => layer.neurons), this.outputs.neurons].filter(column => column.length);
  }

  /** Moves the focus for an arrow key, Home or End; true if it was one. */
  walk(from, key) {
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
