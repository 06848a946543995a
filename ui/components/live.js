// The live component: takes frames from the server, or from Python where there is no socket, and paints them.
// Everything it knows hangs on the root element, so that new data from Python never starts it anew.
import { Link, RUN_UNKNOWN, fromBase64, unpack } from './frame.js';
import { Keys } from './keys.js';
import { TEST, TRAIN, readTheme } from './palette.js';
import { Stage, build, setText } from './stage.js';
import { Chart, History, loadPlotly } from './curves.js';
import { Confusion, StatusLine, Strip, digits, generalisationGap, scores } from './tables.js';

const IDLE_PERIOD = 150; // ms between questions while nothing runs
const TABLE_PERIOD = 100; // ms between two changes of the tables
const SENTENCE_PERIOD = 1000; // ms between two changes of the hidden sentences
const CALM_PERIOD = 250; // ms between frames for those who asked for less motion
const VIEW_TITLES = { map: 'What the network says', pictures: 'Test pictures', table: 'Test data' };
const lives = new WeakMap();

class Live {
  constructor(root) {
    this.root = root;
    this.calm = window.matchMedia('(prefers-reduced-motion: reduce)');
    this.link = new Link(this);
    this.keys = new Keys();
    this.history = new History();
    this.painted = 0;
    this.layOut();
    this.forget();
    this.probe.addEventListener('transitionend', () => this.retheme());
    this.retheme();
  }

  layOut() {
    const { root } = this;
    this.status = new StatusLine();
    this.stage = new Stage();
    this.strip = new Strip();
    this.confusion = new Confusion();
    this.loss = new Chart('Loss', [TRAIN, TEST]);
    this.accuracy = new Chart('Accuracy', [TRAIN, TEST]);
    this.activation = new Chart('Activation', [TEST, TRAIN]);
    this.charts = [this.loss, this.accuracy, this.activation];
    this.loss.addKey({ thin: 'train', thick: 'test' });
    this.loss.addLogSwitch();
    this.accuracy.addKey({ thin: 'train', thick: 'test' });
    this.activation.addKey({ thick: 'f(z)', dashed: 'derivative' });

    this.probe = build('span', 'live-probe'); // its colour follows the page's background; the end of that transition is news
    this.title = build('h3', 'live-title', VIEW_TITLES.map);
    this.note = build('p', 'live-words');
    this.place = build('div', 'live-place', this.note, this.stage.element, this.strip.element);
    this.main = build('section', 'live-main', build('div', 'live-head', this.title), this.place);
    this.main.dataset.view = 'map';
    this.panels = build('div', 'live-panels', ...this.charts.map(chart => chart.element), this.confusion.element);
    root.classList.add('live');
    root.replaceChildren(this.probe, this.status.element, build('div', 'live-grid', this.main, this.panels));
    Object.assign(root.dataset, {
      testid: 'live', status: 'idle', epoch: 0, frame: 0, build: '', gap: '',
      trainLoss: '', testLoss: '', trainAccuracy: '', testAccuracy: '', learningRate: '',
    });
  }

  /** Drops what belongs to one run. */
  forget() {
    this.header = null;
    this.waiting = null;
    this.complaint = '';
    this.untold = false;
    this.tabled = this.told = -Infinity;
    this.latest = {};
    this.history.clear();
  }

  update(data, setTriggerValue) {
    this.data = data;
    this.trigger = event => setTriggerValue('event', { ...event, at: Date.now() });
    this.root.dataset.mode = data.mode;
    this.stage.setOptions({ show_test: data.show_test, discretize: data.discretize });
    for (const chart of ['loss', 'accuracy', 'activation']) {
      if (data.figures?.[chart]) this[chart].setFigure(data.figures[chart]);
    }
    const name = data.figures?.activation?.layout?.meta?.name;
    setText(this.activation.title, name ? `Activation: ${name}` : 'Activation');
    if (data.mode === 'rerun') this.follow(data.frame);
    else this.listen(data);
    this.drawAllCharts();
  }

  /** Python brings the frames: no socket and no Plotly. */
  follow(text) {
    this.link.close();
    this.token = null;
    if (text && text !== this.shown) this.receive(fromBase64(text));
    this.shown = text;
  }

  listen({ plotly, socket, token }) {
    loadPlotly(new URL(plotly, document.baseURI).href).then(Plotly => {
      this.charts.forEach(chart => chart.setPlotly(Plotly));
      this.drawAllCharts();
    }, error => this.charts.forEach(chart => setText(chart.plot, error.message)));
    if (token === this.token) {
      this.link.soon();
      return;
    }
    this.forget();
    this.token = token;
    const url = new URL(socket, document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('run', token);
    this.link.open(url);
  }

  // -- what the link asks of its owner

  question() {
    const { header, history } = this;
    return {
      type: 'frame', build: header?.build ?? -1, generation: history.generation, have: history.count, frame: header?.frame ?? -1,
    };
  }

  period() {
    if (this.complaint) return SENTENCE_PERIOD;
    if (this.header?.status !== 'running') return IDLE_PERIOD;
    return this.calm.matches ? Math.max(CALM_PERIOD, this.data.interval) : this.data.interval;
  }

  receive(buffer) {
    try {
      this.waiting = unpack(buffer);
      this.complaint = '';
    } catch (error) {
      this.complain(error);
    }
    this.link.request = requestAnimationFrame(now => {
      const frame = this.waiting;
      this.waiting = null;
      try {
        if (frame) this.paint(frame, now);
      } catch (error) {
        this.complain(error);
      }
      this.link.painted(now); // the next answer is on its way while a chart is drawn
      this.drawOneChart(now);
    });
  }

  lost(code, failures, opened) {
    this.waiting = null;
    if (this.header) this.header.frame = -1; // a server that was restarted counts from the start
    this.root.dataset.status = 'lost';
    this.status.say('lost', '', '');
    if (code === RUN_UNKNOWN) this.trigger({ type: 'gone' });
    else if (failures === 4 && !opened) this.trigger({ type: 'unreachable' });
  }

  // -- painting

  paint({ header: news, arrays }, now) {
    const before = this.header;
    const header = this.header = { ...before, ...news };
    this.mark(header);
    this.status.say(header.status, header.reason, header.notice);
    if (header.kind) this.show(header, news, arrays, before, now);
    if (header.status === 'lost') header.frame = -1; // what comes back may count from the start
    this.untold ||= Boolean(before && before.status !== header.status);
    if (this.untold && !document.querySelector('[data-test-script-state=running]')) { // else old widget values would go along
      this.untold = false;
      this.trigger({ type: 'status', status: header.status });
    }
  }

  show(header, news, arrays, before, now) {
    this.status.show(header);
    if (news.kind && !news.unchanged) this.take(header, arrays, before);
    if (now - this.tabled >= TABLE_PERIOD) this.fillTables(now);
    if (now - this.told >= SENTENCE_PERIOD) this.tell(now);
  }

  take(header, arrays, before) {
    if (before?.build !== header.build) this.rebuild(header, arrays);
    if (header.plane) this.stage.take(header, arrays);
    if (this.history.take(header.history, arrays)) {
      this.loss.setSeries(this.history.pair(0));
      this.accuracy.setSeries(this.history.pair(2));
    }
    Object.assign(this.latest, arrays);
    this.root.dataset.frame = ++this.painted;
  }

  /** Other data or another network: the place of the map may have to show something else. */
  rebuild(header, arrays) {
    const view = header.plane ? 'map' : arrays.images ? 'pictures' : 'table';
    this.latest = {};
    this.main.dataset.view = view;
    setText(this.title, VIEW_TITLES[view]);
    setText(this.accuracy.title, header.kind === 'regression' ? 'R\u00b2' : 'Accuracy');
    const inputs = header.inputs ? `This data has ${header.inputs} inputs` : 'This data does not have two inputs';
    setText(this.note, view === 'table' ? `${inputs}; the map is drawn for two.` : '');
    const home = view === 'table' ? this.place : this.panels;
    if (this.confusion.element.parentElement !== home) home.append(this.confusion.element);
  }

  mark(header) {
    const facts = {
      status: header.status, epoch: header.epoch, build: header.build, gap: generalisationGap(header),
      trainLoss: header.train_loss, testLoss: header.test_loss, learningRate: header.learning_rate,
      trainAccuracy: header.train_accuracy, testAccuracy: header.test_accuracy,
    };
    for (const [name, value] of Object.entries(facts)) this.root.dataset[name] = value ?? '';
  }

  /** At most one chart a frame, the one that waited longest, so that no frame is long. */
  drawOneChart(now) {
    this.charts.filter(chart => chart.due(now)).sort((a, b) => a.drawnAt - b.drawnAt)[0]?.draw(now);
  }

  drawAllCharts() {
    this.charts.filter(chart => chart.due(Infinity)).forEach(chart => chart.draw(performance.now()));
  }

  fillTables(now) {
    this.tabled = now;
    this.confusion.show(this.header, this.latest.confusion);
    this.strip.take(this.header, this.latest);
    delete this.latest.images;
  }

  tell(now) {
    this.told = now;
    const { header } = this;
    const { name, train, test } = scores(header);
    const after = `after ${header.epoch} epochs`;
    setText(this.loss.sentence, `Test loss ${digits(header.test_loss, 3)} ${after}, train loss ${digits(header.train_loss, 3)}.`);
    setText(this.accuracy.sentence, `Test ${name} ${digits(test, 2)} ${after}. Train ${name} ${digits(train, 2)}.`);
    setText(this.activation.sentence, 'The activation function and its derivative over z.');
    if (header.plane) this.stage.describe(header);
  }

  complain(error) {
    this.complaint = error.message;
    setText(this.status.notice, error.message);
  }

  retheme() {
    const theme = readTheme(this.root);
    [this.stage, this.strip, ...this.charts].forEach(part => part.setTheme(theme));
    this.root.dataset.theme = theme.name;
    this.drawAllCharts();
  }

  close() {
    this.link.close();
    this.keys.close();
    this.stage.close();
    this.charts.forEach(chart => chart.close());
    this.root.replaceChildren();
    lives.delete(this.root);
  }
}

/** Shows `data` in `root`; called again on every change of data. Returns the function that ends it. */
export function mount(root, data, { setTriggerValue }) {
  if (!lives.has(root)) lives.set(root, new Live(root));
  const live = lives.get(root);
  live.update(data, setTriggerValue);
  return () => live.close();
}
