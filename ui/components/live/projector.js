// A light theme for a projector, whatever the system prefers. Streamlit has no function that switches the theme, but it
// reads the system's preference again after printing; at that moment the query is answered here. A theme chosen in
// Streamlit's menu stays.
const DARK_QUERY = '(prefers-color-scheme: dark)';

export class Projector {
  constructor() {
    this.on = false;
  }

  set(on) {
    if (on === this.on) return;
    this.on = on;
    const matchMedia = window.matchMedia;
    if (on) window.matchMedia = query => (query === DARK_QUERY ? /** @type {MediaQueryList} */ ({ matches: false }) : matchMedia.call(window, query));
    try {
      window.dispatchEvent(new Event('afterprint'));
    } finally {
      window.matchMedia = matchMedia;
    }
  }
}
