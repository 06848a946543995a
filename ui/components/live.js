// The live component: takes frames from the server, or from Python where there is no socket, and paints them.
// Everything it knows hangs on the root element, so that new data from Python never starts it anew.
import { Link, RUN_UNKNOWN, fromBase64, unpack } from './frame.js';
import { Drag } from './drag.js';
import { Keys } from './keys.js';
import { Projector } from './projector.js';
import { View } from './view.js';
import { onReconnect } from './reconnect.js';
import { generalisationGap } from './tables.js';
import { loadPlotly } from './curves.js';
import { setText } from './dom.js';

const IDLE_PERIOD = 150; // ms between questions while nothing runs
const CALM_PERIOD = 250; // ms between frames for those who asked for less motion
const COMPLAINT_PERIOD = 1000; // ms between questions while the answers cannot be read
const GONE_PERIOD = 3000; // ms between requests for another run where this one is gone
const lives = new WeakMap();

class Live {
  constructor(root) {
    this.root = root;
    this.calm = window.matchMedia('(prefers-reduced-motion: reduce)');
    this.link = new Link(this);
    this.keys = new Keys();
    this.drag = new Drag((field, value) => this.link.tell({ type: 'preview', field, value }));
    this.projector = new Projector();
    this.unwatch = onReconnect(() => this.send({ type: 'reconnected' }));
    this.painted = 0;
    this.crowded = 0; // ms between frames that a full server asks for
    this.focus = null; // the unit whose map is wanted: neurons from 0, features from -1 down, null for the output
    this.view = new View(root, this);
    Object.assign(root.dataset, {
      testid: 'live', status: 'idle', epoch: 0, frame: 0, build: '', gap: '',
      trainLoss: '', testLoss: '', trainAccuracy: '', testAccuracy: '', learningRate: '',
    });
    this.marked = {};
    this.pending = [];
    this.serial = 0;
    this.forget();
    this.view.retheme();
  }

  /** Drops what belongs to one run. */
  forget() {
    this.header = null;
    this.waiting = null;
    this.complaint = '';
    this.untold = false; // whether the status changed since Python drew the page
    this.view.forget();
  }

  update(data, setTriggerValue) {
    this.data = data;
    this.pending = this.pending.filter(event => event.serial > data.handled);
    this.trigger = setTriggerValue;
    this.root.dataset.mode = data.mode;
    this.view.setOptions(data);
    this.keys.table = data.keys ?? {};
    this.drag.previews = data.previews;
    this.projector.set(Boolean(data.projector));
    if (data.mode === 'rerun') this.follow(data.frame);
    else this.listen(data);
    this.tellStatus();
    this.view.drawAllCharts();
  }

  /** An event for Python, and those before it of which it is not known yet that they have arrived. */
  send(event) {
    this.serial = Math.max(this.serial + 1, Date.now()); // larger than any before a page was loaded anew
    this.pending.push({ ...event, serial: this.serial });
    this.trigger('events', this.pending);
  }

  /** Python brings the frames: no socket and no Plotly. */
  follow(text) {
    this.link.close();
    this.token = null;
    if (text && text !== this.shown) this.receive(fromBase64(text));
    this.shown = text;
  }

  loadCharts() {
    loadPlotly(this.plotly).then(Plotly => this.view.setPlotly(Plotly), error => this.view.refuseCharts(error));
  }

  listen({ plotly, socket, token }) {
    this.plotly = new URL(plotly, document.baseURI).href;
    if (this.painted) this.loadCharts();
    if (token === this.token) {
      this.link.soon();
      return;
    }
    this.forget();
    clearTimeout(this.seeking);
    this.token = token;
    const url = new URL(socket, document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('run', token);
    this.link.open(url);
  }

  // -- what the parts on the screen ask of their owner

  /** The big map becomes that of a unit, or of the output again. */
  point(unit) {
    this.focus = unit;
    if (unit !== null) this.view.showSmall(unit);
    this.link.soon();
  }

  edit({ layer, from, to, value }) {
    this.link.tell({ type: 'edit', layer, from, to, value });
  }

  // -- what the link asks of its owner

  question() {
    const { header, focus } = this;
    const { generation, count } = this.view.history;
    const seen = (header?.focus ?? null) === focus ? header?.frame : -1; // another map of the same moment is news
    return { type: 'frame', build: header?.build ?? -1, generation, have: count, frame: seen ?? -1, focus };
  }

  period() {
    if (this.complaint) return COMPLAINT_PERIOD;
    if (this.header?.status !== 'running') return IDLE_PERIOD;
    return Math.max(this.data.interval, this.header.rest, this.crowded, this.calm.matches ? CALM_PERIOD : 0);
  }

  /** What the server says about itself: with many visitors everybody comes less often. */
  told({ interval }) {
    this.crowded = Number(interval) || 0;
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
      const before = this.header;
      this.waiting = null;
      if (frame) this.accept(frame);
      this.link.taken(now); // the next answer is on its way while this one is painted
      try {
        if (frame) this.paint(frame, before, now);
      } catch (error) {
        this.complain(error);
      }
      if (this.painted === 1 && this.plotly) setTimeout(() => this.loadCharts()); // five megabytes of script: after the first picture
      this.view.drawOneChart(now);
    });
  }

  lost(code, failures, opened) {
    this.waiting = null;
    if (this.header) this.header.frame = -1; // a server that was restarted counts from the start
    this.root.dataset.status = this.marked.status = 'lost';
    this.view.status.say('lost', '', '');
    if (code === RUN_UNKNOWN) this.seekAnother();
    else if (failures === 4 && !opened) this.send({ type: 'unreachable' });
  }

  /** Ask Python for another run until it comes: after a restart of the server its own connection may not be back yet. */
  seekAnother() {
    clearTimeout(this.seeking);
    this.pending = this.pending.filter(event => event.type !== 'gone');
    this.send({ type: 'gone' });
    this.seeking = setTimeout(() => this.seekAnother(), GONE_PERIOD);
  }

  // -- painting

  /** What the next question has to know of a frame. */
  accept({ header: news, arrays }) {
    const before = this.header;
    this.header = { ...before, ...news };
    if (news.kind && !news.unchanged) this.header.focus = news.focus ?? null;
    if (before && before.build !== this.header.build) this.focus = null; // the unit may be gone
    this.view.accept(news.history, arrays);
  }

  paint({ header: news, arrays }, before, now) {
    const { header } = this;
    this.mark(header);
    this.view.status.say(header.status, header.reason, header.notice);
    this.view.setCalm(this.calm.matches);
    const pressed = before && before.build === header.build && before.status !== 'running';
    if (pressed && (header.status === 'running' || before.epoch !== header.epoch)) this.view.bringIntoSight();
    if (header.kind) this.view.show(header, news, arrays, before, now);
    if (news.kind && !news.unchanged) this.root.dataset.frame = ++this.painted;
    if (header.status === 'lost') header.frame = -1; // what comes back may count from the start
    this.untold ||= header.status !== (before ?? this.data).status;
    this.tellStatus();
  }

  /**
   * Python draws the page anew for a status that it has not drawn; asked in the middle of a script run it would break off
   * a press, and it would close a dialog that somebody reads.
   */
  tellStatus() {
    if (this.header?.status === this.data.status) this.untold = false;
    const reading = document.querySelector('[data-testid=stDialog]');
    if (this.untold && !reading && !document.querySelector('[data-test-script-state=running]')) {
      this.untold = false;
      this.send({ type: 'status', status: this.header.status });
    }
    this.root.toggleAttribute('data-untold', this.untold && !reading);
  }

  mark(header) {
    const facts = {
      status: header.status, epoch: header.epoch, build: header.build, gap: generalisationGap(header),
      trainLoss: header.train_loss, testLoss: header.test_loss, learningRate: header.learning_rate,
      trainAccuracy: header.train_accuracy, testAccuracy: header.test_accuracy,
    };
    for (const [name, value] of Object.entries(facts)) {
      const text = String(value ?? '');
      if (this.marked[name] !== text) this.root.dataset[name] = this.marked[name] = text;
    }
  }

  complain(error) {
    console.error(error);
    this.complaint = error.message;
    setText(this.view.status.notice, error.message);
  }

  close() {
    clearTimeout(this.seeking);
    this.unwatch();
    this.link.close();
    this.keys.close();
    this.drag.close();
    this.view.close();
    lives.delete(this.root);
  }
}

/**
 * Shows `data` in `root`; called again on every change of data. Returns the function that ends it: Streamlit calls it when
 * the component leaves the page, but also when newer data came while this call was on its way; then there is nothing to end.
 */
export function mount(root, data, { setTriggerValue }) {
  if (!lives.has(root)) lives.set(root, new Live(root));
  const live = lives.get(root);
  live.update(data, setTriggerValue);
  return () => {
    if (!root.isConnected) live.close();
  };
}
