/** Tells the other side what has arrived of ordered channels: soon when it was much, otherwise a little later. */

import { ACK_DELAY } from "../wire.js";

/** @typedef {import("./carrier.js").Carrier} Carrier */

export class Acks {
  /** @param {(message: import("../wire.js").Ack) => boolean} say over the control channel; false when it cannot */
  constructor(say) {
    this._say = say;
    /** @type {Set<Carrier>} */
    this._unacknowledged = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    this._dueAt = Infinity;
  }

  /** A data-channel message of an ordered channel. @param {Carrier} carrier @param {number} now */
  came(carrier, now) {
    if (!carrier.incoming) return;
    this._unacknowledged.add(carrier);
    // The timer may be late: browsers slow down those of pages that nobody looks at.
    if (carrier.incoming.isAckDue || now >= this._dueAt) this._sayNow();
    else if (this._timer === undefined) this._setTimer(now);
  }

  /** The other side can hear us again, and may not know what had arrived before. @param {Iterable<Carrier>} carriers */
  sayAll(carriers) {
    for (const carrier of carriers) {
      if (carrier.incoming && carrier.incoming.received > 0) this._unacknowledged.add(carrier);
    }
    this._sayNow();
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

  _sayNow() {
    this._clearTimer();
    /** @type {Record<string, [number, number]>} */
    const received = {};
    for (const { id, incoming } of this._unacknowledged) if (incoming) received[id] = incoming.acknowledged();
    if (this._unacknowledged.size === 0) return;
    this._unacknowledged.clear();
    // What could not be said is said when the control channel opens.
    this._say({ type: "ack", received });
  }

  /** @param {number} now */
  _setTimer(now) {
    this._dueAt = now + ACK_DELAY;
    this._timer = setTimeout(() => this._sayNow(), ACK_DELAY * 1000);
  }

  _clearTimer() {
    clearTimeout(this._timer);
    this._timer = undefined;
    this._dueAt = Infinity;
  }
}
