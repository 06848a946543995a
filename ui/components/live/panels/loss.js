// The loss of the training, the test and any validation data over the epochs.
import { ChartPanel } from './chart.js';
import { TEST, TRAIN, VALIDATION } from '../../shared/palette.js';
import { formatNumber, partSentence } from '../../shared/format.js';
import { setText } from '../../shared/dom.js';

export class LossPanel extends ChartPanel {
  constructor() {
    super('loss', 'Loss', [TRAIN, TEST, VALIDATION]);
    this.addKey({ thin: 'train', thick: 'test', validation: 'validation' });
    this.addSmoothSwitch('Smooth the loss');
    this.addLogSwitch();
  }

  takeHistory(history) {
    this.setSeries(history.loss);
  }

  describe(header) {
    setText(this.sentence, `${partSentence(header, 'loss', part => formatNumber(header[`${part}_loss`], 3))} ${header.loss_note}`);
    this.head.title = header.loss_note;
  }
}
