// The panels of the live view, from left to right. A new one is a file beside this one and a row here; a chart also needs
// its figure in ui/playground/live_view.py.
import { AccuracyPanel } from './accuracy.js';
import { ActivationPanel } from './activation.js';
import { ConfusionPanel } from './confusion.js';
import { LossPanel } from './loss.js';

/** context: {lightCell([truth, predicted] or null)} shows only the examples of a cell on the map. */
export function makePanels(context) {
  return [new LossPanel(), new AccuracyPanel(), new ActivationPanel(), new ConfusionPanel(context.lightCell)];
}
