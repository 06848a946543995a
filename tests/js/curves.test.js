import assert from 'node:assert/strict';
import test from 'node:test';
import { apart, lineEnd, lineNames, lowestIndex, nameAnnotations, nameMargin } from '../../ui/components/live/panels/curve_marks.js';

const linear = (low, high, length, up = false) => ({
  type: 'linear', _length: length, d2p: value => (up ? high - value : value - low) / (high - low) * length,
});
const logarithmic = (low, high, length) => ({
  type: 'log', _length: length, d2p: value => (high - Math.log10(value)) / (high - low) * length,
});
const AXES = { xaxis: linear(0, 100, 200), yaxis: linear(0, 1, 100, true), font: { size: 12 } };
const EPOCHS = [0, 50, 100];
const trace = (name, y, x = EPOCHS) => ({ name, line: { color: `color of ${name}` }, x, y });

test('places that are apart stay where they are', () => {
  assert.deepEqual(apart([10, 50, 90], 14, 0, 100), [10, 50, 90]);
});

test('places that meet are moved apart in their order', () => {
  const moved = apart([50, 48, 50], 14, 0, 100);
  assert.deepEqual(moved, [36, 22, 50]);
});

test('at either end of the axis names stay inside', () => {
  assert.deepEqual(apart([100, 100], 14, 0, 90), [76, 90]);
  assert.deepEqual(apart([1, 1, 1], 14, 0, 90), [0, 14, 28]);
});

test('a line ends at its last known value', () => {
  const { x, y, across, place } = lineEnd(EPOCHS, [0.5, 0.25, NaN], AXES.xaxis, AXES.yaxis);
  assert.deepEqual([x, y, across, place], [50, 0.25, 100, 75]);
});

test('after a zoom a line ends where it leaves the chart', () => {
  assert.equal(lineEnd(EPOCHS, [0.5, 0.25, 0.1], linear(0, 60, 200), AXES.yaxis).x, 50);
  assert.equal(lineEnd(EPOCHS, [0.5, 0.25, 0.1], AXES.xaxis, linear(0.2, 1, 100, true)), null);
  assert.equal(lineEnd([], [], AXES.xaxis, AXES.yaxis), null);
});

test('a logarithmic axis names no line that ends at zero', () => {
  const yaxis = logarithmic(-3, 0, 90);
  assert.equal(lineEnd(EPOCHS, [1, 0.1, 0], AXES.xaxis, yaxis).y, 0.1);
  const [name] = lineNames([trace('test', [1, 0.1, 0.01])], { ...AXES, yaxis });
  assert.equal(nameAnnotations([name], { yaxis })[0].y, -2);
});

test('the names of lines that meet do not overlap', () => {
  const names = lineNames([trace('train', [1, 0.5, 0.3]), trace('test', [1, 0.5, 0.3])], AXES);
  assert.deepEqual(names.map(({ name, color }) => [name, color]), [['train', 'color of train'], ['test', 'color of test']]);
  assert.ok(Math.abs(names[0].shown - names[1].shown) >= 12);
  assert.equal(names[0].place, names[1].place);
});

test('a saved picture has the names where the screen has them', () => {
  const names = lineNames([trace('train', [1, 0.5, 0.3]), trace('test', [1, 0.5, 0.3])], AXES);
  const notes = nameAnnotations(names, AXES);
  notes.forEach(({ text, x, y, yshift }, i) => {
    assert.deepEqual([text, x, y], [names[i].name, 100, 0.3]);
    assert.equal(AXES.yaxis.d2p(y) - yshift, names[i].shown);
  });
});

test('longer names and larger letters need more margin', () => {
  assert.ok(nameMargin(['train', 'validation'], 12) > nameMargin(['train', 'test'], 12));
  assert.ok(nameMargin(['train', 'test'], 17) > nameMargin(['train', 'test'], 12));
});

test('the lowest known value is the best one, the first of equals', () => {
  assert.equal(lowestIndex(Float32Array.of(NaN, 0.5, 0.2, 0.2, NaN)), 2);
  assert.equal(lowestIndex([NaN, Infinity]), -1);
  assert.equal(lowestIndex([]), -1);
});
