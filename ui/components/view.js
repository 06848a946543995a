// Everything the live component has on the screen: its parts, where they stand, and which part takes what of a frame.
import { Callouts } from './callouts.js';
import { Chart, History } from './curves.js';
import { Confusion } from './confusion.js';
import { Diagram } from './diagram.js';
import { DrawingPad } from './drawing.js';
import { Advice, StatusLine, digits, scores } from './tables.js';
import { Stage } from './stage.js';
import { Strip } from './strip.js';
import { addSaveMenus } from './save.js';
import { TEST, TRAIN, readTheme } from './palette.js';
import { build, setText } from './dom.js';

const FACTS_PERIOD = 50; // ms between two changes of the status line while it trains: nobody reads sixty numbers a second
const TABLE_PERIOD = 100; // ms between two changes of the tables
const SENTENCE_PERIOD = 1000; // ms between two changes of the hidden sentences
const PHONE = window.matchMedia('(max-width: 640px)');
const VIEW_TITLES = { map: 'What the network says', pictures: 'Test pictures', table: 'Test data' };

/** owner: focus (unit or null), point(unit), edit(message), send(event). */
export class View {
  constructor(root, owner) {
    this.root = root;
    this.owner = owner;
    this.history = new History();
    this.make();
    this.layOut();
    addSaveMenus(this);
    this.forget();
    this.probe.addEventListener('transitionend', () => this.retheme());
  }

  make() {
    const { owner } = this;
    this.status = new StatusLine();
    this.diagram = new Diagram(owner);
    this.stage = new Stage();
    this.pad = new DrawingPad(this.stage, { points: message => owner.send({ type: 'points', ...message }) });
    this.advice = new Advice(changes => owner.send({ type: 'fix', changes }));
    this.callouts = new Callouts(this.diagram.box);
    this.strip = new Strip();
    this.confusion = new Confusion(cell => this.stage.light(cell));
    this.loss = new Chart('Loss', [TRAIN, TEST]);
    this.accuracy = new Chart('Accuracy', [TRAIN, TEST]);
    this.activation = new Chart('Activation', [TEST, TRAIN]);
    this.charts = [this.loss, this.accuracy, this.activation];
    this.loss.addKey({ thin: 'train', thick: 'test' });
    this.loss.addSmoothSwitch('Smooth the loss');
    this.loss.addLogSwitch();
    this.accuracy.addKey({ thin: 'train', thick: 'test' });
    this.accuracy.addSmoothSwitch('Smooth the accuracy');
    this.activation.addKey({ thick: 'f(z)', dashed: 'derivative' });
  }

  layOut() {
    const { root } = this;
    this.probe = build('span', 'live-probe'); // its colour follows the page's background; the end of that transition is news
    this.title = build('h3', 'live-title', VIEW_TITLES.map);
    this.note = build('p', 'live-words');
    this.place = build('div', 'live-place', this.note, this.stage.element, this.strip.element);
    this.main = build('section', 'live-main', build('div', 'live-head', this.title), this.place);
    this.panels = build('div', 'live-panels', ...this.charts.map(chart => chart.element), this.confusion.element);
    root.classList.add('live');
    root.replaceChildren(this.probe, this.status.element, build('div', 'live-grid', this.diagram.element, this.main, this.advice.element, this.panels));
    root.dataset.view = 'map';
  }

  /** Drops what belongs to one run. */
  forget() {
    this.stated = this.tabled = this.told = -Infinity;
    this.latest = {};
    this.grown = false; // whether the history has to be drawn
    this.history.clear();
  }

  setOptions(data) {
    this.stage.setOptions({ show_test: data.show_test, show_wrong: data.show_wrong, discretize: data.discretize });
    this.diagram.setOptions(data);
    this.drawing = data.drawing ?? null;
    if (this.stage.plane) this.pad.setOptions(this.drawing);
    for (const chart of ['loss', 'accuracy', 'activation']) {
      if (data.figures?.[chart]) this[chart].setFigure(data.figures[chart]);
    }
    const name = data.figures?.activation?.layout?.meta?.name;
    if (name !== this.named) this.activation.title.replaceChildren(build('span', name ? 'live-hidden' : '', 'Activation'), name ? ` ${name}` : '');
    this.named = name;
  }

  setCalm(calm) {
    this.diagram.calm = calm;
  }

  /** On a phone the map lies far below the buttons: who presses one sees what it does. */
  bringIntoSight() {
    const { top, bottom } = this.main.getBoundingClientRect();
    const away = bottom < 0 || top > window.innerHeight;
    if (away && PHONE.matches) this.main.scrollIntoView({ block: 'end', behavior: this.diagram.calm ? 'auto' : 'smooth' });
  }

  // -- a frame

  /** The part of it that the next question has to know of. */
  accept(history, arrays) {
    this.grown = this.history.take(history, arrays) || this.grown;
  }

  show(header, news, arrays, before, now) {
    if (header.status !== 'running' || now - this.stated >= FACTS_PERIOD) this.state(header, now);
    if (news.kind && !news.unchanged) this.take(header, arrays, before, now);
    if (now - this.tabled >= TABLE_PERIOD) this.fillTables(header, now);
    if (now - this.told >= SENTENCE_PERIOD) this.tell(header, now);
  }

  take(header, arrays, before, now) {
    if (before?.build !== header.build) this.rebuild(header, arrays);
    if (header.plane) {
      this.stage.take(header, arrays, now);
      if (header.network) this.diagram.take(header, arrays);
      this.showMap(header, arrays);
      if (this.drawing && !this.pad.options) this.pad.setOptions(this.drawing);
    }
    if (this.grown) {
      this.grown = false;
      this.loss.setSeries(this.history.pair(0));
      this.accuracy.setSeries(this.history.pair(2));
    }
    Object.assign(this.latest, arrays);
  }

  /** The big map is the output's or that of the unit pointed at, whose small map stands in until its big one arrives. */
  showMap(header, arrays) {
    const wanted = this.owner.focus;
    const shown = header.focus ?? null;
    if (arrays.map && shown === wanted) this.stage.show(arrays.map, header.plane.encoding, this.unitTitle(wanted));
    else if (wanted !== null) this.showSmall(wanted);
  }

  showSmall(unit) {
    const bytes = this.diagram.smallMap(unit);
    if (bytes) this.stage.show(bytes, 'value', this.unitTitle(unit));
  }

  unitTitle(unit) {
    const title = unit === null ? '' : this.diagram.titleOf(unit);
    setText(this.title, title || VIEW_TITLES[this.root.dataset.view]);
    return title && title[0].toLowerCase() + title.slice(1);
  }

  /** Other data or another network: the place of the map may have to show something else. */
  rebuild(header, arrays) {
    const view = header.plane ? 'map' : arrays.images ? 'pictures' : 'table';
    this.latest = {};
    this.root.dataset.view = this.main.dataset.view = view;
    this.diagram.element.hidden = !(header.plane && header.network);
    if (!header.plane) this.pad.setOptions(null);
    setText(this.title, VIEW_TITLES[view]);
    setText(this.accuracy.title, header.kind === 'regression' ? 'R\u00b2' : 'Accuracy');
    const inputs = header.inputs ? `This data has ${header.inputs} inputs` : 'This data does not have two inputs';
    setText(this.note, view === 'table' ? `${inputs}; the map is drawn for two.` : '');
    const home = view === 'table' ? this.place : this.panels;
    if (this.confusion.element.parentElement !== home) home.append(this.confusion.element);
  }

  state(header, now) {
    this.stated = now;
    this.status.show(header);
  }

  fillTables(header, now) {
    this.tabled = now;
    this.confusion.show(header, this.latest.confusion);
    this.advice.show(header.advice ?? header.goal ?? null);
    this.strip.take(header, this.latest);
    delete this.latest.images;
    if (this.diagram.layout) this.callouts.arrange(this.diagram.layout);
  }

  tell(header, now) {
    this.told = now;
    const { name, train, test } = scores(header);
    const after = `after ${header.epoch} epochs`;
    setText(this.loss.sentence, `Test loss ${digits(header.test_loss, 3)} ${after}, train loss ${digits(header.train_loss, 3)}.`);
    setText(this.accuracy.sentence, `Test ${name} ${digits(test, 2)} ${after}. Train ${name} ${digits(train, 2)}.`);
    setText(this.activation.sentence, 'The activation function and its derivative over z.');
    if (header.plane) this.stage.describe(header);
  }

  // -- charts and theme

  setPlotly(plotly) {
    this.charts.forEach(chart => chart.setPlotly(plotly));
    this.drawAllCharts();
  }

  refuseCharts(error) {
    this.charts.forEach(chart => setText(chart.plot, error.message));
  }

  /** At most one chart a frame, the one that waited longest, so that no frame is long. */
  drawOneChart(now) {
    this.charts.filter(chart => chart.due(now)).sort((a, b) => a.drawnAt - b.drawnAt)[0]?.draw(now);
  }

  drawAllCharts() {
    this.charts.filter(chart => chart.due(Infinity)).forEach(chart => chart.draw(performance.now()));
  }

  retheme() {
    const theme = readTheme(this.root);
    [this.stage, this.diagram, this.strip, ...this.charts].forEach(part => part.setTheme(theme));
    this.root.dataset.theme = theme.name;
    this.drawAllCharts();
  }

  close() {
    [this.diagram, this.stage, this.pad, this.callouts, ...this.charts].forEach(part => part.close());
    this.root.replaceChildren();
  }
}
