// A slider that is being dragged: Streamlit reports its value when it is released, the network follows it before.
import { PREVIEWED_FIELDS } from '../shared/protocol.js';

/** The number that the text of a slider's thumb means: 0.03, 25% or all. */
export function sliderValue(text) {
  if (text === 'all') return 0;
  return text.endsWith('%') ? parseFloat(text) / 100 : parseFloat(text);
}

/** The previewed field that a widget with this class name belongs to, or undefined. */
export function previewedField(className) {
  const [, name] = className.match(/\bst-key-field_(\w+)/) ?? [];
  return PREVIEWED_FIELDS.find(field => field === name);
}

export class DragPreview {
  /** preview(field, value) is called at each new value during a drag. */
  constructor(preview) {
    this.preview = preview;
    this.listeners = {
      pointerdown: event => this.begin(event.target),
      pointermove: () => this.follow(),
      pointerup: () => (this.thumb = null),
      pointercancel: () => (this.thumb = null),
    };
    for (const [name, listener] of Object.entries(this.listeners)) document.addEventListener(name, listener, true);
  }

  begin(target) {
    const widget = target.closest?.('[class*=st-key-field_]');
    this.field = widget ? previewedField(widget.className) : undefined;
    this.thumb = this.field ? widget.querySelector('[role=slider], input[type=range]') : null;
    this.sent = this.thumb?.getAttribute('aria-valuetext');
  }

  follow() {
    if (!this.thumb) return;
    requestAnimationFrame(() => { // after the slider itself has followed the pointer
      const text = this.thumb?.getAttribute('aria-valuetext');
      if (!text || text === this.sent) return;
      this.sent = text;
      const value = sliderValue(text);
      if (Number.isFinite(value)) this.preview(this.field, value);
    });
  }

  close() {
    for (const [name, listener] of Object.entries(this.listeners)) document.removeEventListener(name, listener, true);
  }
}
