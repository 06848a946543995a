import assert from 'node:assert/strict';
import test from 'node:test';
import { FetchedPictures } from '../../ui/components/page/fetched_pictures.js';
import { FakeClock } from './stand_ins.js';

const turns = () => new Promise(resolve => setImmediate(resolve)); // until all that is waiting has gone on

/** A page that answers each question from a list; what it was told is in `shown`, `ended` and `asked`. */
function page(answers) {
  const clock = new FakeClock();
  const told = { clock, shown: [], ended: [], asked: [], isThere: true };
  globalThis.fetch = /** @type {any} */ (async (address, { headers }) => {
    told.asked.push([address, headers.run, clock.now]);
    const answer = answers.shift();
    if (!answer) throw new Error('no connection');
    return { ok: answer.status < 300, status: answer.status, json: async () => answer.body };
  });
  told.pictures = new FetchedPictures({
    show: pictures => told.shown.push(pictures), end: name => told.ended.push(name), isThere: () => told.isThere,
  });
  told.wait = async ms => {
    for (const end = clock.now + ms; clock.now < end; clock.advance(1)) await turns();
    await turns();
  };
  return told;
}

const offer = name => ({ name, address: 'live/picture', headers: { run: 'token' } });
const picture = (name, pictures) => ({ status: 200, body: { name, pictures } });

test('pictures are fetched one after the other until they change no more', async () => {
  const { pictures, shown, ended, asked, wait } = page([picture('a', 1), picture('a', 2), { status: 204 }]);
  pictures.follow(offer('a'));
  pictures.follow(offer('a')); // a script run repeats the offer: nobody asks twice
  await wait(1000);
  assert.deepEqual(shown, [1, 2]);
  assert.deepEqual(ended, ['a']);
  assert.deepEqual(asked.map(([address, run]) => [address, run]), Array(3).fill(['live/picture', 'token']));
  assert.ok(asked[2][2] - asked[1][2] >= 60);
  assert.equal(pictures.pictures, null);
});

test('an answer for another offer is not shown', async () => {
  const { pictures, shown, ended, wait } = page([picture('a', 1), picture('a', 2), picture('b', 3), { status: 204 }]);
  pictures.follow(offer('a'));
  pictures.follow(offer('b'));
  await wait(1500);
  assert.deepEqual(shown, [3]);
  assert.deepEqual(ended, ['b']);
});

test('without an answer the next question comes a second later, and none when the place is gone', async () => {
  const told = page([null, { status: 404 }, picture('a', 1)]);
  told.pictures.follow(offer('a'));
  await told.wait(500);
  assert.equal(told.asked.length, 1);
  await told.wait(2000);
  assert.deepEqual(told.shown, [1]);
  assert.equal(told.pictures.pictures, 1);
  told.isThere = false;
  await told.wait(100);
  const { length } = told.asked;
  await told.wait(3000);
  assert.equal(told.asked.length, length);
});
