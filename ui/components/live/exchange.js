// Requests for frames and how an answer updates the page's state: functions of plain values.
import { COMMANDS, STATUSES } from '../shared/protocol.js';

/** @typedef {import('../shared/protocol.js').FrameHeader} FrameHeader */

const IDLE_PERIOD_MS = 150; // between questions while nothing runs
const CALM_PERIOD_MS = 250; // between frames for visitors who asked for less motion
const PROBLEM_PERIOD_MS = 1000; // between questions while the answers cannot be read

/** Whether an answer holds something to paint. */
export function hasChanges(header) {
  return Boolean(header.kind) && !header.unchanged;
}

/**
 * The question for the next frame. It names what the page already has, so that only changes come back.
 * header: the last one, or null; focus: the unit whose map is wanted, or null; history: {generation, count}.
 */
export function frameQuestion(header, focus, { generation, count }) {
  const isSameMap = (header?.focus ?? null) === focus; // another map of the same moment is a change
  const frame = isSameMap ? header?.frame ?? -1 : -1;
  return { type: COMMANDS.frame, build: header?.build ?? -1, generation, have: count, frame, focus };
}

/** Milliseconds between two questions. fastest: what the page asks for; crowded: what a busy server asks for. */
export function framePeriod(header, { problem, fastest, crowded, calm }) {
  if (problem) return PROBLEM_PERIOD_MS;
  if (header?.status !== STATUSES.running) return IDLE_PERIOD_MS;
  return Math.max(fastest, header.rest, crowded, calm ? CALM_PERIOD_MS : 0);
}

/**
 * The header after an answer: what the answer does not mention stays as it was.
 * @returns {FrameHeader}
 */
export function mergeHeader(before, update) {
  const header = { ...before, ...update };
  if (hasChanges(update)) header.focus = update.focus ?? null;
  return header;
}

/** Test loss minus train loss; null if either is unknown. */
export function generalizationGap({ train_loss: train, test_loss: test }) {
  return Number.isFinite(train) && Number.isFinite(test) ? test - train : null;
}

/** data-* attributes of the live component's root: name -> text. */
export function rootFacts(header) {
  const facts = {
    status: header.status, epoch: header.epoch, build: header.build, gap: generalizationGap(header),
    trainLoss: header.train_loss, validationLoss: header.validation_loss, testLoss: header.test_loss,
    trainAccuracy: header.train_accuracy, validationAccuracy: header.validation_accuracy, testAccuracy: header.test_accuracy,
    learningRate: header.learning_rate,
  };
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, String(value ?? '')]));
}

/** Events for Python that may not have arrived yet. They are sent again with each new one. */
export class PendingEvents {
  constructor() {
    this.events = [];
    this.serial = 0;
  }

  /** Returns a list of all that is pending; now: ms, so that serials grow across reloads of the page. */
  add(event, now = Date.now()) {
    this.serial = Math.max(this.serial + 1, now);
    this.events = [...this.events, { ...event, serial: this.serial }];
    return this.events;
  }

  /** Python has handled the events up to this serial. */
  handled(serial) {
    this.events = this.events.filter(event => event.serial > serial);
  }

  drop(type) {
    this.events = this.events.filter(event => event.type !== type);
  }
}
