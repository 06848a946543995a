// Where everything in the network diagram stands: columns of tiles from left to right, links between them. Pure numbers.

export const MAP_SIDE = 25; // pixels of a neuron's or feature's own map
const TILE = 38; // CSS pixels of a tile where there is room
const PITCH = 46; // from tile to tile
const LABEL_WIDTH = 58; // names of the features, left of their tiles
const HEAD_HEIGHT = 72; // titles, buttons and the name of the activation
const FOOT_HEIGHT = 8; // below the last tile, for its bias
const MORE_HEIGHT = 18; // "+48 more" under a column
const PORT = 16; // an output, beside the big map
const REACH = 7; // how far from a link a pointer may be

/** The least width in which nothing overlaps. */
export function leastWidth(network) {
  return LABEL_WIDTH + TILE + 84 * (network.sizes.length - 1);
}

function column(count, hidden, center, room, size = TILE, middle = false) {
  const pitch = Math.min(PITCH, (room - (hidden ? MORE_HEIGHT : 0)) / Math.max(1, count));
  const side = Math.min(size, Math.floor(pitch - 4));
  const top = HEAD_HEIGHT + (middle ? (room - pitch * count) / 2 : 0);
  const ys = Array.from({ length: count }, (_, i) => top + pitch * (i + 0.5));
  return { center, side, ys, hidden, left: center - side / 2, right: center + side / 2, bottom: top + pitch * count };
}

/**
 * network: the header's record. Returns {features, columns, offsets, starts}: `features` is the column of all features,
 * columns[0] the rows of it that are switched on, then the hidden layers, last the outputs; `offsets[l]` is where the
 * weights of Dense layer l begin and `starts[l]` where its biases do.
 */
export function layOut(network, width, height) {
  const { sizes, shown, features: on, all_features: all } = network;
  const room = height - HEAD_HEIGHT - FOOT_HEIGHT;
  const last = sizes.length - 1;
  const first = LABEL_WIDTH + TILE / 2;
  const center = l => first + (width - PORT - first) * l / last;
  const features = column(all.length, 0, first, room);
  const rows = on.map(name => all.findIndex(([other]) => other === name));
  const columns = shown.map((count, l) => {
    if (l === 0) return { ...features, ys: rows.map(row => features.ys[row]), hidden: 0 };
    if (l === last) return column(count, sizes[l] - count, center(l), room - 60, PORT, true);
    return column(count, sizes[l] - count, center(l), room);
  });
  const offsets = [0];
  const starts = [0];
  for (let l = 0; l < last; l++) {
    offsets.push(offsets[l] + sizes[l] * sizes[l + 1]);
    starts.push(starts[l] + sizes[l + 1]);
  }
  return { width, height, features, columns, offsets, starts, sizes, rows };
}

/** Where in `weights` the link from unit i to unit j of Dense layer l stands. */
export function weightIndex(layout, l, i, j) {
  return layout.offsets[l] + i * layout.sizes[l + 1] + j;
}

/** The share of a link's way up or down that it has gone at x; its curve is the same for all links between two columns. */
function rise(from, to, x) {
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

/** The link under a point, as {layer, from, to}, or null. */
export function linkAt(layout, x, y) {
  const { columns } = layout;
  const layer = columns.findIndex((left, l) => l + 1 < columns.length && x > left.right && x < columns[l + 1].left);
  if (layer < 0) return null;
  const [left, right] = [columns[layer], columns[layer + 1]];
  const share = rise(left.right, right.left, x);
  let nearest = null;
  let distance = REACH;
  left.ys.forEach((start, from) => right.ys.forEach((end, to) => {
    const away = Math.abs(start + (end - start) * share - y);
    if (away < distance) [nearest, distance] = [{ layer, from, to }, away];
  }));
  return nearest;
}
