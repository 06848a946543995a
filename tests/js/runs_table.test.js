import assert from 'node:assert/strict';
import test from 'node:test';
import { chosenAfter } from '../../ui/components/runs/table.js';

const ids = ['a', 'b', 'c', 'd'];

test('a press chooses a row, or no longer', () => {
  assert.deepEqual(chosenAfter(ids, ['a'], 'c', true, ''), ['a', 'c']);
  assert.deepEqual(chosenAfter(ids, ['a', 'c'], 'a', false, ''), ['c']);
});

test('with shift all rows between two presses are chosen, in both directions', () => {
  assert.deepEqual(chosenAfter(ids, ['b'], 'd', true, 'b'), ['b', 'c', 'd']);
  assert.deepEqual(chosenAfter(ids, ['d'], 'b', true, 'd'), ['b', 'c', 'd']);
  assert.deepEqual(chosenAfter(ids, ids, 'c', false, 'b'), ['a', 'd']);
});

test('a row that is gone does not begin a range', () => {
  assert.deepEqual(chosenAfter(ids, [], 'c', true, 'gone'), ['c']);
});
