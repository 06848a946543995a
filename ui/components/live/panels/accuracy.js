// The accuracy, or R² for numbers, of the training, the test and any validation data over the epochs.
import { ChartPanel } from './chart.js';
import { REGRESSION } from '../../shared/protocol.js';
import { PART_CURVES } from '../../shared/palette.js';
import { namedScores, partSentence, scoreText } from '../../shared/format.js';
import { setText } from '../../shared/dom.js';

export class AccuracyPanel extends ChartPanel {
  constructor() {
    super('accuracy', 'Accuracy', PART_CURVES);
    this.nameLines();
    this.addSmoothSwitch('Smooth the accuracy');
  }

  rebuild(header) {
    setText(this.title, header.kind === REGRESSION ? 'R\u00b2' : 'Accuracy');
  }

  takeHistory(history) {
    this.setSeries(history.score);
  }

  describe(header) {
    setText(this.sentence, partSentence(header, namedScores(header).name, part => scoreText(header, part, 2)));
  }
}
