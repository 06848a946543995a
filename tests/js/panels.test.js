import assert from 'node:assert/strict';
import test from 'node:test';
import { History, smoothed } from '../../ui/components/live/panels/history.js';
import { cellLabel, confusionCells } from '../../ui/components/shared/confusion_cells.js';
import { ChartPanel, drawOneChart } from '../../ui/components/live/panels/chart.js';
import { FakeClock } from './stand_ins.js';
import { callout, sentence } from '../../ui/components/live/guide.js';
import { errorWords, measureTexts } from '../../ui/components/live/panels/confusion.js';

/** The arrays of a frame with these epochs; row r of epoch e is 10 r + e. */
const curve = (...epochs) => curveOf(4, epochs);

function curveOf(count, epochs) {
  const rows = Array.from({ length: count }, (_, row) => row).flatMap(row => epochs.map(epoch => 10 * row + epoch));
  return { history_epoch: Int32Array.from(epochs), history: Float32Array.from(rows) };
}

const part = (from, generation = 1) => ({ generation, from });
const listed = columns => columns.map(column => [...column]);

test('a curve grows by the rows of each frame', () => {
  const history = new History();
  assert.ok(history.take(part(0), curve(0, 1)));
  assert.ok(history.take(part(2), curve(2)));
  assert.deepEqual(listed(history.loss), [[0, 1, 2], [0, 1, 2], [10, 11, 12]]);
  assert.deepEqual(listed(history.score), [[0, 1, 2], [20, 21, 22], [30, 31, 32]]);
});

test('a curve has a column more with a validation part, and loses it without', () => {
  const history = new History();
  history.take(part(0), curveOf(6, [0, 1]));
  assert.deepEqual(listed(history.loss), [[0, 1], [0, 1], [10, 11], [40, 41]]);
  assert.deepEqual(listed(history.score), [[0, 1], [20, 21], [30, 31], [50, 51]]);
  history.take(part(0, 2), curve(0));
  assert.deepEqual(listed(history.loss), [[0], [0], [10]]);
});

test('a frame without rows changes nothing', () => {
  const history = new History();
  history.take(part(0), curve(0, 1));
  assert.ok(!history.take(part(2), curve()));
  assert.ok(!history.take(undefined, {}));
  assert.equal(history.count, 2);
});

test('another generation starts the curve again', () => {
  const history = new History();
  history.take(part(0), curve(0, 1));
  assert.ok(history.take(part(0, 2), curve(7)));
  assert.deepEqual(listed(history.loss)[0], [7]);
});

test('rows that do not continue the curve empty it, so that all are asked for', () => {
  const history = new History();
  history.take(part(0), curve(0, 1));
  assert.ok(history.take(part(5), curve(5)));
  assert.equal(history.count, 0);
});

test('a long curve keeps its beginning', () => {
  const history = new History();
  for (let epoch = 0; epoch < 1000; epoch++) history.take(part(epoch), curve(epoch));
  assert.equal(history.count, 1000);
  assert.deepEqual([history.loss[0][0], history.loss[0][999], history.loss[1][300]], [0, 999, 300]);
});

test('smoothing follows the values and leaves gaps', () => {
  const values = smoothed(Float32Array.of(1, 0, NaN, 0), 0.5);
  assert.deepEqual([...values], [1, 0.5, NaN, 0.25]);
  assert.deepEqual([...smoothed([2, 2, 2], 0.8)], [2, 2, 2]);
});

test('cells of a confusion matrix are shaded by their share of the row', () => {
  const cells = confusionCells([3, 1, 0, 4], 2);
  assert.deepEqual(cells.map(cell => cell.share), [0.75, 0.25, 0, 1]);
  assert.deepEqual(cells[1], { truth: 0, predicted: 1, count: 1, share: 0.25 });
});

test('a class without examples has cells without shade', () => {
  assert.deepEqual(confusionCells(Int32Array.of(0, 0, 1, 1), 2).map(cell => cell.share), [0, 0, 0.5, 0.5]);
});

test('a cell is said in words', () => {
  assert.equal(cellLabel(confusionCells([3, 1, 0, 4], 2)[1], ['cat', 'dog']), 'cat predicted as dog: 1');
});

test('the errors of a regression are explained with their units', () => {
  const header = { kind: 'regression', test_r2: 0.5, test_loss: 0.4, scores: { rmse: 50, mae: 40, scale: 77.09 } };
  assert.ok(errorWords(header).endsWith('in the unit of the target; in a loss, 77.09 of them count as 1.'));
  assert.ok(errorWords({ ...header, test_r2: null }).startsWith('R² is undefined: all targets'));
  assert.equal(errorWords({ kind: 'regression' }), 'R² on the test data is not known yet.');
});

test('a measure that is unknown is a dash', () => {
  assert.deepEqual(measureTexts({ precision: [0.5, null], recall: [1, 0.25], f1: [0.6667] }, 1), ['–', '0.25', '–']);
  assert.deepEqual(measureTexts(undefined, 0), ['–', '–', '–']);
});

test('accuracy is drawn right after the loss, whatever each of them costs', () => {
  const makeChart = (name, period) => ({
    name, period, drawnAt: -Infinity,
    isDue(now) { return now - this.drawnAt >= this.period; },
    draw(now) { [this.drawnAt, this.period] = [now, period]; },
  });
  const charts = [makeChart('loss', 300), makeChart('accuracy', 2000), makeChart('activation', 1e9)];
  const drawn = { loss: [], accuracy: [], activation: [] };
  for (let now = 0; now < 3000; now += 16) {
    const before = charts.map(({ drawnAt }) => drawnAt);
    drawOneChart(charts, now);
    charts.forEach((chart, i) => chart.drawnAt !== before[i] && chart.drawnAt >= 0 && drawn[chart.name].push(now));
  }
  assert.ok(drawn.loss.length > 5);
  assert.deepEqual(drawn.accuracy.map(now => now - 16), drawn.loss.slice(0, drawn.accuracy.length));
  assert.equal(drawn.activation.length, 1);
});

test('a slow redraw delays the next one, but the first redraw does not', () => {
  const clock = new FakeClock();
  const chart = {
    __proto__: ChartPanel.prototype,
    figure: {}, theme: {}, marks: null,
    plot: { on() {} },
    plotly: { react(plot) { [plot.data, clock.now] = [[], clock.now + 100]; } },
    traces() {}, layout() {}, follow() {},
  };
  const delays = [1, 2].map(() => {
    chart.draw(clock.now);
    chart.isStale = true;
    return [250, 1999, 2000].map(ms => chart.isDue(chart.drawnAt + ms));
  });
  assert.deepEqual(delays, [[true, true, true], [false, false, true]]);
});

test('the first callout is there before training, the others one by one after it', () => {
  const [fresh, trained] = [0, 3].map(epoch => ({ epoch, status: 'paused', plane: {}, network: {}, classes: ['a', 'b'] }));
  const places = header => [0, 1, 2, 3].map(read => callout(header, read)?.at);
  assert.deepEqual(places(fresh), ['play', undefined, undefined, undefined]);
  assert.deepEqual(places(trained), ['map', 'map', 'network', undefined]);
  assert.equal(callout({ ...trained, network: null }, 0), undefined);
  assert.match(sentence(fresh), /orange points \(a\) from the blue ones \(b\)\. Press Play\.$/);
  assert.equal(sentence(trained), '');
});
