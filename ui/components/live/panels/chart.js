// A panel with a Plotly chart that redraws a few times per second: one redraw costs as much as eight pictures of the map and
// the network. The figure comes from Python as JSON; only its data and the colors of the theme are filled in here.
import { ChartSource } from '../../shared/save.js';
import { CurveMarks, lineNames, nameAnnotations, nameMargin } from './curve_marks.js';
import { GRID } from '../../shared/palette.js';
import { Panel } from './panel.js';
import { build, makeButton, setText } from '../../shared/dom.js';
import { leaveOneFingerToThePage } from '../../shared/plotly.js';
import { smoothed } from './history.js';

const REDRAW_PERIOD_MS = 250; // between two redraws of one chart
// Of the time, at most, for one chart: on a busy machine the curves slow down before the map does. The first redraw does not
// count: it includes Plotly's own setup, and the first press of Step would wait for it.
const REDRAW_SHARE = 0.05;
const SMOOTHING = 0.8; // share of a smoothed value that comes from the one before it
const PLOTLY_CONFIG = { displayModeBar: false, responsive: false, doubleClick: 'reset', showTips: false };

/**
 * Draws at most one chart per frame, the one that waited longest, so that no frame takes long. Accuracy waits for the loss
 * and follows in the next frame, so that both show about the same moment.
 */
export function drawOneChart(charts, now) {
  const chart = charts.filter(each => each.isDue(now)).sort((a, b) => a.drawnAt - b.drawnAt)[0];
  if (!chart) return;
  chart.draw(now);
  const [loss, accuracy] = charts;
  if (chart === loss) accuracy.drawnAt = -Infinity;
  else if (chart === accuracy) accuracy.period = Infinity;
}

export class ChartPanel extends Panel {
  /** tones: for each trace, theme name -> color. */
  constructor(name, title, tones) {
    super(name, title);
    this.tones = tones;
    this.plot = build('div', 'live-plot');
    this.plot.setAttribute('aria-hidden', 'true'); // the sentence says what it shows
    this.sentence = build('p', 'live-hidden');
    this.element.append(this.plot, this.sentence);
    this.element.dataset.chart = name;
    this.series = [];
    this.figure = null;
    this.theme = null;
    this.plotly = null;
    this.scale = 'linear';
    this.smoothing = 0;
    this.revision = 0;
    this.drawnAt = -Infinity;
    this.period = REDRAW_PERIOD_MS;
    this.isStale = false;
    this.marks = /** @type {CurveMarks | null} */ (null);
    this.reset = makeButton('live-switch', `Reset the zoom of ${name}`, 'reset zoom', () => this.resetZoom());
    this.reset.hidden = true; // until somebody zooms
    this.head.append(this.reset);
    leaveOneFingerToThePage(this.plot);
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

  /** Names the lines at their ends, not in the head. */
  nameLines() {
    this.marks = new CurveMarks();
  }

  /**
   * The value to mark with a ring, {trace, x, y}, or null.
   * @returns {{ trace: number, x: number, y: number } | null}
   */
  best() {
    return null;
  }

  /** A switch in the head; press(on) is called and the chart redrawn. */
  addSwitch(text, name, title, press) {
    const button = build('button', 'live-switch', text);
    button.type = 'button';
    button.title = title;
    button.setAttribute('aria-label', name);
    button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => {
      press(button.getAttribute('aria-pressed') !== 'true');
      if (this.isDue(Infinity)) this.draw(performance.now());
    });
    this.head.append(button);
    return button;
  }

  addLogSwitch() {
    this.log = this.addSwitch('log', 'Logarithmic loss axis', 'Show the loss on a logarithmic axis', on => this.setScale(on ? 'log' : 'linear'));
  }

  addSmoothSwitch(name) {
    const set = on => {
      this.smoothing = on ? SMOOTHING : 0;
      button.setAttribute('aria-pressed', String(on));
      this.isStale = true;
    };
    const button = this.addSwitch('avg', name, 'Average each value with those before it, so that the trend shows through the noise', set);
  }

  setScale(scale) {
    this.scale = scale;
    this.log.setAttribute('aria-pressed', String(scale === 'log'));
    this.isStale = true;
  }

  /** data.figures: name of a chart -> its Plotly figure. */
  configure({ figures }) {
    const figure = figures?.[this.name];
    if (!figure || JSON.stringify(figure) === JSON.stringify(this.figure)) return;
    if (this.log && this.figure === null && figure.layout?.yaxis?.type === 'log') this.setScale('log');
    this.figure = figure;
    this.isStale = true;
  }

  setPlotly(plotly) {
    if (!this.plotly) this.plot.textContent = '';
    this.plotly = plotly;
  }

  /** Says why there is no chart. */
  refuse(message) {
    setText(this.plot, message);
  }

  setTheme(theme) {
    this.theme = theme;
    this.isStale = true;
  }

  /** series: epochs, and the values of each trace; further traces are left out. */
  setSeries(series) {
    this.series = series;
    this.element.dataset.lines = String(series.length - 1);
    this.isStale = true;
  }

  isDue(now) {
    return this.isStale && this.plotly && this.figure && this.theme && now - this.drawnAt >= this.period;
  }

  draw(now) {
    this.isStale = false;
    this.drawnAt = now;
    const begin = performance.now();
    const isFirst = !this.plot.data;
    this.plotly.react(this.plot, this.traces(), this.layout(), PLOTLY_CONFIG);
    if (isFirst) {
      if (this.marks) this.plot.append(this.marks.element);
      for (const name of ['plotly_afterplot', 'plotly_relayout']) this.plot.on(name, () => this.follow());
    }
    this.follow();
    this.period = isFirst ? REDRAW_PERIOD_MS : Math.max(REDRAW_PERIOD_MS, (performance.now() - begin) / REDRAW_SHARE);
  }

  /** After anything that may have moved the axes: a redraw, a zoom or another size. */
  follow() {
    const layout = this.plot._fullLayout;
    this.reset.hidden = Boolean(layout.xaxis.autorange && layout.yaxis.autorange);
    this.marks?.place(lineNames(this.plot.data, layout), this.toned(this.best()), layout);
  }

  resetZoom() {
    this.plotly.relayout(this.plot, { 'xaxis.autorange': true, 'yaxis.autorange': true });
    this.head.querySelector('button:not([hidden])')?.focus(); // this button is gone
  }

  /** The value to mark, in the color of its line. */
  toned(best) {
    return best && { ...best, color: this.tones[best.trace][this.theme.name] };
  }

  /** The figure as a file holds it, with the names and the mark in it. */
  saved() {
    const { data, layout, _fullLayout: full } = this.plot;
    if (!this.marks || !data) return { data, layout };
    const best = this.toned(this.best());
    const marker = best && { symbol: 'circle-open', size: 9, color: best.color, line: { width: 2 } };
    const ring = best ? [{ name: 'best', mode: 'markers', x: [best.x], y: [best.y], marker }] : [];
    const asShown = axis => ({ ...layout[axis], autorange: false, range: full[axis].range }); // the names would widen it
    const annotations = nameAnnotations(lineNames(data, full), full);
    return { data: [...data, ...ring], layout: { ...layout, annotations, xaxis: asShown('xaxis'), yaxis: asShown('yaxis') } };
  }

  traces() {
    const [x, ...ys] = this.series;
    return this.figure.data.slice(0, ys.length || undefined).map((trace, i) => {
      const toned = { ...trace, line: { ...trace.line, color: this.tones[i][this.theme.name] } };
      return ys[i] ? { ...toned, x, y: this.smoothing ? smoothed(ys[i], this.smoothing) : ys[i] } : toned;
    });
  }

  layout() {
    const { layout } = this.figure;
    const grid = GRID[this.theme.name];
    const axis = given => ({ ...given, gridcolor: grid, zerolinecolor: grid, linecolor: grid });
    const yaxis = axis(layout.yaxis);
    if (this.log) Object.assign(yaxis, { type: this.scale, uirevision: this.scale }); // a zoom means nothing on the other scale
    const names = this.figure.data.slice(0, Math.max(1, this.series.length - 1)).map(({ name }) => name);
    const margin = this.marks ? { ...layout.margin, r: nameMargin(names, layout.font.size) } : layout.margin;
    return {
      ...layout,
      margin,
      autosize: true,
      font: { ...layout.font, color: this.theme.text, family: this.theme.font },
      xaxis: axis(layout.xaxis),
      yaxis,
      datarevision: ++this.revision,
    };
  }

  pictureSource(back) {
    return new ChartSource(this, back);
  }

  close() {
    this.observer.disconnect();
    if (this.plot.data) this.plotly.purge(this.plot);
  }
}
