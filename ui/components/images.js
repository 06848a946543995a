// What the page of images shows, one part a component: {kind} of the frame that Python sends says which.
import { unpack } from './frame.js';
import { Pictures, Weights } from './gallery.js';
import { Matrix } from './matrix.js';
import { Pad } from './pad.js';
import { readTheme } from './palette.js';
import { Readings } from './reading.js';

const KINDS = { pad: Pad, readings: Readings, matrix: Matrix, pictures: Pictures, weights: Weights };
const parts = new WeakMap();

/**
 * Shows the frame `data` (bytes) in `root`; called again on every change of it. Returns the function that ends it: Streamlit
 * also calls that where the page stays and only its wiring changes, so a part lives as long as its root is on the page.
 */
export function mountImages(root, data, api) {
  const { header, arrays } = unpack(data.slice().buffer); // a buffer of its own, so that the arrays are aligned
  if (!parts.has(root)) parts.set(root, new KINDS[header.kind](root));
  const part = parts.get(root);
  part.api = api;
  root.dataset.kind = header.kind;
  part.show(header, arrays, readTheme(root).name);
  return () => setTimeout(() => {
    if (root.isConnected || !parts.delete(root)) return;
    part.close?.();
  });
}
