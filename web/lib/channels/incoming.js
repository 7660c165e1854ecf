/** What arrives on an ordered channel: each message once, over all lanes that the channel ever has. Pure. */

import { ACK_EVERY_BYTES, KNOWN_FLAGS, MORE_FOLLOW, START, START_BYTES } from "../wire.js";
import { Assembler } from "./chunking.js";

/**
 * Beside what Assembled says: a lane has begun (`start`); a message has been here before, on a lane that was cut
 * before its sender knew (`duplicate`); messages before it never came (`missing`: the channel is to be closed);
 * nobody who speaks this protocol sends it (`violation`: the connection is to be closed).
 *
 * @typedef {import("./chunking.js").Assembled | {is: "start" | "duplicate" | "missing" | "violation"}} Arrived
 */

export class Incoming {
  /** @param {import("./kinds.js").Kind} kind */
  constructor(kind) {
    this._kind = kind;
    this._assembler = new Assembler(kind);
    /** The number of the message that comes next on this lane; null before START. @type {number | null} */
    this._next = null;
    this._laneBytes = 0;
    this._unacknowledgedBytes = 0;
    /** Whole messages since the beginning. */
    this.received = 0;
    this.duplicates = 0;
  }

  /** What is kept of a message that has not come whole. */
  get unfinishedBytes() {
    return this._assembler.unfinishedBytes;
  }

  /** Whether so much has come since the last acknowledgement that the sender wants to know. */
  get isAckDue() {
    return this._unacknowledgedBytes >= ACK_EVERY_BYTES;
  }

  /** What came of an unfinished message on the one before is forgotten: it will come again. */
  beginLane() {
    this._assembler = new Assembler(this._kind);
    this._next = null;
    this._laneBytes = this._unacknowledgedBytes = 0;
  }

  /** One data-channel message of the current lane. @param {Uint8Array} framed @returns {Arrived} */
  receive(framed) {
    this._laneBytes += framed.length;
    this._unacknowledgedBytes += framed.length;
    if (this._next === null) return this._start(framed);
    const flags = framed[0];
    if (flags === undefined || (flags & ~KNOWN_FLAGS) !== 0) return { is: flags & START ? "violation" : "dropped" };
    const assembled = this._assembler.receive(framed);
    if ((flags & MORE_FOLLOW) !== 0 || assembled.is === "too-large") return assembled;
    this._next += 1;
    if (this._next <= this.received) {
      this.duplicates += 1;
      return { is: "duplicate" };
    }
    this.received = this._next;
    return assembled;
  }

  /** What to tell the sender now: messages since the beginning, bytes of this lane. @returns {[number, number]} */
  acknowledged() {
    this._unacknowledgedBytes = 0;
    return [this.received, this._laneBytes];
  }

  /** @param {Uint8Array} framed @returns {Arrived} */
  _start(framed) {
    if (framed.length !== START_BYTES || framed[0] !== START) return { is: "violation" };
    // Six bytes: more than bit operators can hold, and less than a number can.
    const number = framed.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    if (number > this.received) return { is: "missing" };
    this._next = number;
    return { is: "start" };
  }
}
