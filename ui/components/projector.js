// A light background for the wall, whatever the system prefers. Streamlit offers a script no switch of the theme, but it asks
// the system again after printing; while it does, we answer for the system. Who chose a theme in the menu keeps it.
const QUESTION = '(prefers-color-scheme: dark)';

export class Projector {
  constructor() {
    this.on = false;
  }

  set(on) {
    if (on === this.on) return;
    this.on = on;
    const ask = window.matchMedia;
    if (on) window.matchMedia = query => (query === QUESTION ? { matches: false } : ask.call(window, query));
    try {
      window.dispatchEvent(new Event('afterprint'));
    } finally {
      window.matchMedia = ask;
    }
  }
}
