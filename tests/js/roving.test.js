import assert from 'node:assert/strict';
import test from 'node:test';
import { Roving, buttonFor } from '../../ui/components/shared/roving.js';

const named = (...names) => names.map(name => ({ name, disabled: false, tabIndex: 0 }));

test('arrow keys move in a grid, and stop at its edges', () => {
  const [[a, b], [c, d]] = [named('a', 'b'), named('c', 'd')];
  const rows = [[a, b], [c, d]];
  assert.equal(buttonFor(rows, a, 'ArrowRight'), b);
  assert.equal(buttonFor(rows, a, 'ArrowDown'), c);
  assert.equal(buttonFor(rows, a, 'ArrowUp'), undefined);
  assert.equal(buttonFor(rows, d, 'ArrowRight'), undefined);
  assert.equal(buttonFor(rows, d, 'Home'), a);
  assert.equal(buttonFor(rows, a, 'End'), d);
});

test('in a list up and down are back and forth, past what is disabled', () => {
  const [a, b, c] = named('a', 'b', 'c');
  b.disabled = true;
  assert.equal(buttonFor([[a, b, c]], a, 'ArrowDown'), c);
  assert.equal(buttonFor([[a, b, c]], c, 'ArrowLeft'), a);
});

test('one button is the stop of the Tab key, also after it is disabled', () => {
  const listeners = {};
  const element = { addEventListener: (kind, act) => { listeners[kind] = act; } };
  const [a, b] = named('a', 'b');
  const roving = new Roving(element, () => [[a, b]]);
  roving.update();
  assert.deepEqual([a.tabIndex, b.tabIndex], [0, -1]);
  listeners.focusin({ target: b });
  roving.update();
  assert.deepEqual([a.tabIndex, b.tabIndex], [-1, 0]);
  b.disabled = true;
  roving.update();
  assert.deepEqual([a.tabIndex, b.tabIndex], [0, -1]);
});

test('keys with a modifier are left to the browser', () => {
  const listeners = {};
  const element = { addEventListener: (kind, act) => { listeners[kind] = act; } };
  const [a, b] = named('a', 'b');
  const moved = [];
  b.focus = () => moved.push('focus');
  new Roving(element, () => [[a, b]], button => moved.push(button.name));
  const press = more => {
    const event = { key: 'ArrowRight', target: a, preventDefault: () => moved.push('taken'), ...more };
    listeners.keydown(event);
    return moved.splice(0);
  };
  assert.deepEqual(press({ altKey: true }), []);
  assert.deepEqual(press({}), ['taken', 'focus', 'b']);
});
