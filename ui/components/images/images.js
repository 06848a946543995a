// The parts of the page Images, one component each, selected by `kind` in the header of the frame from Python.
import { unpack } from '../shared/frame.js';
import { Pictures, Weights } from './gallery.js';
import { Matrix } from './matrix.js';
import { Pad } from './pad.js';
import { readTheme } from '../shared/palette.js';
import { Readings } from './reading.js';

const KINDS = { pad: Pad, readings: Readings, matrix: Matrix, pictures: Pictures, weights: Weights };
const parts = new WeakMap();

/**
 * Shows the frame `data` (bytes); called again on every change of it. Returns the function that ends it: Streamlit also
 * calls that if the page stays and only its wiring changes, so a part lives as long as its root is on the page.
 */
export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector('.images');
  const { header, arrays } = unpack(data.slice().buffer); // a copy, so that the arrays are aligned
  if (!parts.has(root)) parts.set(root, new KINDS[header.kind](root));
  const part = parts.get(root);
  part.api = { setStateValue, setTriggerValue };
  root.dataset.kind = header.kind;
  part.show(header, arrays, readTheme(root).name);
  return () => setTimeout(() => {
    if (root.isConnected || !parts.delete(root)) return;
    part.close?.();
  });
}
