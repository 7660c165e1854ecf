/** Tells the other side what has arrived of ordered channels: soon when it was much, otherwise a little later. */

import { now as clock } from "../clock.js";
import { ACK_DELAY } from "../wire.js";

/** @typedef {import("./carrier.js").Carrier} Carrier */

export class Acks {
  /** @param {(message: import("../wire.js").Ack) => boolean} say over the control channel; false when it cannot */
  constructor(say) {
    this._say = say;
    /** When something came last of each; monotonic, in seconds. @type {Map<Carrier, number>} */
    this._unacknowledged = new Map();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    this._dueAt = Infinity;
  }

  /** A data-channel message of an ordered channel. @param {Carrier} carrier @param {number} now */
  came(carrier, now) {
    if (!carrier.incoming) return;
    this._unacknowledged.set(carrier, now);
    // The timer may be late: browsers slow down those of pages that nobody looks at.
    if (carrier.incoming.isAckDue || now >= this._dueAt) this._sayNow(now);
    else if (this._timer === undefined) this._setTimer(now);
  }

  /** The other side can hear us again, and may not know what had arrived before. @param {Iterable<Carrier>} carriers @param {number} now */
  sayAll(carriers, now) {
    for (const carrier of carriers) {
      if (!carrier.incoming || carrier.incoming.received === 0 || this._unacknowledged.has(carrier)) continue;
      this._unacknowledged.set(carrier, now);
    }
    this._sayNow(now);
  }

  /** @param {Carrier} carrier */
  forget(carrier) {
    this._unacknowledged.delete(carrier);
  }

  /** Nothing can be said for now. */
  stop() {
    this._unacknowledged.clear();
    this._clearTimer();
  }

  /** @param {number} now */
  _sayNow(now) {
    this._clearTimer();
    /** @type {Record<string, [number, number, number]>} */
    const received = {};
    for (const [{ id, incoming }, cameAt] of this._unacknowledged) {
      if (incoming) received[id] = [...incoming.acknowledged(), Math.round((now - cameAt) * 10_000) / 10];
    }
    if (this._unacknowledged.size === 0) return;
    this._unacknowledged.clear();
    // What could not be said is said when the control channel opens.
    this._say({ type: "ack", received });
  }

  /** @param {number} now */
  _setTimer(now) {
    this._dueAt = now + ACK_DELAY;
    this._timer = setTimeout(() => this._sayNow(clock()), ACK_DELAY * 1000);
  }

  _clearTimer() {
    clearTimeout(this._timer);
    this._timer = undefined;
    this._dueAt = Infinity;
  }
}
