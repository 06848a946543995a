// The loss of the training, the test and any validation data over the epochs.
import { ChartPanel } from './chart.js';
import { PART_CURVES } from '../../shared/palette.js';
import { formatNumber, formatWhole, partSentence } from '../../shared/format.js';
import { lowestIndex } from './curve_marks.js';
import { setText } from '../../shared/dom.js';

export class LossPanel extends ChartPanel {
  constructor() {
    super('loss', 'Loss', PART_CURVES);
    this.nameLines();
    this.addSmoothSwitch('Smooth the loss');
    this.addLogSwitch();
  }

  takeHistory(history) {
    this.setSeries(history.loss);
  }

  /** The lowest loss of the validation part, or of the test part without one; null until there is something to compare. */
  best() {
    const [x, ...ys] = this.series;
    const trace = ys.length === 3 ? 2 : 1;
    const at = lowestIndex(ys[trace] ?? []);
    return at < 0 || x.length === 1 ? null : { trace, x: x[at], y: ys[trace][at] };
  }

  describe(header) {
    const best = this.best();
    const part = best?.trace === 2 ? 'validation' : 'test';
    const lowest = best ? ` The lowest ${part} loss was ${formatNumber(best.y, 3)}, at epoch ${formatWhole(best.x)}.` : '';
    const now = partSentence(header, 'loss', name => formatNumber(header[`${name}_loss`], 3));
    setText(this.sentence, `${now}${lowest} ${header.loss_note}`);
    this.head.title = header.loss_note;
  }
}
