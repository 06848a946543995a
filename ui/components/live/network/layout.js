// Places in the network diagram: columns of tiles from left to right, links between them. Functions of plain numbers, in
// CSS pixels.

const TILE = 38; // side of a tile, if it fits; larger in a high diagram
const PITCH = 46; // from tile to tile, likewise
const LOW = 480; // height in CSS pixels up to which tiles have that side
const LARGEST = 1.6; // times that side
const COLUMN_PITCH = 78; // least distance from column to column
const LABEL_WIDTH = 58; // names of the features, left of their tiles
const HEAD_HEIGHT = 72; // titles, buttons and the name of the activation
const FOOT_HEIGHT = 8; // below the last tile, for its bias
const MORE_HEIGHT = 18; // "+48 more" under a column
const OUTPUT_SIDE = 16; // an output, beside the map
const OUTPUT_INSET = 60; // by which the outputs' column is shorter than the others
const LINK_REACH = 7; // distance from a link at which a pointer still hits it

/**
 * @typedef {import('../../shared/protocol.js').NetworkHeader} NetworkHeader
 * @typedef {{ center: number, side: number, ys: number[], hidden: number, left: number, right: number, bottom: number }} Column
 * @typedef {{
 *   width: number, height: number, features: Column, columns: Column[], offsets: number[], starts: number[],
 *   sizes: number[], rows: number[],
 * }} Layout
 * @typedef {{ layer: number, from: number, to: number }} Link
 * @typedef {{ layer: number, unit: number }} Place a unit: its column, and its row there
 */

/** The smallest width in which nothing overlaps. */
export function minimumWidth(network) {
  return LABEL_WIDTH + TILE + COLUMN_PITCH * (network.sizes.length - 1);
}

function column(count, hidden, center, available, size, middle = false) {
  const pitch = Math.min(Math.max(PITCH, PITCH * size / TILE), (available - (hidden ? MORE_HEIGHT : 0)) / Math.max(1, count));
  const side = Math.min(size, Math.floor(pitch - 4));
  const top = HEAD_HEIGHT + (middle ? (available - pitch * count) / 2 : 0);
  const ys = Array.from({ length: count }, (_, i) => top + pitch * (i + 0.5));
  return { center, side, ys, hidden, left: center - side / 2, right: center + side / 2, bottom: top + pitch * count };
}

/**
 * Lays out a network. `features` is the column of all features; columns[0] has those that are switched on, then come the
 * hidden layers and last the outputs; `offsets[l]` is where the weights of dense layer l begin and `starts[l]` where its
 * biases do.
 * @param {NetworkHeader} network
 * @returns {Layout}
 */
export function layOut(network, width, height) {
  const { sizes, shown, features: on, all_features: all } = network;
  const available = height - HEAD_HEIGHT - FOOT_HEIGHT;
  const tile = TILE * Math.min(LARGEST, Math.max(1, height / LOW));
  const last = sizes.length - 1;
  const first = LABEL_WIDTH + TILE / 2;
  const center = l => first + (width - OUTPUT_SIDE - first) * l / last;
  const features = column(all.length, 0, first, available, tile);
  const rows = on.map(name => all.findIndex(([other]) => other === name));
  const columns = shown.map((count, l) => {
    if (l === 0) return { ...features, ys: rows.map(row => features.ys[row]), hidden: 0 };
    if (l === last) return column(count, sizes[l] - count, center(l), available - OUTPUT_INSET, OUTPUT_SIDE, true);
    return column(count, sizes[l] - count, center(l), available, tile);
  });
  const offsets = [0];
  const starts = [0];
  for (let l = 0; l < last; l++) {
    offsets.push(offsets[l] + sizes[l] * sizes[l + 1]);
    starts.push(starts[l] + sizes[l + 1]);
  }
  return { width, height, features, columns, offsets, starts, sizes, rows };
}

/** Index in `weights` of the link from unit i to unit j of dense layer l. */
export function weightIndex(layout, l, i, j) {
  return layout.offsets[l] + i * layout.sizes[l + 1] + j;
}

/** Whether a unit is on a path through the unit at `place`: all are but its neighbors in the column; all if it is null. */
export function isOnPath(place, layer, unit) {
  return !place || layer !== place.layer || unit === place.unit;
}

/** Share of a link's height that it has covered at x; the curve is the same for all links between two columns. */
export function linkRise(from, to, x) {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 20; i++) {
    const t = (low + high) / 2;
    const reached = from + (to - from) * (1.5 * t * (1 - t) + t ** 3);
    if (reached < x) low = t;
    else high = t;
  }
  return low * low * (3 - 2 * low);
}

/**
 * The link under a point, or null.
 * @param {Layout} layout
 * @returns {Link | null}
 */
export function linkAt(layout, x, y) {
  const { columns } = layout;
  const layer = columns.findIndex((left, l) => l + 1 < columns.length && x > left.right && x < columns[l + 1].left);
  if (layer < 0) return null;
  const [left, right] = [columns[layer], columns[layer + 1]];
  const share = linkRise(left.right, right.left, x);
  let nearest = null;
  let distance = LINK_REACH;
  left.ys.forEach((start, from) => right.ys.forEach((end, to) => {
    const away = Math.abs(start + (end - start) * share - y);
    if (away < distance) [nearest, distance] = [{ layer, from, to }, away];
  }));
  return nearest;
}
