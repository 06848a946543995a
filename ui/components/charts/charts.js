// Plotly charts that take new data without being mounted again: zoom and camera stay, and the page does not jump.
// A player animates paths: traces whose `meta` is "line" or "head" are cut at its step.
import { leaveOneFingerToThePage, loadPlotly } from '../shared/plotly.js';
import { build, setText } from '../shared/dom.js';
import { readTheme } from '../shared/palette.js';
import { ChartSource, SaveMenu } from '../shared/save.js';

const PLOTLY_CONFIG = { displayModeBar: false, responsive: true, showTips: false };
const DEFAULT_HEIGHT = 450; // CSS pixels, of a figure without a height
const ANIMATION_MS = 5000; // for all steps together
const groups = new WeakMap();

class Player {
  constructor(show) {
    this.show = show;
    this.steps = this.step = 0;
    this.timer = 0; // of the animation, 0 if it is not running
    this.button = build('button', 'charts-animate', 'Animate');
    this.button.type = 'button';
    this.slider = build('input', 'charts-step');
    Object.assign(this.slider, { type: 'range', min: 0, step: 1 });
    this.slider.setAttribute('aria-label', 'Step shown');
    this.label = build('output', 'charts-at');
    this.root = build('div', 'charts-player', this.button, this.slider, this.label);
    this.root.hidden = true; // until there are steps to play
    this.button.addEventListener('click', () => (this.timer ? this.stop() : this.start()));
    this.slider.addEventListener('input', () => {
      this.stop();
      this.go(Number(this.slider.value));
    });
  }

  /** Other paths: stays at the same step, or at the end if it was there. */
  setSteps(steps) {
    const atEnd = this.step >= this.steps;
    this.steps = steps;
    this.root.hidden = steps === 0;
    this.slider.max = steps;
    if (steps === 0) this.stop();
    this.go(atEnd ? steps : Math.min(this.step, steps));
  }

  go(step) {
    this.step = step;
    this.slider.value = step;
    setText(this.label, `step ${step} of ${this.steps}`);
    this.show(step);
  }

  start() {
    const from = this.step >= this.steps ? 0 : this.step;
    const began = performance.now() - (from / this.steps) * ANIMATION_MS;
    setText(this.button, 'Stop');
    const tick = now => {
      const step = Math.min(this.steps, Math.floor(((now - began) / ANIMATION_MS) * this.steps));
      if (!this.root.isConnected) return this.stop();
      if (step !== this.step) this.go(Math.max(0, step));
      if (step >= this.steps) return this.stop();
      this.timer = requestAnimationFrame(tick);
    };
    this.go(from);
    this.timer = requestAnimationFrame(tick);
  }

  stop() {
    cancelAnimationFrame(this.timer);
    this.timer = 0;
    setText(this.button, 'Animate');
  }
}

/** One figure: its title, the menu that saves it, and its plot. */
class Figure {
  constructor(root) {
    this.title = build('span', 'charts-title');
    this.title.ariaHidden = 'true'; // the plot has it as its name
    const head = build('div', 'charts-head', this.title);
    this.plot = build('div', 'charts-plot');
    this.element = build('div', 'charts-figure', head, this.plot);
    this.plotly = null;
    this.menu = new SaveMenu('', head, new ChartSource(this, () => readTheme(root).back));
    leaveOneFingerToThePage(this.plot);
  }

  /** Sets its size and name, before there is anything to draw. */
  prepare({ alt, figure: { layout } }) {
    this.plot.style.height = `${layout.height ?? DEFAULT_HEIGHT}px`;
    this.element.classList.toggle('charts-wide', Boolean(layout.meta?.wide));
    this.plot.setAttribute('role', 'img');
    this.plot.setAttribute('aria-label', alt);
    const title = titleOf(alt);
    setText(this.title, title);
    this.menu.rename(title);
  }

  async draw(plotly, { data, layout }, click) {
    this.plotly = plotly;
    const drawn = plotly.react(this.plot, data.map(trace => ({ ...trace })), layout, PLOTLY_CONFIG);
    this.plot.removeAllListeners('plotly_click');
    if (layout.meta?.click) this.plot.on('plotly_click', ({ points: [point] }) => click(point));
    await drawn;
  }

  remove() {
    this.plotly?.purge(this.plot);
    this.element.remove();
  }
}

class Charts {
  constructor(root) {
    this.player = new Player(step => this.cut(step));
    this.grid = build('div', 'charts-grid');
    this.slots = [];
    this.figures = [];
    this.root = root;
    root.dataset.drawn = 0;
    root.replaceChildren(this.player.root, this.grid);
  }

  async update({ plotly, figures, steps, name }, send) {
    this.send = send;
    if (figures === this.text) return;
    this.text = figures;
    this.root.dataset.name = name;
    const wanted = JSON.parse(figures);
    this.arrange(wanted);
    const Plotly = await loadPlotly(new URL(plotly, document.baseURI).href);
    if (this.text !== figures) return; // newer figures have arrived
    this.Plotly = Plotly;
    this.figures = wanted.map(({ figure }) => figure);
    const click = ({ x, y, customdata: picked = null }) => this.send({ x, y, picked, at: Date.now() });
    for (const [number, figure] of this.figures.entries()) await this.slots[number].draw(Plotly, figure, click);
    this.isCut = false;
    this.player.setSteps(steps);
    this.root.dataset.drawn = Number(this.root.dataset.drawn) + 1;
  }

  arrange(wanted) {
    while (this.slots.length > wanted.length) this.slots.pop().remove();
    while (this.slots.length < wanted.length) {
      this.slots.push(new Figure(this.root));
      this.grid.append(this.slots.at(-1).element);
    }
    wanted.forEach((described, number) => this.slots[number].prepare(described));
  }

  cut(step) {
    this.root.dataset.step = step;
    if (!this.isCut && step === this.player.steps) return; // all of it is drawn already
    this.isCut = step < this.player.steps;
    this.figures.forEach(({ data }, number) => {
      const growing = [...data.keys()].filter(index => data[index].meta);
      if (!growing.length) return;
      const change = {};
      for (const axis of ['x', 'y', 'z']) {
        if (growing.some(index => data[index][axis])) change[axis] = growing.map(index => traceUntil(data, index, axis, step));
      }
      this.Plotly.restyle(this.slots[number].plot, change, growing);
    });
  }
}

/** The title of a figure: its description up to the first comma, semicolon or colon. */
export function titleOf(alt) {
  return alt.split(/[,;:]/)[0];
}

/** What a trace shows up to a step. A head follows the line before it, and stays at its last point. */
export function traceUntil(data, index, axis, step) {
  const { meta } = data[index];
  const line = meta === 'head' ? data[index - 1] : data[index];
  const height = line.z ?? line.y;
  if (meta === 'line') return line[axis].slice(0, step + 1);
  let last = Math.min(step, line.x.length - 1);
  while (last > 0 && height[last] === null) last -= 1;
  return [line[axis][last]];
}

/** Shows `data`; called again when it changes. A click on a point goes to Python. */
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector('.charts');
  if (!groups.has(root)) groups.set(root, new Charts(root));
  groups.get(root).update(data, point => setTriggerValue('point', point));
}
