// The accuracy, or R² for numbers, of the training and the test data over the epochs.
import { ChartPanel } from './chart.js';
import { REGRESSION } from '../../shared/protocol.js';
import { TEST, TRAIN } from '../../shared/palette.js';
import { evaluatedPart, namedScores, scoreText } from '../../shared/format.js';
import { setText } from '../../shared/dom.js';

export class AccuracyPanel extends ChartPanel {
  constructor() {
    super('accuracy', 'Accuracy', [TRAIN, TEST]);
    this.addKey({ thin: 'train', thick: 'test' });
    this.addSmoothSwitch('Smooth the accuracy');
  }

  rebuild(header) {
    setText(this.title, header.kind === REGRESSION ? 'R\u00b2' : 'Accuracy');
  }

  takeHistory(history) {
    this.setSeries(history.score);
  }

  describe(header) {
    const { name } = namedScores(header);
    const [test, train] = ['test', 'train'].map(part => scoreText(header, part, 2));
    setText(this.sentence, `Test ${name} ${test} after ${header.epoch} epochs. Train ${name}${evaluatedPart(header)} ${train}.`);
  }
}
