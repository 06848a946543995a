// What every panel of the live view can do. A panel overrides what it needs; ./index.js lists all of them.
import { build } from '../../shared/dom.js';

export class Panel {
  /** name: of the saved picture, and of the panel's element. */
  constructor(name, title) {
    this.name = name;
    this.title = build('h3', 'live-title', title);
    this.head = build('div', 'live-head', this.title);
    this.element = build('section', 'live-panel', this.head);
  }

  /** New data from Python. */
  configure(_data) {}

  /** Another data set or another network. */
  rebuild(_header) {}

  /** The learning curve has grown. */
  takeHistory(_history) {}

  /** Shows a frame; arrays: the latest of each name since the last rebuild. Called at most ten times per second. */
  show(_header, _arrays) {}

  /** Says in a sentence for screen readers what is shown. */
  describe(_header) {}

  setTheme(_theme) {}

  /**
   * What the save menu writes to a file; back() -> the page's background.
   * @returns {any}
   */
  pictureSource(_back) {
    return null;
  }

  close() {}
}
