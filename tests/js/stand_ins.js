// What a browser has and Node has not, as far as the tests need it.

/** A clock whose timers and animation frames advance only on request. */
export class FakeClock {
  constructor() {
    this.now = 0;
    this.serial = 0;
    this.tasks = [];
    Object.assign(globalThis, {
      setTimeout: (action, ms = 0) => this.add(action, this.now + ms),
      clearTimeout: id => this.remove(id),
      requestAnimationFrame: action => this.add(action, this.now + 16),
      cancelAnimationFrame: id => this.remove(id),
    });
    performance.now = () => this.now;
  }

  add(action, at) {
    this.serial += 1;
    this.tasks.push({ id: this.serial, action, at });
    return this.serial;
  }

  remove(id) {
    this.tasks = this.tasks.filter(task => task.id !== id);
  }

  advance(ms) {
    const end = this.now + ms;
    for (let next; (next = this.tasks.filter(task => task.at <= end).sort((a, b) => a.at - b.at)[0]);) {
      this.remove(next.id);
      this.now = next.at;
      next.action(this.now);
    }
    this.now = end;
  }
}

/** A WebSocket that records what is sent and hands out what the test says. */
export class FakeSocket {
  static OPEN = 1;
  static all = [];

  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
    this.readyState = 0;
    this.sent = [];
    FakeSocket.all.push(this);
  }

  open() {
    this.readyState = FakeSocket.OPEN;
    this.onopen();
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }
}

/** The bytes of a frame as lab/frames.py writes them; arrays: name -> [type, shape, typed array]. */
export function packFrame(header, arrays = {}, version = 1) {
  const table = [];
  const parts = [];
  let offset = 0;
  for (const [name, [dtype, shape, values]] of Object.entries(arrays)) {
    table.push([name, dtype, shape, offset]);
    parts.push([offset, new Uint8Array(values.buffer)]);
    offset += Math.ceil(values.byteLength / 8) * 8;
  }
  const text = JSON.stringify({ version, ...header, arrays: table });
  const json = new TextEncoder().encode(text + ' '.repeat((8 - ((8 + new TextEncoder().encode(text).length) % 8)) % 8));
  const bytes = new Uint8Array(8 + json.length + offset);
  const head = new DataView(bytes.buffer);
  head.setUint32(0, 0x31465042, true);
  head.setUint32(4, json.length, true);
  bytes.set(json, 8);
  for (const [at, part] of parts) bytes.set(part, 8 + json.length + at);
  return bytes.buffer;
}
