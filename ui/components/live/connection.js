// The live socket: asks for a frame, waits until it is about to be painted, and asks again.
import { CLOSE_CODES } from '../shared/protocol.js';

const ANSWER_TIMEOUT_MS = 15_000; // without an answer for this long, the connection counts as lost
const FIRST_RETRY_MS = 250; // doubles with each failure
const LAST_RETRY_MS = 4000;
const EARLY_MS = 4; // a display that refreshes this much early is in time
const FRAME_MS = 17; // of a display with 60 frames per second
const TIMER_SLACK_MS = 8; // how much earlier a timer ends than the animation frame that it waits for

/** Milliseconds until the next attempt to connect. */
export function retryDelay(failures) {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
}

/**
 * A socket that asks within an animation frame, so that a hidden page asks nothing. `owner` has question() -> object,
 * period() -> ms, receive(buffer), onMessage(message) and onLost(code, failures, opened).
 */
export class Connection {
  constructor(owner) {
    this.owner = owner;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.failures = this.askedAt = 0;
    this.request = this.retry = this.timeout = this.timer = 0; // what is scheduled
  }

  /** protocols: offered to the server, which finds the run by them. */
  open(url, protocols) {
    this.close();
    this.url = url;
    this.protocols = protocols;
    this.failures = 0;
    this.opened = false;
    this.connect();
  }

  connect() {
    const socket = this.socket = new WebSocket(this.url, this.protocols);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.failures = 0;
      this.opened = true;
      this.ask(performance.now());
    };
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) {
        clearTimeout(this.timeout);
        this.owner.receive(data);
      } else this.owner.onMessage(JSON.parse(data));
    };
    socket.onclose = event => this.lose(event.code);
  }

  lose(code) {
    this.close();
    this.failures += 1;
    if (code !== CLOSE_CODES.unknownRun) this.retry = setTimeout(() => this.connect(), retryDelay(this.failures));
    this.owner.onLost(code, this.failures, this.opened);
  }

  close() {
    [this.retry, this.timeout, this.timer].forEach(clearTimeout);
    cancelAnimationFrame(this.request);
    this.asking = this.scheduled = false;
    if (!this.socket) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** now: the time of the animation frame it asks in, so that a long paint does not delay the next question. */
  ask(now) {
    if (this.asking || !this.isOpen) return;
    this.asking = true;
    this.askedAt = now;
    this.timeout = setTimeout(() => this.lose(), ANSWER_TIMEOUT_MS);
    this.socket?.send(JSON.stringify(this.owner.question()));
  }

  /** Sends a command; the next frame shows its effect. Returns false if there is no connection. */
  send(command) {
    const isSent = this.post(command);
    if (isSent) this.hurry();
    return isSent;
  }

  /** Sends a message that changes no frame. Returns false if there is no connection. */
  post(message) {
    if (!this.isOpen) return false;
    this.socket?.send(JSON.stringify(message));
    return true;
  }

  /** The owner has taken the answer in an animation frame and is about to paint it: ask again when its period is over. */
  taken(now) {
    this.asking = false;
    this.schedule(now);
  }

  schedule(now) {
    if (!this.socket) return;
    const rest = this.hurried ? 0 : this.owner.period() - (now - this.askedAt) - EARLY_MS;
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
    if (rest > FRAME_MS) this.timer = setTimeout(next, rest - TIMER_SLACK_MS);
    else next();
  }

  /** Something has just been done: do not wait for the period to end. */
  hurry() {
    this.hurried = this.asking; // the pending answer may not include it
    if (!this.scheduled) return;
    clearTimeout(this.timer);
    cancelAnimationFrame(this.request);
    this.scheduled = false;
    this.ask(performance.now());
  }
}
