// A slider that is being dragged: Streamlit tells its value when it is let go, the network may hear of it before.
export class Drag {
  /** tell(field, value) is called at each new value on the way. */
  constructor(tell) {
    this.tell = tell;
    this.previews = {}; // field -> text at the thumb of its slider -> value; from ui/kit/widgets.py
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
    this.values = this.previews[name];
    this.field = name;
    this.thumb = this.values ? widget.querySelector('[role=slider], input[type=range]') : null;
    this.told = this.thumb?.getAttribute('aria-valuetext');
  }

  follow() {
    if (!this.thumb) return;
    requestAnimationFrame(() => { // the slider itself answers to the pointer first
      const text = this.thumb?.getAttribute('aria-valuetext');
      if (!text || text === this.told) return;
      this.told = text;
      const value = this.values[text];
      if (value !== undefined) this.tell(this.field, value);
    });
  }

  close() {
    for (const [name, listener] of Object.entries(this.listeners)) document.removeEventListener(name, listener, true);
  }
}
