// Where the parts of a response curve are: functions of plain values.
import { formatNumber } from '../../shared/format.js';

/**
 * The curve of a field, as lab/training/response_curves.py describes it.
 * @typedef {{
 *   version: string, serial: number, label: string, present: number | null, best: number | null, ordered: boolean,
 *   values: any[], texts: string[], problem: string, points: (Point | null)[], part: string, figure: string,
 *   epochs: number, runs: number, places: number, total: number, waits: boolean, seconds: number, sentence: string,
 * }} Response
 * First quartile, median and third quartile, null where infinite; numbers of diverged runs and of all runs.
 * @typedef {[number | null, number | null, number | null, number, number]} Point
 */

const HIGHEST = 4; // times the middle of the medians that a loss is drawn to scale
const LEAST_SPAN = 0.2; // of the largest loss that the height of a curve stands for: less would make much of chance
const MARGIN = 3; // pixels above and below the curve

/** The place of each value: those of a slider under its thumb, those of a menu side by side. left, width: of the track. */
export function placesOf(count, ordered, left, width) {
  const share = i => (ordered && count > 1 ? i / (count - 1) : (i + 0.5) / count);
  return Array.from({ length: count }, (_, i) => left + width * share(i));
}

/** The place nearest to x. */
export function nearest(places, x) {
  return places.reduce((best, place, i) => (Math.abs(place - x) < Math.abs(places[best] - x) ? i : best), 0);
}

/** The smallest and the largest number that are drawn to scale. Bars begin at zero. */
export function rangeOf(points, figure, ordered) {
  const medians = points.map(point => point?.[1] ?? NaN).filter(Number.isFinite).sort((a, b) => a - b);
  if (!medians.length) return [0, 1];
  if (figure === 'accuracy') return [0, 1];
  if (figure !== 'loss') return [Math.min(0, Math.max(-1, medians[0])), 1];
  const cap = HIGHEST * medians[Math.floor(medians.length / 2)];
  const highest = Math.max(...points.map(point => point?.[2] ?? point?.[1] ?? 0));
  const high = Math.min(highest, cap) || 1;
  const lowest = Math.min(...points.map(point => point?.[0] ?? Infinity));
  return [ordered ? Math.min(lowest, (1 - LEAST_SPAN) * high) : 0, high];
}

/**
 * What is drawn: line and band as lists of stretches without a gap, and zones where runs diverged.
 * @param {Response} response
 * @param {number[]} places in pixels
 * @param {number} height
 */
export function shapesOf({ points, figure, ordered }, places, height) {
  const [low, high] = rangeOf(points, figure, ordered);
  const up = value => MARGIN + (1 - Math.min(1, Math.max(0, (value - low) / (high - low)))) * (height - 2 * MARGIN);
  const gap = places.length > 1 ? places[1] - places[0] : 20;
  const marks = points.map((point, i) => {
    if (point === null || point[1] === null) return null;
    return { x: places[i], y: up(point[1]), top: up(point[2] ?? high), bottom: up(point[0] ?? point[1]) };
  });
  const zones = points.flatMap((point, i) => (point?.[3]
    ? [{ x: places[i] - gap / 2, width: gap, share: point[3] / point[4], isLost: point[1] === null }] : []));
  const stretches = ordered ? withoutGaps(marks) : [];
  return { marks, zones, stretches, base: up(low), barWidth: Math.max(2, 0.6 * gap) };
}

function withoutGaps(marks) {
  /** @type {any[][]} */
  const found = [[]];
  for (const mark of marks) {
    if (mark) found[found.length - 1].push(mark);
    else found.push([]);
  }
  return found.filter(stretch => stretch.length > 1);
}

/** "M1 2L3 4" of the line through some marks. */
export function linePath(stretch) {
  return `M${stretch.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}`;
}

/** The area between the quartiles. */
export function bandPath(stretch) {
  const there = stretch.map(({ x, top }) => `${x.toFixed(1)} ${top.toFixed(1)}`);
  const back = stretch.toReversed().map(({ x, bottom }) => `${x.toFixed(1)} ${bottom.toFixed(1)}`);
  return `M${[...there, ...back].join('L')}Z`;
}

/**
 * A value and its result, as lines of text.
 * @param {Response} response
 * @param {number} place
 * @returns {string[]}
 */
export function describe(response, place) {
  const { label, texts, points, part, figure, present } = response;
  const title = `${label} ${texts[place]}${place === present ? ' (yours)' : ''}`;
  const point = points[place];
  if (!point) return [title, response.runs < response.places ? 'not trained yet' : 'does not fit the other settings'];
  const [q1, median, q3, diverged, runs] = point;
  const name = `${part} ${figure}`;
  const lines = median === null ? [] : [`${name} ${formatNumber(median, 4)}`];
  if (q1 !== null && q3 !== null && runs > 1) lines.push(`middle half: ${formatNumber(q1, 4)} to ${formatNumber(q3, 4)}`);
  const of = runs > 1 ? `median of ${runs} runs` : 'one run';
  return [title, ...lines, diverged ? `${diverged} of ${runs} diverged` : of];
}
