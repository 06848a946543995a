// A slider that is being dragged: Streamlit tells its value when it is let go, the network may hear of it before.
const FIELDS = ['learning_rate', 'batch_size', 'l1', 'l2', 'noise', 'train_share', 'label_noise', 'outliers', 'balance'];

/** What the text at a thumb means: 0.03, 25% or all. */
export function meaning(text) {
  if (text === 'all') return 0;
  return text.endsWith('%') ? parseFloat(text) / 100 : parseFloat(text);
}

export class Drag {
  /** tell(field, value) is called at each new value on the way. */
  constructor(tell) {
    this.tell = tell;
    this.listeners = {
      pointerdown: event => this.take(event.target),
      pointermove: () => this.follow(),
      pointerup: () => (this.thumb = null),
      pointercancel: () => (this.thumb = null),
    };
    for (const [name, listener] of Object.entries(this.listeners)) document.addEventListener(name, listener, true);
  }

  take(target) {
    const widget = target.closest?.('[class*=st-key-field_]');
    const [, name] = widget?.className.match(/\bst-key-field_(\w+)/) ?? [];
    this.field = FIELDS.find(field => field === name);
    this.thumb = this.field ? widget.querySelector('[role=slider], input[type=range]') : null;
    this.told = this.thumb?.getAttribute('aria-valuetext');
  }

  follow() {
    if (!this.thumb) return;
    requestAnimationFrame(() => { // the slider itself answers to the pointer first
      const text = this.thumb?.getAttribute('aria-valuetext');
      if (!text || text === this.told) return;
      this.told = text;
      const value = meaning(text);
      if (Number.isFinite(value)) this.tell(this.field, value);
    });
  }

  close() {
    for (const [name, listener] of Object.entries(this.listeners)) document.removeEventListener(name, listener, true);
  }
}
