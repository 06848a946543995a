import assert from 'node:assert/strict';
import test from 'node:test';
import { MAP_MARGIN, drawnParts, mapScale, markStyle, marksErrors, roundTicks } from '../../ui/components/live/map/marks.js';
import { byteAt, describeByte } from '../../ui/components/live/map/decision_map.js';

test('the corners of the plane are the corners of the map', () => {
  const scale = mapScale(438, [-6, 6]);
  assert.equal(scale.across(-6), MAP_MARGIN.left);
  assert.equal(scale.across(6), 438 - MAP_MARGIN.right);
  assert.equal(scale.up(6), MAP_MARGIN.top);
  assert.equal(scale.up(-6), 438 - MAP_MARGIN.bottom);
});

test('a place on the screen and its point in the plane match', () => {
  const scale = mapScale(321, [-1.5, 2.5]);
  const [x, y] = scale.back(scale.across(0.7), scale.up(-1.1));
  assert.ok(Math.abs(x - 0.7) < 1e-9 && Math.abs(y + 1.1) < 1e-9);
});

test('the edge belongs to the plane, points beyond it do not', () => {
  const { holds } = mapScale(300, [-6, 6]);
  assert.ok(holds(-6, 6));
  assert.ok(!holds(6.01, 0));
  assert.ok(!holds(0, -6.01));
});

test('ticks are round numbers within the range', () => {
  assert.deepEqual(roundTicks(-6, 6), [-6, -4, -2, 0, 2, 4, 6]);
  assert.deepEqual(roundTicks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(roundTicks(-0.3, 0.3), [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]);
  assert.deepEqual(roundTicks(0, 5000), [0, 1000, 2000, 3000, 4000, 5000]);
});

const POINTS = { points_train: 'a', labels_train: 'b', points_test: 'c', labels_test: 'd' };
const PREDICTIONS = { train_prediction: 'e', wrong_train: 'f', validation_prediction: 'g', wrong_validation: 'h', test_prediction: 'i', wrong: 'j' };

test('each part is drawn with its own predictions, training points on top', () => {
  const points = { ...POINTS, points_validation: 'k', labels_validation: 'l' };
  assert.deepEqual(drawnParts(points, PREDICTIONS, true), [
    { part: 'test', points: 'c', labels: 'd', predicted: 'i', wrong: 'j' },
    { part: 'validation', points: 'k', labels: 'l', predicted: 'g', wrong: 'h' },
    { part: 'train', points: 'a', labels: 'b', predicted: 'e', wrong: 'f' },
  ]);
});

test('hidden test points leave the validation points on the map', () => {
  const parts = (points, showTest) => drawnParts(points, {}, showTest).map(({ part }) => part);
  assert.deepEqual(parts({ ...POINTS, points_validation: 'k' }, false), ['validation', 'train']);
  assert.deepEqual(parts(POINTS, true), ['test', 'train']);
  assert.deepEqual(parts({ points_train: 'a', labels_train: 'b' }, true), ['train']);
});

const errors = (...counts) => counts.map(count => ({ wrong: new Uint8Array(100).fill(1, 0, count) }));
const PAUSED = { status: 'paused', epoch: 3 };

test('errors are marked by themselves while the run rests and they are few', () => {
  assert.ok(marksErrors('auto', PAUSED, errors(30, 9)));
  assert.ok(!marksErrors('auto', PAUSED, errors(30, 10)));
  assert.ok(!marksErrors('auto', { ...PAUSED, status: 'running' }, errors(1)));
  assert.ok(!marksErrors('auto', { ...PAUSED, epoch: 0 }, errors(1)));
});

test('errors are marked always or never on request', () => {
  assert.ok(marksErrors('always', { status: 'running', epoch: 0 }, errors(100)));
  assert.ok(!marksErrors('never', PAUSED, errors(1)));
});

test('numbers have no errors to mark', () => {
  for (const option of ['auto', 'always', 'never']) assert.ok(!marksErrors(option, PAUSED, [{ wrong: undefined }]));
});

const THEME = { name: 'light', text: '#31333f' };

test('training points are full and larger than the hollow test points', () => {
  const [train, test, validation] = ['train', 'test', 'validation'].map(part => markStyle(part, false, THEME));
  assert.equal(train.fill, 'class');
  assert.ok(train.size > test.size);
  assert.ok(test.fill !== 'class' && test.line > 0);
  assert.deepEqual([train, test, validation].map(({ dot }) => dot), [false, false, true]);
});

test('a ring around an error hides neither class nor part', () => {
  for (const part of ['train', 'test', 'validation']) {
    const [right, wrong] = [false, true].map(isWrong => markStyle(part, isWrong, THEME));
    assert.deepEqual({ ...wrong, rim: right.rim, rimWidth: right.rimWidth }, right);
    assert.equal(wrong.rim, THEME.text);
    assert.notEqual(right.rim, THEME.text);
  }
});

test('a target near zero has a rim that its pale region lacks', () => {
  for (const part of ['train', 'test']) assert.notEqual(markStyle(part, false, THEME, false).rim, markStyle(part, false, THEME).rim);
});

const BYTES = Uint8Array.of(0, 1, 2, 3); // the top row first

test('the top row of the bytes is the upper end of the plane', () => {
  assert.equal(byteAt(BYTES, [-1, 1], -0.5, 0.5), 0);
  assert.equal(byteAt(BYTES, [-1, 1], 0.5, 0.5), 1);
  assert.equal(byteAt(BYTES, [-1, 1], 0.5, -0.5), 3);
});

test('the upper edge of the plane belongs to its last cells', () => {
  assert.equal(byteAt(BYTES, [-1, 1], 1, 1), 1);
  assert.equal(byteAt(BYTES, [-1, 1], -1, -1), 2);
});

const TWO = { classes: ['orange', 'blue'], encoding: 'value', unit: '' };

test('a byte of two classes is a class and how sure it is', () => {
  assert.equal(describeByte(1, TWO), 'orange, 100 % sure');
  assert.equal(describeByte(128, TWO), 'blue, 50 % sure');
  assert.equal(describeByte(255, TWO), 'blue, 100 % sure');
});

test('a byte of several classes has chance level at confidence zero', () => {
  const four = { classes: ['a', 'b', 'c', 'd'], encoding: 'class', unit: '' };
  assert.equal(describeByte((2 << 5) | 0, four), 'c, 25 % sure');
  assert.equal(describeByte((3 << 5) | 31, four), 'd, 100 % sure');
});

test('a byte of a unit or of a regression is a value', () => {
  assert.equal(describeByte(1, { ...TWO, unit: 'neuron 1.2' }), 'neuron 1.2 −1.00');
  assert.equal(describeByte(255, { classes: [], encoding: 'value', unit: '' }), 'output 1.00');
});
