/** What an ordered channel sends: kept until the other side has it, and sent again on the next lane. Pure. */

import { FRAGMENT_BYTES, IS_TEXT, MORE_FOLLOW, START, START_BYTES } from "../wire.js";
import { frame } from "./chunking.js";
import { Deque } from "./deque.js";

/** What keeping a message costs beside its content; empty ones are not free. */
const MESSAGE_BYTES = 64;

/** @typedef {"new" | "old" | "nonsense"} Told what an acknowledgement is to the sender */

/** Messages are numbered from 0, over all lanes. */
export class Outgoing {
  /** @param {import("./kinds.js").Kind} kind @param {number} [fragmentBytes] */
  constructor(kind, fragmentBytes = FRAGMENT_BYTES) {
    this._maxKeptBytes = kind.maxKeptBytes;
    this._fragmentBytes = fragmentBytes;
    /** @type {Deque<import("./chunking.js").Raw>} */
    this._kept = new Deque();
    this._keptBytes = 0;
    /** Number of the first that is kept. */
    this._oldest = 0;
    this._acknowledged = 0;
    /** Number of the message that is under way on this lane, or goes next. */
    this._next = 0;
    /** What has gone out of it. */
    this._offset = 0;
    this._hasLane = this._hasStarted = false;
    this._laneBytes = this._laneAcknowledged = 0;
    /** Those that went out whole. */
    this.sent = 0;
    this.sentBytes = 0;
    this.resent = 0;
    this.waitingBytes = 0;
  }

  /** Those that have never gone out whole. */
  get waitingMessages() {
    return this._end - this.sent;
  }

  get unacknowledgedMessages() {
    return this.sent - this._acknowledged;
  }

  /** What has gone out on this lane and is not acknowledged. */
  get inFlightBytes() {
    return this._laneBytes - this._laneAcknowledged;
  }

  /** Length of what `take` gives; 0 for nothing. */
  get nextBytes() {
    if (!this._hasLane || this._next === this._end) return 0;
    if (!this._hasStarted) return START_BYTES;
    return Math.min(this._current.bytes.length - this._offset, this._fragmentBytes) + 1;
  }

  /** @param {number} contentBytes */
  hasRoom(contentBytes) {
    return this._kept.length === 0 || this._keptBytes + contentBytes + MESSAGE_BYTES <= this._maxKeptBytes;
  }

  /** @param {import("./chunking.js").Raw} raw */
  put(raw) {
    this._kept.push(raw);
    this._keptBytes += raw.bytes.length + MESSAGE_BYTES;
    this.waitingBytes += raw.bytes.length;
  }

  /** All that is kept goes out again, each message from its first fragment. */
  beginLane() {
    this.endLane();
    this._hasLane = true;
  }

  endLane() {
    this._hasLane = this._hasStarted = false;
    this._laneBytes = this._laneAcknowledged = 0;
    this._offset = 0;
    this._next = this._acknowledged;
    this._release();
  }

  /** The channel has ended: nothing is kept any more. */
  clear() {
    this._oldest = this._next = this._acknowledged = this.sent;
    this._kept.clear();
    this._keptBytes = this.waitingBytes = 0;
  }

  /** The next data-channel message; only when there is one. */
  take() {
    const framed = this._hasStarted ? this._fragment() : this._start();
    this._laneBytes += framed.length;
    return framed;
  }

  /**
   * What the other side says that it has had; any nonsense is allowed.
   *
   * @param {unknown} messages
   * @param {unknown} laneBytes
   * @returns {Told}
   */
  acknowledge(messages, laneBytes) {
    if (!isWithin(messages, this._acknowledged, this.sent)) return "nonsense";
    if (!isWithin(laneBytes, this._laneAcknowledged, this._laneBytes)) return "nonsense";
    if (messages === this._acknowledged && laneBytes === this._laneAcknowledged) return "old";
    this._acknowledged = messages;
    this._laneAcknowledged = laneBytes;
    if (!this._hasStarted) this._next = messages;
    this._release();
    return "new";
  }

  get _end() {
    return this._oldest + this._kept.length;
  }

  get _current() {
    return this._kept.at(this._next - this._oldest);
  }

  _start() {
    this._hasStarted = true;
    const framed = new Uint8Array(START_BYTES);
    framed[0] = START;
    const view = new DataView(framed.buffer);
    view.setUint16(1, Math.floor(this._next / 2 ** 32));
    view.setUint32(3, this._next % 2 ** 32);
    return framed;
  }

  _fragment() {
    const { isText, bytes } = this._current;
    const end = this._offset + this._fragmentBytes;
    const part = bytes.subarray(this._offset, end);
    this._offset = end;
    const hasMore = end < bytes.length;
    if (!hasMore) this._finish(bytes.length);
    return frame([(isText ? IS_TEXT : 0) | (hasMore ? MORE_FOLLOW : 0)], part);
  }

  /** @param {number} contentBytes */
  _finish(contentBytes) {
    if (this._next < this.sent) {
      this.resent += 1;
    } else {
      this.sent += 1;
      this.sentBytes += contentBytes;
      this.waitingBytes -= contentBytes;
    }
    this._next += 1;
    this._offset = 0;
    this._release();
  }

  _release() {
    // What has not gone out on this lane yet is needed for its number, acknowledged or not.
    while (this._oldest < Math.min(this._acknowledged, this._next)) {
      this._keptBytes -= this._kept.shift().bytes.length + MESSAGE_BYTES;
      this._oldest += 1;
    }
  }
}

/** @param {unknown} value @param {number} least @param {number} most @returns {value is number} */
function isWithin(value, least, most) {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}
