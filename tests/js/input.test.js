import assert from 'node:assert/strict';
import test, { mock } from 'node:test';
import { MAX_WEIGHT, PREVIEWED_FIELDS } from '../../ui/components/shared/protocol.js';
import { isValidWeight, shortNumber } from '../../ui/components/live/network/weight_editor.js';
import { lastAvailableClass } from '../../ui/components/live/drawing/draw_bar.js';
import { DragPreview, previewedField } from '../../ui/components/live/drag.js';
import { tiled } from '../../ui/components/images/gallery.js';
import { titleOf, traceUntil } from '../../ui/components/charts/charts.js';
import { leaveOneFingerToThePage } from '../../ui/components/shared/plotly.js';

test('a widget of a previewed field is recognized by its class', () => {
  for (const field of PREVIEWED_FIELDS) assert.equal(previewedField(`stSlider st-key-field_${field} x`), field);
});

test('other widgets are not previewed', () => {
  assert.equal(previewedField('st-key-field_seed'), undefined);
  assert.equal(previewedField('st-key-field_noise_level'), undefined);
  assert.equal(previewedField('st-key-draw'), undefined);
});

test('weights up to the limit are accepted', () => {
  assert.ok(isValidWeight(MAX_WEIGHT));
  assert.ok(isValidWeight(-MAX_WEIGHT));
  assert.ok(!isValidWeight(MAX_WEIGHT + 0.1));
  assert.ok(!isValidWeight(NaN));
});

test('a weight is shown with at most three decimal places', () => {
  assert.deepEqual([0.12345, -2, 1e-9, NaN, undefined].map(shortNumber), ['0.123', '-2', '0', '', '']);
});

test('one more class than those with points can be chosen', () => {
  assert.equal(lastAvailableClass([]), 1);
  assert.equal(lastAvailableClass([[0, 0, 0]]), 1);
  assert.equal(lastAvailableClass([[0, 0, 0], [1, 1, 2]]), 3);
});

test('pictures are tiled with a line between neighbors', () => {
  const { bytes, rows, columns } = tiled(Uint8Array.of(1, 2, 3, 4, 5, 6), 6, 1, 1);
  assert.deepEqual([rows, columns], [3, 9]);
  assert.deepEqual([...bytes.slice(0, 9)], [1, 0, 2, 0, 3, 0, 4, 0, 5]);
  assert.equal(bytes[2 * 9], 6);
});

const PATHS = [
  { x: [0, 1, 2, 3], y: [9, 4, 1, null], meta: 'line' },
  { x: [0], y: [9], meta: 'head' },
];

test('a path is cut after the step of the player', () => {
  assert.deepEqual(traceUntil(PATHS, 0, 'x', 1), [0, 1]);
  assert.deepEqual(traceUntil(PATHS, 0, 'y', 9), [9, 4, 1, null]);
});

test('the head of a path is at its last point so far', () => {
  assert.deepEqual([traceUntil(PATHS, 1, 'x', 1), traceUntil(PATHS, 1, 'y', 1)], [[1], [4]]);
  assert.deepEqual(traceUntil(PATHS, 1, 'y', 3), [1]); // the last step diverged
});

test('one finger on a chart belongs to the page, two to the chart', () => {
  const outer = new EventTarget();
  leaveOneFingerToThePage(outer);
  for (const name of ['touchstart', 'touchmove']) {
    const stopped = [1, 2].map(fingers => {
      const event = Object.assign(new Event(name), { touches: Array(fingers) });
      let isStopped = false;
      event.stopPropagation = () => { isStopped = true; };
      outer.dispatchEvent(event);
      return isStopped;
    });
    assert.deepEqual(stopped, [true, false], name);
  }
});

test('a description begins with the title of the chart', () => {
  assert.equal(titleOf('Outputs of each layer: their distribution, the first layer on top'), 'Outputs of each layer');
  assert.equal(titleOf('Network'), 'Network');
});

test('a slider that is held still gives signs until it is released', () => {
  mock.timers.enable({ apis: ['setInterval'] });
  globalThis.requestAnimationFrame = act => act();
  const listeners = {}, previews = [];
  globalThis.document = { addEventListener: (name, listener) => (listeners[name] = listener), removeEventListener() {} };
  let text = '0.1';
  const thumb = { getAttribute: () => text };
  const widget = { className: 'st-key-field_learning_rate', querySelector: () => thumb };
  const drag = new DragPreview((...preview) => previews.push(preview));
  drag.values = { learning_rate: { 0.3: 0.3 } };
  listeners.pointerdown({ target: { closest: () => widget } });
  mock.timers.tick(5000);
  assert.deepEqual(previews, []); // it has not moved
  text = '0.3';
  listeners.pointermove();
  mock.timers.tick(2000);
  assert.deepEqual(previews, Array(3).fill(['learning_rate', 0.3]));
  listeners.pointerup();
  mock.timers.tick(5000);
  assert.equal(previews.length, 3);
  mock.timers.reset();
});
