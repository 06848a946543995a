// A Streamlit component without a picture: keyboard shortcuts of a page that has no live view.
import { Keys } from '../shared/keys.js';

const listeners = new WeakMap();

/** data: the table of keys. Called again when it changes. */
export default function ({ parentElement, data }) {
  if (!listeners.has(parentElement)) listeners.set(parentElement, new Keys());
  const keys = listeners.get(parentElement);
  keys.table = data;
  return () => setTimeout(() => { // Streamlit also calls this when only its wiring changes
    if (parentElement.isConnected || !listeners.delete(parentElement)) return;
    keys.close();
  });
}
