// A slider that is being dragged: Streamlit reports its value when it is released, the network follows it before.
import { PREVIEWED_FIELDS } from '../shared/protocol.js';

/** The previewed field that a widget with this class name belongs to, or undefined. */
export function previewedField(className) {
  const [, name] = className.match(/\bst-key-field_(\w+)/) ?? [];
  return PREVIEWED_FIELDS.find(field => field === name);
}

const SIGN_MS = 1000; // without a sign for PREVIEW_S in lab/server/run_record.py, the server undoes a preview

export class DragPreview {
  /** preview(field, value) is called at each new value during a drag. */
  constructor(preview) {
    this.preview = preview;
    /** @type {Record<string, Record<string, number>>} field -> text at its thumb -> value; from ui/kit/widgets.py */
    this.values = {};
    this.listeners = {
      pointerdown: event => this.begin(event.target),
      pointermove: () => this.follow(),
      pointerup: () => this.end(),
      pointercancel: () => this.end(),
    };
    for (const [name, listener] of Object.entries(this.listeners)) document.addEventListener(name, listener, true);
  }

  get isDragging() {
    return Boolean(this.thumb);
  }

  begin(target) {
    this.end();
    const widget = target.closest?.('[class*=st-key-field_]');
    this.field = widget ? previewedField(widget.className) : undefined;
    this.thumb = this.field ? widget.querySelector('[role=slider], input[type=range]') : null;
    this.sent = this.thumb?.getAttribute('aria-valuetext');
    if (this.thumb) this.signs = setInterval(() => this.last && this.preview(...this.last), SIGN_MS);
  }

  /** Released: Streamlit reports the value. */
  end() {
    clearInterval(this.signs);
    this.thumb = this.last = null;
  }

  follow() {
    if (!this.thumb) return;
    requestAnimationFrame(() => { // after the slider itself has followed the pointer, on a busy page one frame later
      this.look();
      requestAnimationFrame(() => this.look());
    });
  }

  look() {
    const text = this.thumb?.getAttribute('aria-valuetext');
    if (!text || !this.field || text === this.sent) return;
    this.sent = text;
    const value = this.values[this.field]?.[text];
    if (value === undefined) return;
    this.last = [this.field, value];
    this.preview(this.field, value);
  }

  close() {
    this.end();
    for (const [name, listener] of Object.entries(this.listeners)) document.removeEventListener(name, listener, true);
  }
}
