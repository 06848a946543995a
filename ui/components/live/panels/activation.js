// The activation function of the first hidden layer, or the output function without one, and its derivative.
import { ChartPanel } from './chart.js';
import { INK, QUIET } from '../../shared/palette.js';
import { build, setText } from '../../shared/dom.js';

export class ActivationPanel extends ChartPanel {
  constructor() {
    super('activation', 'Activation', [INK, QUIET]);
    this.addKey({ thick: 'f(z)', dashed: 'derivative' });
  }

  configure(data) {
    super.configure(data);
    const name = data.figures?.activation?.layout?.meta?.name;
    if (name === this.activation) return;
    this.activation = name;
    this.title.replaceChildren(build('span', name ? 'live-hidden' : '', 'Activation'), name ? ` ${name}` : '');
  }

  describe() {
    setText(this.sentence, `${this.activation ?? 'The activation function'} and its derivative over z.`);
  }
}
