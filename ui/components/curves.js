// The curves: a history that grows with each frame and Plotly charts that redraw a few times a second:
// one redraw costs as much as eight pictures of the map and the network.
// Figures come from Python as JSON; only the data and the colours of the theme are filled in here.
import { GRID } from './palette.js';
import { build } from './dom.js';

const CHART_PERIOD = 250; // ms between two redraws of one chart
const CHART_SHARE = 0.05; // of the time at most for one chart: on a busy machine the curves slow down before the map does
const SMOOTHING = 0.8; // share of a smoothed value that the one before it makes
const CHART_CONFIG = { displayModeBar: false, responsive: false, doubleClick: 'reset', showTips: false };

/** Loads Plotly once a page; resolves to it. */
export function loadPlotly(url) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  window.backpropPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window.backpropPlotly = undefined;
      script.remove();
      reject(new Error('The curves could not be loaded: the server did not send Plotly.'));
    };
    document.head.append(script);
  });
  return window.backpropPlotly;
}

/** The curve so far: epochs, and train loss, test loss, train score, test score. Grows in place. */
export class History {
  constructor() {
    this.clear();
  }

  clear() {
    this.generation = -1;
    this.count = 0;
    this.epochs = new Int32Array(256);
    this.rows = Array.from({ length: 4 }, () => new Float32Array(256));
  }

  /** Appends the rows of a frame, or starts again where they do not join on; true if anything changed. */
  take(part, arrays) {
    if (!part) return false;
    const fresh = part.generation !== this.generation || part.from !== this.count;
    if (fresh) this.count = 0;
    this.generation = part.generation;
    const length = arrays.history_epoch?.length ?? 0;
    if (part.from !== this.count || length === 0) return fresh;
    const total = this.count + length;
    if (total > this.epochs.length) this.grow(total);
    this.epochs.set(arrays.history_epoch, this.count);
    this.rows.forEach((row, i) => row.set(arrays.history.subarray(i * length, (i + 1) * length), this.count));
    this.count = total;
    return true;
  }

  grow(total) {
    const larger = old => {
      const copy = new old.constructor(2 ** Math.ceil(Math.log2(total)));
      copy.set(old);
      return copy;
    };
    this.epochs = larger(this.epochs);
    this.rows = this.rows.map(larger);
  }

  /** [epochs, train, test] of the loss (first = 0) or the score (first = 2), as views. */
  pair(first) {
    return [this.epochs, this.rows[first], this.rows[first + 1]].map(array => array.subarray(0, this.count));
  }
}

/** Exponentially smoothed values: each keeps `share` of the one before. Gaps stay gaps. */
export function smoothed(values, share) {
  let last = NaN;
  return values.map(value => {
    if (Number.isNaN(value)) return value;
    last = Number.isNaN(last) ? value : share * last + (1 - share) * value;
    return last;
  });
}

/** One Plotly figure in a panel. `draw` may be called at any rate by its owner, who asks `due` first. */
export class Chart {
  constructor(name, tones) {
    this.tones = tones;
    this.title = build('h3', 'live-title', name);
    this.head = build('div', 'live-head', this.title);
    this.plot = build('div', 'live-plot');
    this.plot.setAttribute('aria-hidden', 'true'); // the sentence beside it says what it shows
    this.sentence = build('p', 'live-hidden');
    this.element = build('section', 'live-panel', this.head, this.plot, this.sentence);
    this.element.dataset.chart = name.toLowerCase();
    this.series = [];
    this.figure = null;
    this.theme = null;
    this.plotly = null;
    this.scale = 'linear';
    this.smooth = 0;
    this.revision = 0;
    this.drawnAt = -Infinity;
    this.rest = CHART_PERIOD;
    this.dirty = false;
    this.observer = new ResizeObserver(() => {
      if (this.plot.data && this.plot.clientWidth) this.plotly.Plots.resize(this.plot);
    });
    this.observer.observe(this.plot);
  }

  /** A key of the lines: {style: name}. */
  addKey(names) {
    const keys = Object.entries(names).map(([style, name]) => build('span', 'live-key', build('i', `live-line live-line-${style}`), name));
    this.head.append(build('span', 'live-keys', ...keys));
  }

  /** A switch in the head; press(on) is called and the chart drawn anew. */
  addSwitch(text, name, title, press) {
    const button = build('button', 'live-switch', text);
    button.type = 'button';
    button.title = title;
    button.setAttribute('aria-label', name);
    button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => {
      press(button.getAttribute('aria-pressed') !== 'true');
      if (this.due(Infinity)) this.draw(performance.now());
    });
    this.head.append(button);
    return button;
  }

  addLogSwitch() {
    this.log = this.addSwitch('log', 'Logarithmic loss axis', 'Show the loss on a logarithmic axis', on => this.setScale(on ? 'log' : 'linear'));
  }

  addSmoothSwitch(name) {
    const set = on => {
      this.smooth = on ? SMOOTHING : 0;
      button.setAttribute('aria-pressed', String(on));
      this.dirty = true;
    };
    const button = this.addSwitch('avg', name, 'Average each value with those before it, so that the trend shows through the noise', set);
  }

  setScale(scale) {
    this.scale = scale;
    this.log.setAttribute('aria-pressed', String(scale === 'log'));
    this.dirty = true;
  }

  setFigure(figure) {
    if (JSON.stringify(figure) === JSON.stringify(this.figure)) return;
    if (this.log && this.figure === null && figure?.layout?.yaxis?.type === 'log') this.setScale('log');
    this.figure = figure;
    this.dirty = true;
  }

  setPlotly(plotly) {
    if (!this.plotly) this.plot.textContent = '';
    this.plotly = plotly;
  }

  setTheme(theme) {
    this.theme = theme;
    this.dirty = true;
  }

  setSeries(series) {
    this.series = series;
    this.dirty = true;
  }

  due(now) {
    return this.dirty && this.plotly && this.figure && this.theme && now - this.drawnAt >= this.rest;
  }

  draw(now) {
    this.dirty = false;
    this.drawnAt = now;
    const [x, ...ys] = this.series;
    const traces = this.figure.data.map((trace, i) => {
      const toned = { ...trace, line: { ...trace.line, color: this.tones[i][this.theme.name] } };
      return ys[i] ? { ...toned, x, y: this.smooth ? smoothed(ys[i], this.smooth) : ys[i] } : toned;
    });
    const begun = performance.now();
    this.plotly.react(this.plot, traces, this.layout(), CHART_CONFIG);
    this.rest = Math.max(CHART_PERIOD, (performance.now() - begun) / CHART_SHARE);
  }

  layout() {
    const { layout } = this.figure;
    const axis = given => ({ ...given, gridcolor: GRID[this.theme.name], zerolinecolor: GRID[this.theme.name], linecolor: GRID[this.theme.name] });
    const yaxis = axis(layout.yaxis);
    if (this.log) Object.assign(yaxis, { type: this.scale, uirevision: this.scale }); // a zoom means nothing on the other scale
    return {
      ...layout,
      autosize: true,
      font: { ...layout.font, color: this.theme.text, family: this.theme.font },
      xaxis: axis(layout.xaxis),
      yaxis,
      datarevision: ++this.revision,
    };
  }

  close() {
    this.observer.disconnect();
    if (this.plot.data) this.plotly.purge(this.plot);
  }
}
