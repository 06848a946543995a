import assert from 'node:assert/strict';
import test from 'node:test';
import {
  PendingEvents, framePeriod, frameQuestion, generalizationGap, hasChanges, mergeHeader, rootFacts,
} from '../../ui/components/live/exchange.js';

const HEADER = { kind: 'classification', status: 'running', build: 2, frame: 7, rest: 5, epoch: 3, focus: null };
const CURVE = { generation: 2000000, count: 4 };

test('the first question says that the page has nothing', () => {
  assert.deepEqual(frameQuestion(null, null, { generation: -1, count: 0 }), {
    type: 'frame', build: -1, generation: -1, have: 0, frame: -1, focus: null,
  });
});

test('a question names the build, frame and curve that the page has', () => {
  assert.deepEqual(frameQuestion(HEADER, null, CURVE), {
    type: 'frame', build: 2, generation: 2000000, have: 4, frame: 7, focus: null,
  });
});

test('another map of the same moment counts as news', () => {
  assert.equal(frameQuestion(HEADER, 3, CURVE).frame, -1);
  assert.equal(frameQuestion({ ...HEADER, focus: 3 }, 3, CURVE).frame, 7);
  assert.equal(frameQuestion({ ...HEADER, focus: 3 }, null, CURVE).frame, -1);
});

const PACE = { problem: '', fastest: 16, crowded: 0, calm: false };

test('a running page asks at the slowest of the wanted rates', () => {
  assert.equal(framePeriod(HEADER, PACE), 16);
  assert.equal(framePeriod({ ...HEADER, rest: 90 }, PACE), 90);
  assert.equal(framePeriod(HEADER, { ...PACE, crowded: 310 }), 310);
  assert.equal(framePeriod(HEADER, { ...PACE, calm: true }), 250);
});

test('an idle page asks rarely, and one with a problem more rarely', () => {
  assert.equal(framePeriod({ ...HEADER, status: 'paused' }, PACE), 150);
  assert.equal(framePeriod(null, PACE), 150);
  assert.equal(framePeriod(HEADER, { ...PACE, problem: 'broken' }), 1000);
});

test('an answer without news changes only what it mentions', () => {
  const news = { unchanged: true, frame: 7, status: 'paused' };
  assert.ok(!hasChanges(news));
  assert.deepEqual(mergeHeader({ ...HEADER, focus: 4 }, news), { ...HEADER, ...news, focus: 4 });
});

test('a full answer without a focus shows the output again', () => {
  const news = { ...HEADER };
  delete news.focus;
  assert.ok(hasChanges(news));
  assert.equal(mergeHeader({ ...HEADER, focus: 4 }, news).focus, null);
  assert.equal(mergeHeader(null, { ...news, focus: 1 }).focus, 1);
});

test('the gap is test loss minus train loss, if both are numbers', () => {
  assert.equal(generalizationGap({ train_loss: 0.25, test_loss: 0.75 }), 0.5);
  assert.equal(generalizationGap({ train_loss: null, test_loss: 0.75 }), null);
  assert.equal(generalizationGap({ train_loss: NaN, test_loss: 0.75 }), null);
});

test('missing numbers are empty attributes', () => {
  const facts = rootFacts({ ...HEADER, train_loss: 0.5, test_loss: null, learning_rate: 0.03 });
  assert.deepEqual([facts.epoch, facts.trainLoss, facts.testLoss, facts.gap], ['3', '0.5', '', '']);
  assert.equal(facts.learningRate, '0.03');
  assert.equal(facts.testAccuracy, '');
});

test('events are sent again until Python has handled them', () => {
  const pending = new PendingEvents();
  const [first] = pending.add({ type: 'resize' }, 100);
  assert.deepEqual(pending.add({ type: 'layers' }, 100).map(event => event.serial), [100, 101]);
  pending.handled(first.serial);
  assert.deepEqual(pending.events.map(event => event.type), ['layers']);
  pending.drop('layers');
  assert.deepEqual(pending.events, []);
});

test('serials grow across reloads of the page', () => {
  const [before] = new PendingEvents().add({ type: 'fix' }, 1000);
  const [after] = new PendingEvents().add({ type: 'fix' }, 2000);
  assert.ok(after.serial > before.serial);
});
