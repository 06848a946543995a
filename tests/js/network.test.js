import assert from 'node:assert/strict';
import test from 'node:test';
import { columnHeights, columnNames } from '../../ui/components/live/network/outline.js';
import { isOnPath, layOut, linkAt, linkRise, minimumWidth, weightIndex } from '../../ui/components/live/network/layout.js';
import { LinkPainter, curveTable, linkStyle } from '../../ui/components/live/network/weight_lines.js';

const ALL = [['x1', 'x1'], ['x2', 'x2'], ['x1^2', 'x1²'], ['x2^2', 'x2²']];
const NETWORK = { sizes: [2, 4, 3, 1], shown: [2, 4, 3, 1], features: ['x1', 'x1^2'], all_features: ALL };
const WIDTH = 500;
const HEIGHT = 400;
const layout = layOut(NETWORK, WIDTH, HEIGHT);

test('columns go from left to right without overlapping', () => {
  const { columns } = layout;
  assert.equal(columns.length, 4);
  columns.slice(1).forEach((column, l) => assert.ok(column.left > columns[l].right));
  assert.ok(columns.at(-1).right <= WIDTH);
});

test('at the minimum width columns do not overlap either', () => {
  const { columns } = layOut(NETWORK, minimumWidth(NETWORK), HEIGHT);
  columns.slice(1).forEach((column, l) => assert.ok(column.left > columns[l].right));
});

test('the first column has the rows of the features that are on', () => {
  assert.deepEqual(layout.rows, [0, 2]);
  assert.deepEqual(layout.columns[0].ys, [layout.features.ys[0], layout.features.ys[2]]);
});

test('the tiles of a column have equal distances and fit the height', () => {
  const { ys, side } = layOut({ ...NETWORK, sizes: [2, 16, 1], shown: [2, 16, 1] }, WIDTH, HEIGHT).columns[1];
  const pitches = ys.slice(1).map((y, i) => y - ys[i]);
  pitches.forEach(pitch => assert.ok(Math.abs(pitch - pitches[0]) < 1e-9));
  assert.ok(side < pitches[0]);
  assert.ok(ys.at(-1) + side / 2 <= HEIGHT);
});

test('units that are not drawn leave space for the text below', () => {
  const full = layOut({ ...NETWORK, sizes: [2, 16, 1], shown: [2, 16, 1] }, WIDTH, HEIGHT).columns[1];
  const cut = layOut({ ...NETWORK, sizes: [2, 64, 1], shown: [2, 16, 1] }, WIDTH, HEIGHT).columns[1];
  assert.deepEqual([full.hidden, cut.hidden], [0, 48]);
  assert.equal(Math.round(full.bottom - cut.bottom), 18);
});

test('weights and biases are counted layer by layer', () => {
  assert.deepEqual(layout.offsets, [0, 8, 20, 23]);
  assert.deepEqual(layout.starts, [0, 4, 7, 8]);
  assert.equal(weightIndex(layout, 1, 2, 1), 8 + 2 * 3 + 1);
});

test('undrawn units still count in the index of a weight', () => {
  const wide = layOut({ ...NETWORK, sizes: [2, 64, 1], shown: [2, 16, 1] }, WIDTH, HEIGHT);
  assert.equal(weightIndex(wide, 0, 1, 3), 64 + 3);
});

test('a link starts flat, ends flat and rises half in the middle', () => {
  assert.ok(linkRise(0, 100, 0) < 1e-6);
  assert.ok(Math.abs(linkRise(0, 100, 50) - 0.5) < 1e-5);
  assert.ok(linkRise(0, 100, 100) > 1 - 1e-6);
});

test('a point on a link finds it', () => {
  const [left, right] = layout.columns;
  const x = (left.right + right.left) / 2;
  for (const [from, to] of [[0, 0], [1, 3]]) {
    assert.deepEqual(linkAt(layout, x, (left.ys[from] + right.ys[to]) / 2), { layer: 0, from, to });
  }
});

test('a point away from all links, or on a tile, finds none', () => {
  const [left, right] = layout.columns;
  assert.equal(linkAt(layout, (left.right + right.left) / 2, 5), null);
  assert.equal(linkAt(layout, left.center, left.ys[0]), null);
  assert.equal(linkAt(layout, layout.columns.at(-1).right + 1, left.ys[0]), null);
});

test('larger weights have wider and stronger links', () => {
  const styles = [0, 0.1, 1, 5, 1000].map(linkStyle);
  styles.slice(1).forEach((style, i) => {
    assert.ok(style.half > styles[i].half);
    assert.ok(style.opacity >= styles[i].opacity);
  });
  assert.ok(styles.at(-1).half <= 2.75);
  assert.ok(styles.at(-1).opacity <= 1);
});

test('a link is painted where the pointer finds it', () => {
  const { first, shares } = curveTable(40, 140, 1);
  [0, 20, 50, 99].forEach(i => assert.ok(Math.abs(shares[i] - linkRise(40, 140, first + i + 0.5)) < 1e-4));
});

test('only the neighbors in its column are off the paths of a unit', () => {
  const place = { layer: 1, unit: 2 };
  assert.deepEqual([0, 1, 2, 3].map(unit => isOnPath(place, 1, unit)), [false, false, true, false]);
  assert.ok([0, 2, 3].every(layer => isOnPath(place, layer, 0)));
  assert.ok(isOnPath(null, 1, 0));
});

/** Each link's opacity, by layer and ends, as it is painted while `place` is pointed at. */
function paintedOpacities(place) {
  const painter = new LinkPainter();
  const found = {};
  painter.resize({ canvas: { width: WIDTH, height: HEIGHT }, createImageData: (width, height) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) }), putImageData() {} }, layout, 1);
  painter.paintLink = (table, start, end, weight, opacity) => {
    const layer = painter.tables.indexOf(table);
    const [from, to] = [layout.columns[layer].ys.indexOf(start), layout.columns[layer + 1].ys.indexOf(end)];
    found[[layer, from, to]] = opacity;
  };
  painter.paint(layout, new Float32Array(23).fill(1), null, place);
  return found;
}

test('pointing at a unit dims the links of its neighbors alone', () => {
  const opacities = paintedOpacities({ layer: 1, unit: 2 });
  const bright = Object.keys(opacities).filter(link => opacities[link] === 1);
  assert.deepEqual(bright, ['0,0,2', '0,1,2', '1,2,0', '1,2,1', '1,2,2', '2,0,0', '2,1,0', '2,2,0']);
  assert.ok(opacities['0,0,0'] < 0.2);
});

test('without a unit pointed at no link is dimmed', () => {
  const opacities = Object.values(paintedOpacities(null));
  assert.equal(opacities.length, 2 * 4 + 4 * 3 + 3);
  assert.ok(opacities.every(opacity => opacity === 1));
});

test('the outline of a network names its columns and draws a few circles of each', () => {
  const outline = { sizes: [30, 8, 1], activations: ['relu'] };
  assert.deepEqual(columnNames(outline, { relu: 'ReLU' }), ['30 inputs', '8 ReLU', '1 output']);
  const [inputs, hidden, output] = columnHeights(outline.sizes, 78);
  assert.deepEqual([inputs.length, hidden.length, output], [6, 6, [39]]);
  assert.equal(inputs[0] + inputs[5], 78); // around the middle
});
