import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { CLOSE_CODES } from '../../ui/components/shared/protocol.js';
import { Connection, retryDelay } from '../../ui/components/live/connection.js';
import { FakeClock, FakeSocket } from './stand_ins.js';

let clock, owner, connection;

beforeEach(() => {
  clock = new FakeClock();
  globalThis.WebSocket = FakeSocket;
  FakeSocket.all = [];
  owner = {
    received: [], messages: [], losses: [], wait: 16,
    question: () => ({ type: 'frame' }),
    period: () => owner.wait,
    receive: buffer => owner.received.push(buffer),
    onMessage: message => owner.messages.push(message),
    onLost: (...loss) => owner.losses.push(loss),
  };
  connection = new Connection(owner);
  connection.open('ws://here', ['live', 'token']);
});

const socket = () => FakeSocket.all.at(-1);

/** The server answers, and the page takes the answer in an animation frame. */
function answer() {
  socket().onmessage({ data: new ArrayBuffer(8) });
  connection.taken(clock.now);
}

test('it asks as soon as the socket is open', () => {
  assert.deepEqual(socket().sent, []);
  socket().open();
  assert.deepEqual(socket().sent, [{ type: 'frame' }]);
});

test('the token is offered as a protocol, again after a loss, and is in no address', () => {
  socket().onclose({ code: 1006 });
  clock.advance(250);
  assert.deepEqual(FakeSocket.all.map(({ url, protocols }) => [url, protocols]), Array(2).fill(['ws://here', ['live', 'token']]));
});

test('it does not ask again before the answer is taken', () => {
  socket().open();
  clock.advance(1000);
  assert.equal(socket().sent.length, 1);
  answer();
  assert.equal(socket().sent.length, 2);
});

test('it waits until the period is over', () => {
  owner.wait = 150;
  socket().open();
  answer();
  clock.advance(130);
  assert.equal(socket().sent.length, 1);
  clock.advance(60);
  assert.equal(socket().sent.length, 2);
});

test('a command is sent immediately, and the next question with it', () => {
  owner.wait = 5000;
  socket().open();
  answer();
  assert.ok(connection.send({ type: 'edit' }));
  assert.deepEqual(socket().sent.map(message => message.type), ['frame', 'edit', 'frame']);
});

test('a command during a question is followed by another question', () => {
  owner.wait = 5000;
  socket().open();
  connection.send({ type: 'edit' });
  answer();
  assert.deepEqual(socket().sent.map(message => message.type), ['frame', 'edit', 'frame']);
});

test('without a connection a command is refused', () => {
  assert.equal(connection.send({ type: 'edit' }), false);
});

test('text from the server is a message and no answer', () => {
  socket().open();
  socket().onmessage({ data: '{"interval": 90}' });
  assert.deepEqual(owner.messages, [{ interval: 90 }]);
  assert.deepEqual(owner.received, []);
});

test('retries wait twice as long each time, up to four seconds', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 60].map(retryDelay), [250, 500, 1000, 2000, 4000, 4000, 4000]);
});

test('a lost connection is opened again', () => {
  socket().open();
  socket().onclose({ code: 1006 });
  assert.deepEqual(owner.losses, [[1006, 1, true]]);
  clock.advance(250);
  assert.equal(FakeSocket.all.length, 2);
  socket().open();
  assert.equal(connection.failures, 0);
});

test('a server that does not know the run is not asked again', () => {
  socket().onclose({ code: CLOSE_CODES.unknownRun });
  clock.advance(60_000);
  assert.equal(FakeSocket.all.length, 1);
  assert.deepEqual(owner.losses, [[CLOSE_CODES.unknownRun, 1, false]]);
});

test('fifteen seconds without an answer count as lost', () => {
  socket().open();
  clock.advance(14_999);
  assert.deepEqual(owner.losses, []);
  clock.advance(1);
  assert.equal(owner.losses.length, 1);
});

test('nothing happens after it is closed', () => {
  const first = socket();
  first.open();
  connection.close();
  clock.advance(60_000);
  assert.equal(first.sent.length, 1);
  assert.equal(first.onclose, null);
  assert.deepEqual([FakeSocket.all.length, owner.losses.length], [1, 0]);
});
