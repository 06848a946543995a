import assert from 'node:assert/strict';
import test from 'node:test';
import {
  BLUE, CLASS_COLORS, CLASS_SYMBOLS, ORANGE, ZERO, blend, channels, classOfByte, cssColor, mapColors, signedColor, symbolPath,
  valueOfByte,
} from '../../ui/components/shared/palette.js';

const unpacked = color => [color & 255, (color >> 8) & 255, (color >> 16) & 255];

test('a color has three channels', () => {
  assert.deepEqual(channels('#f59322'), [245, 147, 34]);
  assert.equal(cssColor([1, 2, 3]), 'rgb(1, 2, 3)');
});

test('a blend begins with one color and ends with the other', () => {
  assert.deepEqual(blend('#000000', '#ffffff', 0), [0, 0, 0]);
  assert.deepEqual(blend('#000000', '#ffffff', 0.5), [128, 128, 128]);
  assert.deepEqual(blend('#000000', '#ffffff', 1), [255, 255, 255]);
});

test('negative is orange, positive is blue, zero is pale', () => {
  assert.deepEqual(signedColor(-1, 'light'), channels(ORANGE));
  assert.deepEqual(signedColor(1, 'dark'), channels(BLUE));
  assert.deepEqual(signedColor(0, 'dark'), channels(ZERO.dark));
  assert.deepEqual(signedColor(7, 'light'), channels(BLUE));
});

test('a map byte is a value, or a class and its confidence', () => {
  assert.deepEqual([1, 128, 255].map(valueOfByte), [-1, 0, 1]);
  assert.deepEqual(classOfByte((3 << 5) | 31), { label: 3, confidence: 1 });
  assert.deepEqual(classOfByte(7 << 5), { label: 7, confidence: 0 });
});

test('the middle of a value map is pale and its ends are not', () => {
  const colors = mapColors('value', 'light', false);
  assert.equal(colors.length, 256);
  assert.deepEqual(unpacked(colors[128]), channels(ZERO.light));
  assert.notDeepEqual(unpacked(colors[255]), channels(ZERO.light));
  assert.ok(colors.every(color => color >>> 24 === 255));
});

test('without confidence a map has one color per class', () => {
  const values = mapColors('value', 'dark', true);
  assert.equal(new Set(values).size, 2);
  assert.notEqual(values[127], values[128]);
  assert.equal(new Set(mapColors('class', 'dark', true)).size, 8);
});

test('a class map is paler where the network is less sure', () => {
  const colors = mapColors('class', 'light', false);
  assert.deepEqual(unpacked(colors[2 << 5]), channels(ZERO.light));
  assert.notDeepEqual(unpacked(colors[(2 << 5) | 31]), channels(ZERO.light));
});

test('every class symbol has a different outline', () => {
  const outlines = CLASS_SYMBOLS.map(symbol => symbolPath(symbol, 8, 8, 4));
  assert.equal(new Set(outlines).size, CLASS_COLORS.length);
  for (const outline of outlines) assert.match(outline, /^M[\d. ].*[Zz]$/);
});
