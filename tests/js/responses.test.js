import assert from 'node:assert/strict';
import test from 'node:test';
import { bandPath, describe, linePath, nearest, placesOf, rangeOf, shapesOf } from '../../ui/components/live/responses/layout.js';

const POINTS = [[0.6, 0.7, 0.8, 0, 5], [0.1, 0.2, 0.3, 0, 5], null, [0.2, 0.4, null, 2, 5], [null, null, null, 5, 5]];
const RATE = {
  label: 'Learning rate', texts: ['0.01', '0.03', '0.1', '1', '10'], values: [0.01, 0.03, 0.1, 1, 10], points: POINTS, present: 1, best: 1,
  part: 'test', figure: 'loss', ordered: true, runs: 25, places: 5, total: 25, serial: 1, version: '1', problem: '', epochs: 100, waits: false, seconds: 0, sentence: '',
};

test('the first and the last value are below the ends of the slider', () => {
  assert.deepEqual(placesOf(5, true, 8, 100), [8, 33, 58, 83, 108]);
  assert.deepEqual(placesOf(1, true, 8, 100), [58]);
});

test('the values of a menu are side by side', () => {
  assert.deepEqual(placesOf(4, false, 0, 100), [12.5, 37.5, 62.5, 87.5]);
});

test('the pointer means the nearest value', () => {
  assert.deepEqual([-5, 20, 21, 500].map(x => nearest([8, 33, 58], x)), [0, 0, 1, 2]);
});

const run = loss => [loss, loss, loss, 0, 1];

test('a curve fills its height, unless its losses are almost equal', () => {
  assert.deepEqual(rangeOf(POINTS, 'loss', true), [0.1, 0.8]);
  assert.deepEqual(rangeOf([run(0.98), run(1)], 'loss', true), [0.8, 1]);
});

test('bars begin at zero', () => {
  assert.deepEqual(rangeOf(POINTS, 'loss', false), [0, 0.8]);
});

test('a loss far above the others is cut', () => {
  assert.deepEqual(rangeOf([run(1), run(2), run(90)], 'loss', false), [0, 8]);
  assert.deepEqual(rangeOf([null, [null, null, null, 1, 1]], 'loss', true), [0, 1]);
});

test('scores are drawn on the whole of their scale', () => {
  assert.deepEqual(rangeOf([[0.9, 0.95, 1, 0, 5]], 'accuracy', true), [0, 1]);
  assert.deepEqual(rangeOf([[-9, -0.5, 1, 0, 5]], 'R²', true), [-0.5, 1]);
});

const PLACES = placesOf(5, true, 0, 100);

test('a lower loss is drawn lower, and a gap divides the line', () => {
  const { marks, stretches } = shapesOf(RATE, PLACES, 28);
  assert.ok(marks[0].y < marks[1].y);
  assert.deepEqual([marks[2], marks[4]], [null, null]);
  assert.deepEqual(stretches.map(stretch => stretch.map(({ x }) => x)), [[0, 25]]);
});

test('a value of which runs diverged has a zone around its place', () => {
  const { zones } = shapesOf(RATE, PLACES, 28);
  assert.deepEqual(zones, [{ x: 62.5, width: 25, share: 0.4, isLost: false }, { x: 87.5, width: 25, share: 1, isLost: true }]);
});

test('a menu has bars and no line', () => {
  const { stretches, base, barWidth } = shapesOf({ ...RATE, ordered: false }, placesOf(5, false, 0, 100), 28);
  assert.deepEqual([stretches, base, barWidth], [[], 25, 12]);
});

test('a path goes through the medians, and a band around them', () => {
  const stretch = [{ x: 0, y: 5, top: 4, bottom: 6 }, { x: 10, y: 8, top: 7, bottom: 9 }];
  assert.equal(linePath(stretch), 'M0.0 5.0L10.0 8.0');
  assert.equal(bandPath(stretch), 'M0.0 4.0L10.0 7.0L10.0 9.0L0.0 6.0Z');
});

test('a value is described with its result, and what is not known is said', () => {
  assert.deepEqual(describe(RATE, 1), ['Learning rate 0.03 (yours)', 'test loss 0.2000', 'middle half: 0.1000 to 0.3000', 'median of 5 runs']);
  assert.deepEqual(describe(RATE, 3), ['Learning rate 1', 'test loss 0.4000', '2 of 5 diverged']);
  assert.deepEqual(describe(RATE, 4), ['Learning rate 10', '5 of 5 diverged']);
  assert.equal(describe(RATE, 2)[1], 'does not fit the other settings');
  assert.equal(describe({ ...RATE, runs: 3 }, 2)[1], 'not trained yet');
});
