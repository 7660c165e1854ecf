/** What an UNRELIABLE or LATEST channel sends: a datagram each, and better never than late. Pure. */

import { fragment } from "./chunking.js";
import { Deque } from "./deque.js";
import { LATEST } from "./kinds.js";
import { LATEST_HEADER_BYTES } from "../wire.js";

/** Seconds. */
const STALE_AFTER = 0.25;
const MAX_WAITING = 64;

/** `now` is monotonic, in seconds. */
export class Realtime {
  /** @param {import("./kinds.js").Kind} kind */
  constructor(kind) {
    this._kind = kind;
    /** @type {Deque<import("./chunking.js").Raw & {at: number}>} */
    this._waiting = new Deque();
    this._sequence = 0;
    this.sent = 0;
    this.sentBytes = 0;
    this.replaced = 0;
    /** What was dropped because it waited for too long. */
    this.stale = 0;
    this.waitingBytes = 0;
  }

  get waitingMessages() {
    return this._waiting.length;
  }

  /**
   * Whether it took the place of an older LATEST value.
   *
   * @param {import("./chunking.js").Raw} raw
   * @param {number} now
   */
  put(raw, now) {
    const hasReplaced = this._isLatest && this._waiting.length > 0;
    if (hasReplaced) {
      this._drop();
      this.replaced += 1;
    } else if (this._waiting.length === MAX_WAITING) {
      this._drop();
      this.stale += 1;
    }
    this._waiting.push({ ...raw, at: now });
    this.waitingBytes += raw.bytes.length;
    return hasReplaced;
  }

  /** Length of what `take` gives, after what is stale has gone; 0 for nothing. @param {number} now */
  nextBytes(now) {
    while (!this._isLatest && this._waiting.length > 0 && now - this._waiting.at(0).at > STALE_AFTER) {
      this._drop();
      this.stale += 1;
    }
    if (this._waiting.length === 0) return 0;
    return this._waiting.at(0).bytes.length + (this._isLatest ? LATEST_HEADER_BYTES : 1);
  }

  /** The next data-channel message; only when there is one. */
  take() {
    const raw = this._drop();
    this.sent += 1;
    this.sentBytes += raw.bytes.length;
    const [framed] = fragment(this._kind, raw, this._sequence);
    this._sequence += 1;
    return framed;
  }

  /** Nothing can be sent for now: how many were dropped for that. A LATEST value waits. */
  clear() {
    if (this._isLatest) return 0;
    const dropped = this._waiting.length;
    this._waiting.clear();
    this.waitingBytes = 0;
    return dropped;
  }

  get _isLatest() {
    return this._kind === LATEST;
  }

  _drop() {
    const raw = this._waiting.shift();
    this.waitingBytes -= raw.bytes.length;
    return raw;
  }
}
