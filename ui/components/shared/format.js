// Numbers as text.
import { REGRESSION } from './protocol.js';

const DASH = '\u2013';
const MINUS = '\u2212';
const LARGE = 10 ** 6; // from here on numbers are written with an exponent
const wholeNumber = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Text with a minus sign in place of a hyphen. */
export function withMinus(text) {
  return text.replace('-', MINUS);
}

/** A number with at most `places` decimals, fewer if it is large; a dash if it is missing. */
export function formatNumber(value, places) {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  if (Math.abs(value) >= LARGE) return withMinus(value.toExponential(2));
  const whole = Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1)));
  return withMinus(value.toFixed(Math.max(0, places - whole)));
}

/** 12345.6 -> 12,346; a dash if there is none. */
export function formatWhole(value) {
  return Number.isFinite(value) ? wholeNumber.format(value) : DASH;
}

/** 12345 -> 12,345: no leading zeros, because tabular digits keep their places while the number grows. */
export function formatEpoch(epoch) {
  return wholeNumber.format(epoch);
}

/** 1 epoch, 2,000 epochs. */
export function counted(number, noun) {
  return `${formatWhole(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** Milliseconds as text of at most six characters. */
export function formatDuration(milliseconds) {
  if (!Number.isFinite(milliseconds)) return DASH;
  return milliseconds < 1000 ? `${formatNumber(milliseconds, 2)} ms` : `${formatNumber(milliseconds / 1000, 2)} s`;
}

/** " of the first 2,000" where the figures of the training data are not those of all of it, else "". */
export function evaluatedPart(header) {
  return header.train_evaluated < header.train_samples ? ` of the first ${formatWhole(header.train_evaluated)}` : '';
}

/** The score of a part, "train", "validation" or "test", as text; R\u00b2 of constant targets is 0/0, so it is a word. */
export function scoreText(header, part, places) {
  const score = namedScores(header)[part];
  const isConstant = header.kind === REGRESSION && !Number.isFinite(score) && Number.isFinite(header[`${part}_loss`]);
  return isConstant ? 'undefined' : formatNumber(score, places);
}

/** Name of the score and its value for each part: accuracy for classes, R² for numbers. */
export function namedScores(header) {
  const [name, field] = header.kind === REGRESSION ? ['R\u00b2', 'r2'] : ['accuracy', 'accuracy'];
  return { name, train: header[`train_${field}`], validation: header[`validation_${field}`], test: header[`test_${field}`] };
}

/** Whether a frame is of a run with a validation part. */
export function hasValidation(header) {
  return Number.isFinite(header.validation_loss);
}

/** A sentence about a number of each part; text: part -> the number as text. */
export function partSentence(header, name, text) {
  const validation = hasValidation(header) ? `, validation ${name} ${text('validation')}` : '';
  return `Test ${name} ${text('test')} after ${counted(header.epoch, 'epoch')}, train ${name}${evaluatedPart(header)} ${text('train')}${validation}.`;
}
