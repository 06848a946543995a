// One frame of what the screen shows: a JSON header and the arrays it names, as views on the buffer (twin: lab/frames.py).
// And the link that asks the server for frames, one question at a time.

const FRAME_MAGIC = 0x31465042; // "BPF1", little endian
const FRAME_VERSION = 1;
const FRAME_TYPES = { u1: Uint8Array, i4: Int32Array, f4: Float32Array };
const ANSWER_LIMIT = 15000; // ms without an answer after which the connection counts as lost
const FIRST_RETRY = 250; // ms, doubling
const LAST_RETRY = 4000; // ms
export const RUN_UNKNOWN = 4404; // close code: the server does not know this run any more

/** ArrayBuffer -> {header, arrays}; each array is a typed view with a `shape`. Throws an Error that says what is wrong. */
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
  const arrays = {};
  for (const [name, dtype, shape, offset] of header.arrays ?? []) {
    const Type = FRAME_TYPES[dtype];
    if (!Type) throw new Error(`The array ${name} has the unknown type ${dtype}.`);
    const length = shape.reduce((product, side) => product * side, 1);
    if (body + offset + length * Type.BYTES_PER_ELEMENT > buffer.byteLength) {
      throw new Error(`The frame ends within the array ${name}.`);
    }
    arrays[name] = new Type(buffer, body + offset, length);
    arrays[name].shape = shape;
  }
  return { header, arrays };
}

/** Base64 text -> ArrayBuffer. */
export function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes.buffer;
}

/**
 * A socket that asks, waits until the answer is being painted, and asks again within that animation frame: a hidden page
 * asks nothing. `owner` has question() -> object, period() -> ms, receive(buffer), told(message) and
 * lost(code, failures, opened).
 */
export class Link {
  constructor(owner) {
    this.owner = owner;
    this.socket = null;
  }

  open(url) {
    this.close();
    this.url = url;
    this.failures = 0;
    this.opened = false;
    this.connect();
  }

  connect() {
    const socket = this.socket = new WebSocket(this.url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.failures = 0;
      this.opened = true;
      this.ask(performance.now());
    };
    socket.onmessage = event => {
      if (event.data instanceof ArrayBuffer) clearTimeout(this.watch);
      if (event.data instanceof ArrayBuffer) this.owner.receive(event.data);
      else this.owner.told(JSON.parse(event.data));
    };
    socket.onclose = event => this.lose(event.code);
  }

  lose(code) {
    this.close();
    this.failures += 1;
    if (code !== RUN_UNKNOWN) {
      this.retry = setTimeout(() => this.connect(), Math.min(LAST_RETRY, FIRST_RETRY * 2 ** (this.failures - 1)));
    }
    this.owner.lost(code, this.failures, this.opened);
  }

  close() {
    [this.retry, this.watch, this.timer].forEach(clearTimeout);
    cancelAnimationFrame(this.request);
    this.asking = this.scheduled = false;
    if (!this.socket) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  /** now: the time of the animation frame it asks in, so that a long paint does not push the next question back. */
  ask(now) {
    if (this.asking || this.socket?.readyState !== WebSocket.OPEN) return;
    this.asking = true;
    this.askedAt = now;
    this.watch = setTimeout(() => this.lose(), ANSWER_LIMIT);
    this.socket.send(JSON.stringify(this.owner.question()));
  }

  /** A message that is no question; the next frame shows what it did. False where there is no connection. */
  tell(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    this.soon();
    return true;
  }

  /** The owner has taken the answer in an animation frame and is about to paint it: ask again when its period has passed. */
  taken(now) {
    this.asking = false;
    this.schedule(now);
  }

  schedule(now) {
    if (!this.socket) return;
    const rest = this.hurried ? 0 : this.owner.period() - (now - this.askedAt) - 4; // a display that refreshes 4 ms early is in time
    this.hurried = false;
    if (rest <= 0) {
      this.ask(now);
      return;
    }
    this.scheduled = true;
    const next = () => {
      this.request = requestAnimationFrame(later => {
        this.scheduled = false;
        this.schedule(later);
      });
    };
    if (rest > 17) this.timer = setTimeout(next, rest - 8);
    else next();
  }

  /** Something has just been done: do not wait for the period to end. */
  soon() {
    this.hurried = this.asking; // the answer on its way may not know of it
    if (!this.scheduled) return;
    clearTimeout(this.timer);
    cancelAnimationFrame(this.request);
    this.scheduled = false;
    this.request = requestAnimationFrame(now => this.ask(now));
  }
}
