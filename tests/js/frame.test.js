import assert from 'node:assert/strict';
import test from 'node:test';
import { fromBase64, unpack } from '../../ui/components/shared/frame.js';
import { packFrame } from './stand_ins.js';

const SAMPLE = packFrame({ epoch: 3, text: 'Zürich' }, {
  a: ['i4', [5], Int32Array.of(0, 1, 2, 3, 4)],
  b: ['f4', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)],
  c: ['u1', [0], new Uint8Array(0)],
});

test('a frame has its header and its arrays with their shapes', () => {
  const { header, arrays } = unpack(SAMPLE);
  assert.equal(header.text, 'Zürich');
  assert.deepEqual([...arrays.a], [0, 1, 2, 3, 4]);
  assert.ok(arrays.b instanceof Float32Array);
  assert.deepEqual(arrays.b.shape, [2, 3]);
  assert.deepEqual([...arrays.b], [1, 2, 3, 4, 5, 6]);
  assert.equal(arrays.c.length, 0);
});

test('arrays are views of the frame, not copies', () => {
  assert.equal(unpack(SAMPLE).arrays.a.buffer, SAMPLE);
});

test('a frame that is cut off is refused with a reason', () => {
  for (const length of [0, 7, 8, 40, SAMPLE.byteLength - 1]) {
    assert.throws(() => unpack(SAMPLE.slice(0, length)), /frame/);
  }
});

test('bytes that are not a frame are refused', () => {
  assert.throws(() => unpack(new Uint8Array(64).buffer), /does not begin with BPF1/);
});

test('another version asks to reload the page', () => {
  assert.throws(() => unpack(packFrame({}, {}, 2)), /version 2, this page reads version 1. Reload/);
});

test('an array of an unknown type is refused', () => {
  assert.throws(() => unpack(packFrame({}, { a: ['f8', [1], new Float64Array(1)] })), /unknown type f8/);
});

test('an array longer than the frame is refused', () => {
  assert.throws(() => unpack(packFrame({}, { a: ['f4', [17], new Float32Array(2)] })), /ends within the array a/);
});

test('base64 text becomes the bytes it encodes', () => {
  assert.deepEqual([...new Uint8Array(fromBase64(btoa('\x00\x7f\xff')))], [0, 127, 255]);
});
