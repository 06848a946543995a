import assert from 'node:assert/strict';
import test from 'node:test';
import { STATUS_FACTS } from '../../ui/components/live/status.js';
import { captions } from '../../ui/components/live/strip.js';
import { fileName, pageHead } from '../../ui/components/shared/save.js';
import { counted, formatDuration, formatEpoch, formatNumber, formatWhole, namedScores, partSentence, scoreText } from '../../ui/components/shared/format.js';
import { percent, ranked } from '../../ui/components/images/reading.js';

test('numbers have fewer decimal places the larger they are', () => {
  const numbers = [0, 0.12345, 1.23456, 12.3456, 1234.5, -0.5, 2.5e6];
  assert.deepEqual(numbers.map(value => formatNumber(value, 3)), ['0.000', '0.123', '1.235', '12.35', '1235', '−0.500', '2.50e+6']);
});

test('what is not a number is a dash', () => {
  for (const value of [null, undefined, NaN, Infinity]) assert.equal(formatNumber(value, 3), '–');
  assert.deepEqual([formatWhole(null), formatDuration(null)], ['–', '–']);
});

test('whole numbers and epochs have thousands separators', () => {
  assert.equal(formatWhole(12345.6), '12,346');
  assert.deepEqual([0, 1, 2000].map((number) => counted(number, 'epoch')), ['0 epochs', '1 epoch', '2,000 epochs']);
  assert.deepEqual([0, 224, 1234567].map(formatEpoch), ['0', '224', '1,234,567']);
});

test('durations change from milliseconds to seconds', () => {
  assert.deepEqual([0.5, 12.34, 1500].map(formatDuration), ['0.50 ms', '12.3 ms', '1.50 s']);
});

test('the score is the accuracy, or R² for regression', () => {
  const accuracies = { train_accuracy: 1, validation_accuracy: 0.75, test_accuracy: 0.5 };
  assert.deepEqual(namedScores({ kind: 'classification', ...accuracies }), { name: 'accuracy', train: 1, validation: 0.75, test: 0.5 });
  const r2 = { train_r2: 1, validation_r2: null, test_r2: 0.5 };
  assert.deepEqual(namedScores({ kind: 'regression', ...r2 }), { name: 'R²', train: 1, validation: null, test: 0.5 });
});

/** The labels of the facts that are shown for a header. */
const shownLabels = header => STATUS_FACTS.filter(([, , , isShown]) => isShown?.(header) ?? true).map(([label]) => label(header));

test('facts of a validation part are shown only if there is one', () => {
  const validation = ['Validation loss', 'Validation accuracy'];
  const [without, with_] = [null, 0.5].map(loss => shownLabels({ kind: 'classification', validation_loss: loss }));
  assert.deepEqual(with_.filter(label => !without.includes(label)), validation);
  assert.ok(without.includes('Test accuracy'));
});

test('the sentence beside a chart names each part that there is', () => {
  const header = { epoch: 3, validation_loss: null, train_evaluated: 2000, train_samples: 2001 };
  const text = part => `of ${part}`;
  assert.equal(partSentence(header, 'loss', text), 'Test loss of test after 3 epochs, train loss of the first 2,000 of train.');
  const all = partSentence({ epoch: 3, validation_loss: 0.5 }, 'R²', text);
  assert.equal(all, 'Test R² of test after 3 epochs, train R² of train, validation R² of validation.');
});

test('R² of constant targets is a word, an unknown one a dash', () => {
  const header = { kind: 'regression', train_r2: null, train_loss: 0.2, test_r2: 0.25, test_loss: 1 };
  assert.deepEqual(['train', 'test'].map(part => scoreText(header, part, 2)), ['undefined', '0.25']);
  assert.equal(scoreText({ kind: 'regression', test_r2: null, test_loss: null }, 'test', 2), '–');
  assert.equal(scoreText({ kind: 'classification', test_accuracy: null, test_loss: 1 }, 'test', 2), '–');
});

test('the status line says that only a part of the training data was evaluated', () => {
  const labels = header => STATUS_FACTS.map(([label]) => label(header)).filter(label => label.startsWith('Train'));
  const [evaluated, all] = [{ train_evaluated: 2000, train_samples: 60000 }, { train_evaluated: 200, train_samples: 200 }].map(labels);
  assert.deepEqual(evaluated, ['Train loss of the first 2,000', 'Train accuracy of the first 2,000']);
  assert.deepEqual(all, ['Train loss', 'Train accuracy']);
});

test('every fact of the status line accepts an almost empty header', () => {
  const texts = STATUS_FACTS.map(([label, value]) => [label({}), value({ epoch: 0 })]);
  assert.deepEqual(texts.slice(0, 2), [['Epoch', '0'], ['Train loss', '–']]);
  for (const [label, text] of texts) assert.ok(label && typeof text === 'string');
});

test('small probabilities are not rounded to zero', () => {
  assert.deepEqual([0, 0.001, 0.005, 0.873, 1].map(percent), ['0\u2009%', '< 1\u2009%', '1\u2009%', '87\u2009%', '100\u2009%']);
});

test('classes are ranked by probability', () => {
  assert.deepEqual(ranked(Float32Array.of(0.1, 0.7, 0.2)), [1, 2, 0]);
});

test('a caption names the prediction, or both classes if it is wrong', () => {
  assert.deepEqual(captions(['cat', 'dog'], 1, 1, 0.876), ['dog', '88 %']);
  assert.deepEqual(captions(['cat', 'dog'], 0, 1, 0.876), ['is cat,', 'pred. dog']);
  assert.deepEqual(captions([], 7, 7, 1), ['7', '100 %']);
});

test('the name of a saved file has only letters, digits and hyphens', () => {
  assert.equal(fileName('Loss / "test" <b>', 'PNG'), 'loss-test-b-.png');
  assert.equal(fileName('x'.repeat(200), 'SVG').length, 64);
});

test('a title with markup stays text', () => {
  assert.ok(pageHead('<script>&').includes('<title>&lt;script>&amp;</title>'));
});
