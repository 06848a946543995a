// The live component: paints frames from the server, or from Python if there is no socket.
// Its state belongs to the root element, so that new data from Python does not restart it.
import { CLOSE_CODES, COMMANDS, EVENTS, LIVE_PROTOCOL, STATUSES } from '../shared/protocol.js';
import { Connection } from './connection.js';
import { PendingEvents, framePeriod, frameQuestion, hasChanges, mergeHeader, rootFacts } from './exchange.js';
import { Projector } from './projector.js';
import { View } from './view.js';
import { fromBase64, unpack } from '../shared/frame.js';
import { onReconnect } from './reconnect.js';
import { setText } from '../shared/dom.js';

const RUN_REQUEST_PERIOD_MS = 3000; // between requests for another run after this one is gone
const FAILURES_UNTIL_UNREACHABLE = 4;
const instances = new WeakMap();

class Live {
  constructor(root) {
    this.root = root;
    this.calm = window.matchMedia('(prefers-reduced-motion: reduce)');
    this.connection = new Connection(this);
    this.projector = new Projector();
    this.stopWatching = onReconnect(() => this.send({ type: EVENTS.reconnected }));
    this.painted = 0;
    this.crowded = 0; // ms between frames that a busy server asks for
    this.focus = null; // the unit whose map is wanted: neurons from 0, features from -1 down, null for the output
    this.view = new View(root, this);
    Object.assign(root.dataset, {
      testid: 'live', status: STATUSES.idle, epoch: 0, frame: 0, build: '', gap: '',
      trainLoss: '', validationLoss: '', testLoss: '', trainAccuracy: '', validationAccuracy: '', testAccuracy: '', learningRate: '',
    });
    this.shownFacts = {};
    this.pending = new PendingEvents();
    this.forget();
    this.view.updateTheme();
  }

  /** Drops what belongs to one run. */
  forget() {
    this.header = null;
    this.waiting = null;
    this.problem = '';
    this.statusChanged = false; // whether the status changed since Python drew the page
    this.view.forget();
  }

  update(data, setTriggerValue) {
    this.data = data;
    this.pending.handled(data.handled);
    this.trigger = setTriggerValue;
    this.root.dataset.mode = data.mode;
    this.root.dataset.controls = data.controls;
    this.view.setOptions(data);
    this.projector.set(Boolean(data.projector));
    if (data.mode === 'rerun') this.follow(data.frame);
    else this.listen(data);
    this.reportStatus();
  }

  /** Sends an event to Python, with those before it that may not have arrived. */
  send(event) {
    this.trigger('events', this.pending.add(event));
  }

  /** Frames come from Python: no socket and no Plotly. */
  follow(text) {
    this.connection.close();
    this.token = null;
    if (text && text !== this.shown) this.receive(fromBase64(text));
    this.shown = text;
  }

  listen({ socket, token }) {
    if (token === this.token) {
      this.connection.hurry();
      return;
    }
    this.forget();
    clearTimeout(this.seeking);
    this.token = token;
    const url = new URL(socket, document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    this.connection.open(url, [LIVE_PROTOCOL, token]);
  }

  // -- what the parts on the screen ask of their owner

  /** Shows the map of a unit in place of the output's; null: the output's again. */
  point(unit) {
    this.focus = unit;
    if (unit !== null) this.view.showSmallMap(unit);
    this.connection.hurry();
  }

  ask(message) {
    return this.connection.post(message);
  }

  edit({ layer, from, to, value }) {
    this.connection.send({ type: COMMANDS.edit, layer, from, to, value });
  }

  preview(field, value) {
    this.connection.send({ type: COMMANDS.preview, field, value });
  }

  // -- what the connection asks of its owner

  question() {
    return frameQuestion(this.header, this.focus, this.view.history);
  }

  period() {
    const { problem, crowded, data: { interval: fastest }, calm: { matches: calm } } = this;
    return framePeriod(this.header, { problem, fastest, crowded, calm });
  }

  /** With many visitors the server asks everyone for fewer frames. */
  onMessage({ interval, responses }) {
    if (responses) this.view.extras?.responses.receive(responses);
    else this.crowded = Number(interval) || 0;
  }

  receive(buffer) {
    try {
      this.waiting = unpack(buffer);
      this.problem = this.waiting.header.problem ?? '';
    } catch (error) {
      this.report(error);
    }
    this.connection.request = requestAnimationFrame(now => {
      const frame = this.waiting;
      const before = this.header;
      this.waiting = null;
      if (frame) this.accept(frame);
      this.connection.taken(now); // the next request is sent while this frame is painted
      try {
        if (frame) this.paint(frame, before, now);
      } catch (error) {
        this.report(error);
      }
      if (this.painted && !this.view.extras) setTimeout(() => this.view.complete());
      this.view.extras?.drawOneChart(now);
    });
  }

  onLost(code, failures, opened) {
    this.waiting = null;
    if (this.header) this.header.frame = -1; // a restarted server counts from the start
    this.root.dataset.status = this.shownFacts.status = STATUSES.lost;
    this.view.status.showStatus(STATUSES.lost, '');
    if (code === CLOSE_CODES.unknownRun) this.requestRun();
    else if (failures === FAILURES_UNTIL_UNREACHABLE && !opened) this.send({ type: EVENTS.unreachable });
  }

  /** Asks Python for another run until it comes: after a restart of the server, Python's own connection may not be back yet. */
  requestRun() {
    clearTimeout(this.seeking);
    this.pending.drop(EVENTS.gone);
    this.send({ type: EVENTS.gone });
    this.seeking = setTimeout(() => this.requestRun(), RUN_REQUEST_PERIOD_MS);
  }

  // -- painting

  /** Keeps what the next question depends on. */
  accept({ header: update, arrays }) {
    const before = this.header;
    this.header = mergeHeader(before, update);
    if (before && before.build !== this.header.build) this.focus = null; // the unit may be gone
    this.view.accept(update.history, arrays);
  }

  paint({ header: update, arrays }, before, now) {
    const { header } = this;
    this.showFacts(header);
    this.view.status.showStatus(header.status, header.notice, this.problem);
    this.view.setCalm(this.calm.matches);
    const wasResting = before && before.build === header.build && before.status !== STATUSES.running;
    if (wasResting && (header.status === STATUSES.running || before.epoch !== header.epoch)) this.view.bringIntoSight();
    if (header.kind) this.view.show(header, update, arrays, before, now);
    if (hasChanges(update)) this.root.dataset.frame = String(++this.painted);
    if (header.status === STATUSES.lost) header.frame = -1; // the recovered run may count frames from the start
    if (header.kind) this.view.extras?.follow(header, now);
    this.statusChanged ||= header.status !== (before ?? this.data).status;
    this.reportStatus();
  }

  /**
   * Has Python draw the page for a new status, but not during a script run, which would lose a press, and not while a
   * dialog is open, which would close, or a slider is dragged.
   */
  reportStatus() {
    if (this.header?.status === this.data.status) this.statusChanged = false;
    const isReading = Boolean(document.querySelector('[data-testid=stDialog]'));
    if (this.statusChanged && !isReading && !this.view.isDragging && !document.querySelector('[data-test-script-state=running]')) {
      this.statusChanged = false;
      this.send({ type: EVENTS.status, status: this.header.status });
    }
    this.root.toggleAttribute('data-untold', this.statusChanged && !isReading);
  }

  showFacts(header) {
    for (const [name, text] of Object.entries(rootFacts(header))) {
      if (this.shownFacts[name] !== text) this.root.dataset[name] = this.shownFacts[name] = text;
    }
  }

  report(error) {
    console.error(error);
    this.problem = error.message;
    setText(this.view.status.notice, error.message);
  }

  close() {
    clearTimeout(this.seeking);
    this.stopWatching();
    this.connection.close();
    this.view.close();
    instances.delete(this.root);
  }
}

/**
 * Shows `data`; Streamlit calls it on every change of data. Returns the function that ends it: Streamlit calls that when
 * the component leaves the page, but also if newer data came during this call; then there is nothing to end.
 */
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector('.live');
  if (!instances.has(root)) instances.set(root, new Live(root));
  const live = instances.get(root);
  live.update(data, setTriggerValue);
  return () => {
    if (!root.isConnected) live.close();
  };
}
