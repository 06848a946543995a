// What the live component has on the screen: its parts, their places, and which part takes what of a frame. It makes the first
// picture; extras.js has the rest.
import { Advice, Details, StatusLine } from './status.js';
import { DecisionMap } from './map/decision_map.js';
import { Diagram } from './network/diagram.js';
import { EVENTS, STATUSES } from '../shared/protocol.js';
import { Guide } from './guide.js';
import { Outline } from './network/outline.js';
import { History } from './panels/history.js';
import { Strip } from './strip.js';
import { build, setText } from '../shared/dom.js';
import { counted } from '../shared/format.js';
import { hasChanges } from './exchange.js';
import { readTheme } from '../shared/palette.js';

const FACTS_PERIOD_MS = 50; // between changes of the status line during training: a person cannot read sixty numbers per second
const TABLE_PERIOD_MS = 100; // between changes of the tables
const SENTENCE_PERIOD_MS = 1000; // between changes of the sentences for screen readers
const RETRY_MS = 3000; // between two attempts to fetch extras.js
const THEME_VARIABLES = ['text', 'background', 'border', 'primary'].map(name => `--st-${name}-color`);
const VIEW_TITLES = { map: 'Prediction of the network', pictures: 'Test pictures', table: 'Test data' };

/**
 * owner: data from Python, header of the latest frame or null, focus (unit or null), point(unit), edit(message),
 * preview(field, value), ask(message), send(event).
 */
export class View {
  constructor(root, owner) {
    this.root = root;
    this.owner = owner;
    this.phone = window.matchMedia('(max-width: 640px)');
    this.history = new History();
    /** @type {import('../shared/frame.js').FrameArrays} */
    this.latest = {};
    this.factsAt = this.tablesAt = this.sentencesAt = -Infinity;
    this.status = new StatusLine();
    this.details = new Details();
    this.diagram = new Diagram(owner);
    this.map = new DecisionMap();
    this.advice = new Advice(changes => owner.send({ type: EVENTS.fix, changes }));
    this.strip = new Strip();
    this.extras = /** @type {import('./extras.js').Extras | null} */ (null); // until the first picture is painted
    this.completing = /** @type {Promise<void> | null} */ (null);
    this.isClosed = false;

    this.probe = build('span', 'live-probe'); // its color follows the page's background; its transition ends when the theme changed
    this.title = build('h3', 'live-title', VIEW_TITLES.map);
    this.head = build('div', 'live-head', this.title);
    this.note = build('p', 'live-words');
    this.outline = new Outline();
    this.place = build('div', 'live-place', this.note, this.outline.element, this.map.element, this.strip.element);
    this.main = build('section', 'live-main', this.head, this.place);
    root.classList.add('live');
    this.words = build('div', 'live-words-row');
    this.guide = new Guide({ map: this.head, words: this.words, numbers: this.status.element });
    this.words.append(this.status.notice, this.guide.element, this.advice.element);
    this.curves = build('div', 'live-curves');
    this.panelGrid = build('div', 'live-panels');
    const grid = build('div', 'live-grid', this.diagram.element, this.main, this.curves, this.words, this.panelGrid);
    root.replaceChildren(this.probe, this.status.element, grid);
    root.dataset.view = 'map';
    this.forget();
    this.probe.addEventListener('transitionend', () => this.updateTheme());
  }

  /** Fetches the parts that the first picture does not need. */
  complete() {
    if (this.isClosed) return;
    this.completing ??= import('./extras.js').then(({ Extras }) => this.addExtras(Extras), error => {
      console.error(error);
      setText(this.curves, 'The curves could not be loaded. The page tries again; if they do not come, reload it.');
      setTimeout(() => {
        this.completing = null;
        this.complete();
      }, RETRY_MS);
    });
  }

  /** Makes them and brings them up to date. */
  addExtras(Extras) {
    if (this.isClosed) return;
    const extras = this.extras = new Extras(this);
    const { data, header } = this.owner;
    extras.setTheme(this.theme);
    extras.setOptions(data);
    if (!header?.kind) return; // another run has begun
    extras.rebuild(header);
    extras.takeHistory(this.history);
    extras.show(header, this.latest);
    extras.describe(header);
  }

  /** Drops what belongs to one run. */
  forget() {
    this.factsAt = this.tablesAt = this.sentencesAt = -Infinity;
    this.latest = {};
    this.historyGrew = false; // whether the curves have to be drawn
    this.history.clear();
    this.extras?.forget();
  }

  setOptions(data) {
    this.map.setOptions(data);
    this.diagram.setOptions(data);
    this.outline.show(data.outline, data.activations);
    this.advice.locked = data.locked ?? [];
    this.extras?.setOptions(data);
  }

  /** Whether a slider of the page is being dragged. */
  get isDragging() {
    return Boolean(this.extras?.drag.isDragging);
  }

  setCalm(calm) {
    this.diagram.calm = calm;
  }

  /** On a phone the map is far below the buttons: scroll to it when one is pressed. */
  bringIntoSight() {
    if (!this.phone.matches) return;
    const { top, bottom } = this.main.getBoundingClientRect();
    const isAway = bottom < 0 || top > window.innerHeight;
    if (isAway) this.main.scrollIntoView({ block: 'end', behavior: this.diagram.calm ? 'auto' : 'smooth' });
  }

  // -- a frame

  /** Keeps the part of it that the next question depends on. */
  accept(history, arrays) {
    this.historyGrew = this.history.take(history, arrays) || this.historyGrew;
  }

  show(header, update, arrays, before, now) {
    if (header.status !== STATUSES.running || now - this.factsAt >= FACTS_PERIOD_MS) this.showFacts(header, now);
    if (hasChanges(update)) this.take(header, arrays, before, now);
    this.map.follow(header);
    if (now - this.tablesAt >= TABLE_PERIOD_MS) this.showTables(header, now);
    if (now - this.sentencesAt >= SENTENCE_PERIOD_MS) this.describe(header, now);
  }

  take(header, arrays, before, now) {
    if (before?.build !== header.build) this.rebuild(header, arrays);
    if (header.plane) {
      if (header.network) this.diagram.take(header, arrays); // before the map, whose width depends on it
      this.map.take(header, arrays, now);
      this.showMap(header, arrays);
      this.extras?.openPad();
    }
    if (this.historyGrew) this.extras?.takeHistory(this.history);
    this.historyGrew = false;
    Object.assign(this.latest, arrays);
  }

  /** Shows the output's map or that of the unit pointed at; until the unit's large map arrives, its small one. */
  showMap(header, arrays) {
    const wanted = this.owner.focus;
    const shown = header.focus ?? null;
    if (arrays.map && shown === wanted) this.map.show(arrays.map, header.plane.encoding, this.showUnitTitle(wanted));
    else if (wanted !== null) this.showSmallMap(wanted);
  }

  showSmallMap(unit) {
    const bytes = this.diagram.smallMap(unit);
    if (bytes) this.map.show(bytes, 'value', this.showUnitTitle(unit));
  }

  /** Puts the unit's name above the map; returns it as it is written within a sentence, '' for the output. */
  showUnitTitle(unit) {
    const title = unit === null ? '' : this.diagram.titleOf(unit);
    setText(this.title, title || VIEW_TITLES[this.root.dataset.view]);
    return title && title[0].toLowerCase() + title.slice(1);
  }

  /** Another data set or network: the place of the map may have to show something else. */
  rebuild(header, arrays) {
    const view = header.plane ? 'map' : arrays.images ? 'pictures' : 'table';
    this.latest = {};
    this.root.dataset.view = this.main.dataset.view = view;
    this.diagram.element.hidden = !(header.plane && header.network);
    setText(this.title, VIEW_TITLES[view]);
    const inputs = header.inputs ? `This data has ${counted(header.inputs, 'input')}` : 'This data does not have two inputs';
    setText(this.note, view === 'table' ? `${inputs}; the map is drawn for two.` : '');
    this.extras?.rebuild(header);
  }

  showFacts(header, now) {
    this.factsAt = now;
    this.placeStatus();
    this.status.show(header);
    this.details.show(header);
  }

  /** Puts the status line into the bar above, if the page has one; the bar may have been drawn again. */
  placeStatus() {
    const place = document.querySelector('.live-readout');
    if (place && this.status.element.parentElement !== place) place.replaceChildren(this.status.element);
  }

  showTables(header, now) {
    this.tablesAt = now;
    this.extras?.show(header, this.latest);
    this.advice.show(header.advice ?? header.goal ?? { text: header.loss_note, fix: null });
    this.strip.take(header, this.latest);
    delete this.latest.images;
    this.guide.show(header);
  }

  describe(header, now) {
    this.sentencesAt = now;
    this.extras?.describe(header);
    if (header.plane) this.map.describe(header);
  }

  updateTheme() {
    const theme = this.theme = readTheme(this.root);
    for (const part of [this.map, this.diagram, this.strip]) part.setTheme(theme);
    this.root.dataset.theme = this.status.element.dataset.theme = theme.name;
    const given = getComputedStyle(this.root); // the bar, where the status line is, does not inherit these
    for (const name of THEME_VARIABLES) this.status.element.style.setProperty(name, given.getPropertyValue(name));
    this.extras?.setTheme(theme);
  }

  close() {
    this.isClosed = true;
    for (const part of [this.status, this.diagram, this.map, this.guide]) part.close();
    this.extras?.close();
    this.root.replaceChildren();
  }
}
