// What the first picture does not need: curves, panels, response curves, drawing, the weight editor, menus to save pictures,
// keyboard shortcuts and sliders that act while they are dragged. These modules, almost half of the component's, are fetched
// when the first picture is painted.
import { ChartPanel, drawOneChart } from './panels/chart.js';
import { DragPreview } from './drag.js';
import { DrawingPad } from './drawing/drawing_pad.js';
import { ElementSource, SaveMenu } from '../shared/save.js';
import { EVENTS } from '../shared/protocol.js';
import { Keys } from '../shared/keys.js';
import { ResponseCurves } from './responses/response_curves.js';
import { WeightEditor } from './network/weight_editor.js';
import { loadPlotly } from '../shared/plotly.js';
import { makePanels } from './panels/index.js';

const CURVES = 2; // the first panels, beside the map

export class Extras {
  /** view: the View that they belong to. */
  constructor(view) {
    const { owner, map, diagram } = view;
    this.view = view;
    this.keys = new Keys();
    this.drag = new DragPreview((field, value) => owner.preview(field, value));
    this.pad = new DrawingPad(map, { points: message => owner.send({ type: EVENTS.points, ...message }) });
    this.responses = new ResponseCurves({
      ask: message => owner.ask(message), take: changes => owner.send({ type: EVENTS.fix, changes }),
    });
    this.panels = makePanels({ lightCell: cell => map.light(cell) });
    this.charts = this.panels.filter(panel => panel instanceof ChartPanel);
    const elements = this.panels.map(panel => panel.element);
    view.curves.replaceChildren(...elements.slice(0, CURVES));
    view.panelGrid.append(...elements.slice(CURVES), view.details.element);
    diagram.editor = new WeightEditor(diagram.box, message => owner.edit(message));
    this.addSaveMenus();
  }

  addSaveMenus() {
    const { probe, head, place, diagram } = this.view;
    const back = () => getComputedStyle(probe).backgroundColor;
    for (const panel of this.panels) new SaveMenu(panel.name, panel.head, panel.pictureSource(back));
    new SaveMenu('picture', head, new ElementSource(place, back));
    new SaveMenu('network', diagram.box, new ElementSource(diagram.box, back));
  }

  /** Drops what belongs to one run. */
  forget() {
    this.responses.forget();
  }

  setOptions(data) {
    this.keys.table = data.keys ?? {};
    this.drag.values = data.previews;
    this.responses.locked = data.locked ?? [];
    if (this.view.map.plane) this.pad.setOptions(data.drawing ?? null);
    for (const panel of this.panels) panel.configure(data);
    if (data.plotly) this.loadCharts(new URL(data.plotly, document.baseURI).href);
  }

  // -- a frame

  /** Another data set or network. */
  rebuild(header) {
    if (!header.plane) this.pad.setOptions(null);
    for (const panel of this.panels) panel.rebuild(header);
    const { element } = this.panels[this.panels.length - 1]; // the last panel takes the place of a missing map
    const { place, panelGrid, details, root } = this.view;
    const home = root.dataset.view === 'table' ? place : panelGrid;
    if (element.parentElement !== home) home.insertBefore(element, home === panelGrid ? details.element : null);
  }

  openPad() {
    const { drawing } = this.view.owner.data;
    if (drawing && !this.pad.options) this.pad.setOptions(drawing);
  }

  follow(header, now) {
    this.responses.follow(header, now, this.drag.isDragging);
  }

  takeHistory(history) {
    for (const panel of this.panels) panel.takeHistory(history);
  }

  show(header, arrays) {
    for (const panel of this.panels) panel.show(header, arrays);
  }

  describe(header) {
    for (const panel of this.panels) panel.describe(header);
  }

  // -- charts and theme

  loadCharts(url) {
    loadPlotly(url).then(plotly => this.setPlotly(plotly), error => this.charts.forEach(chart => chart.refuse(error.message)));
  }

  setPlotly(plotly) {
    if (this.charts.every(chart => chart.plotly === plotly)) return;
    this.charts.forEach(chart => chart.setPlotly(plotly));
    this.drawAllCharts();
  }

  drawOneChart(now) {
    drawOneChart(this.charts, now);
  }

  drawAllCharts() {
    this.charts.filter(chart => chart.isDue(Infinity)).forEach(chart => chart.draw(performance.now()));
  }

  setTheme(theme) {
    for (const part of [this.responses, ...this.panels]) part.setTheme(theme);
    this.drawAllCharts();
  }

  close() {
    for (const part of [this.keys, this.drag, this.pad, this.responses, ...this.panels]) part.close();
  }
}
