// Reads one frame: a JSON header, and the arrays it names as views of the buffer. lab/protocol/frames.py writes the same format.
import { FRAME_MAGIC, FRAME_VERSION } from './protocol.js';

/** NumPy's name of a type -> the typed array that holds it. */
const ARRAY_TYPES = { u1: Uint8Array, i4: Int32Array, f4: Float32Array };

/**
 * @typedef {(Uint8Array | Int32Array | Float32Array) & { shape: number[] }} ShapedArray
 * @typedef {Record<string, ShapedArray>} FrameArrays
 * @typedef {{ header: any, arrays: FrameArrays }} Frame
 */

/**
 * Reads a frame. Throws an Error that says what is wrong with it.
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 */
export function unpack(buffer) {
  if (buffer.byteLength < 8) throw new Error('The frame is shorter than its own head.');
  const head = new DataView(buffer);
  if (head.getUint32(0, true) !== FRAME_MAGIC) throw new Error('This is not a frame: it does not begin with BPF1.');
  const body = 8 + head.getUint32(4, true);
  if (body > buffer.byteLength) throw new Error('The frame ends within its header.');
  if (body % 8) throw new Error('The header of the frame is not padded to a multiple of 8 bytes.');
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, body - 8)));
  if (header.version !== FRAME_VERSION) {
    throw new Error(`The frame has version ${header.version}, this page reads version ${FRAME_VERSION}. Reload the page.`);
  }
  /** @type {FrameArrays} */
  const arrays = {};
  for (const [name, dtype, shape, offset] of header.arrays ?? []) {
    const ArrayType = ARRAY_TYPES[/** @type {keyof typeof ARRAY_TYPES} */ (dtype)];
    if (!ArrayType) throw new Error(`The array ${name} has the unknown type ${dtype}.`);
    const length = shape.reduce((/** @type {number} */ product, /** @type {number} */ side) => product * side, 1);
    if (body + offset + length * ArrayType.BYTES_PER_ELEMENT > buffer.byteLength) {
      throw new Error(`The frame ends within the array ${name}.`);
    }
    arrays[name] = Object.assign(new ArrayType(buffer, body + offset, length), { shape });
  }
  return { header, arrays };
}

/**
 * Decodes Base64 text.
 * @param {string} text
 * @returns {ArrayBuffer}
 */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer;
}
