// The loss of the training and the test data over the epochs.
import { ChartPanel } from './chart.js';
import { TEST, TRAIN } from '../../shared/palette.js';
import { evaluatedPart, formatNumber } from '../../shared/format.js';
import { setText } from '../../shared/dom.js';

export class LossPanel extends ChartPanel {
  constructor() {
    super('loss', 'Loss', [TRAIN, TEST]);
    this.addKey({ thin: 'train', thick: 'test' });
    this.addSmoothSwitch('Smooth the loss');
    this.addLogSwitch();
  }

  takeHistory(history) {
    this.setSeries(history.loss);
  }

  describe(header) {
    const { epoch, test_loss: test, train_loss: train } = header;
    setText(this.sentence, `Test loss ${formatNumber(test, 3)} after ${epoch} epochs, train loss${evaluatedPart(header)} ${formatNumber(train, 3)}.`);
  }
}
