/**
 * Signals: exactly once and in order for each pair, or the sender is told. Pure: time comes in, messages go out.
 *
 * Every destination has its own numbers, 1, 2, 3 …, which live as long as our id does. A signal that could
 * not be delivered keeps its number with an empty payload: its peer may come back one day and goes on counting.
 */

import { Incoming } from "./incoming.js";
import { Outgoing } from "./outgoing.js";

/** @typedef {import("../protocol.js").Signal} Signal */
/** @typedef {import("../protocol.js").Ack} Ack */

/** Numbers of this many peers are remembered after they have gone. */
export const MAX_REMEMBERED_PEERS = 1000;

export class Deliveries {
  /** @param {import("./allowance.js").Allowance} allowance */
  constructor(allowance) {
    /** Signals that were said again because their peer did not acknowledge them. */
    this.resends = 0;
    this._allowance = allowance;
    /** @type {Map<string, Outgoing>} */
    this._outgoing = new Map();
    /** @type {Map<string, Incoming>} */
    this._incoming = new Map();
  }

  /**
   * Number a signal and keep it; null when it has to wait: until the peer appears, or for others.
   *
   * Throws Full when 256 signals, or 1 MiB of them, are not acknowledged yet.
   *
   * @param {string} to
   * @param {any} payload
   * @param {number} doubtUntil when to give up on a peer that nobody has announced; Infinity when somebody has
   * @param {number} now
   * @returns {Signal | null}
   */
  send(to, payload, doubtUntil, now) {
    const outgoing = this._outgoingTo(to);
    const kept = outgoing.keep(payload, now);
    if (!outgoing.isPresent) outgoing.until = Math.min(outgoing.until, doubtUntil);
    return kept && { type: "signal", to, n: kept.n, payload };
  }

  /**
   * Whether an arriving signal is the next one; a double or one after a gap is not.
   *
   * @param {string} from
   * @param {number} n
   * @param {number} now
   */
  accept(from, n, now) {
    const incoming = this._incoming.get(from) ?? new Incoming();
    this._incoming.set(from, incoming);
    return incoming.accept(n, now);
  }

  /** @param {string} from @param {number} n @param {number} now */
  acknowledged(from, n, now) {
    this._outgoing.get(from)?.confirm(n, now);
  }

  /**
   * The peer is in a room with us: what it has not acknowledged is said again, in order.
   *
   * @param {string} id
   * @param {boolean} isAway
   * @param {number} now
   * @returns {Signal[]}
   */
  appeared(id, isAway, now) {
    return signals(id, this._outgoingTo(id).appear(isAway, now));
  }

  /** The peer cannot be reached now; it may come back. @param {string} id */
  disappeared(id) {
    this._outgoing.get(id)?.disappear();
  }

  /** Nobody is present any more, until a snapshot says so. */
  allDisappeared() {
    for (const outgoing of this._outgoing.values()) outgoing.disappear();
  }

  /** The peer has lost its link, or has one again. @param {string} id @param {boolean} isAway @param {number} now */
  changed(id, isAway, now) {
    this._outgoing.get(id)?.setAway(isAway, now);
  }

  /** Our link is back, and what it has missed is on its way. @param {number} now */
  resumed(now) {
    for (const outgoing of this._outgoing.values()) outgoing.restart(now);
  }

  /**
   * The server did not know this destination; it may still come back until `until`.
   *
   * @param {string} id
   * @param {number} until
   */
  refused(id, until) {
    const outgoing = this._outgoing.get(id);
    if (!outgoing || outgoing.unacknowledged.length === 0) return;
    outgoing.disappear();
    outgoing.until = Math.min(outgoing.until, until);
  }

  /** The server does not take signals for this peer: until the next, none is said again. @param {string} id */
  rest(id) {
    this._outgoing.get(id)?.rest();
  }

  /**
   * The peer has gone for good: the payloads that it has not acknowledged.
   *
   * @param {string} id
   * @returns {any[]}
   */
  gone(id) {
    const incoming = this._incoming.get(id);
    if (incoming) incoming.ackAt = Infinity;
    const outgoing = this._outgoing.get(id);
    if (!outgoing) return [];
    // Put back at the end: the order of the map is the order of going.
    this._outgoing.delete(id);
    this._outgoing.set(id, outgoing);
    const undelivered = outgoing.giveUp();
    this._forgetOldest();
    return undelivered;
  }

  /** Whoever is in doubt gets at least until then: nobody could come back while we were away. @param {number} until */
  patience(until) {
    for (const outgoing of this._outgoing.values()) outgoing.until = Math.max(outgoing.until, until);
  }

  /** Who has not acknowledged everything yet. */
  get unacknowledged() {
    return [...this._outgoing].filter(([, { unacknowledged }]) => unacknowledged.length > 0).map(([id]) => id);
  }

  get wakeAt() {
    let [at, resendAt] = [Infinity, Infinity];
    for (const [id, incoming] of this._incoming) {
      if (this._outgoing.get(id)?.isPresent) at = Math.min(at, incoming.ackAt);
    }
    for (const outgoing of this._outgoing.values()) {
      at = Math.min(at, outgoing.until);
      resendAt = Math.min(resendAt, outgoing.resendAt);
    }
    return Math.min(at, Math.max(resendAt, this._allowance.readyAt));
  }

  /** @param {number} now @returns {Ack[]} */
  dueAcks(now) {
    /** @type {Ack[]} */
    const acks = [];
    for (const [id, incoming] of this._incoming) {
      if (incoming.ackAt > now || !this._outgoing.get(id)?.isPresent) continue;
      acks.push({ type: "ack", to: id, n: incoming.acknowledge(now) });
    }
    return acks;
  }

  /** @param {number} now @returns {Signal[]} */
  dueResends(now) {
    const again = [...this._outgoing].flatMap(([id, outgoing]) =>
      outgoing.resendAt <= now ? signals(id, outgoing.sayAgain(now, this._allowance)) : [],
    );
    this.resends += again.length;
    return again;
  }

  /** Those who did not come back in time. @param {number} now @returns {string[]} */
  givenUp(now) {
    return [...this._outgoing].filter(([, outgoing]) => outgoing.until <= now).map(([id]) => id);
  }

  /** @param {string} to */
  _outgoingTo(to) {
    const outgoing = this._outgoing.get(to) ?? new Outgoing();
    this._outgoing.set(to, outgoing);
    return outgoing;
  }

  _forgetOldest() {
    for (const [id, outgoing] of this._outgoing) {
      if (this._outgoing.size <= MAX_REMEMBERED_PEERS) break;
      if (outgoing.isPresent || outgoing.until !== Infinity) continue;
      this._outgoing.delete(id);
      this._incoming.delete(id);
    }
  }
}

/** @param {string} to @param {import("./outgoing.js").Kept[]} kept @returns {Signal[]} */
function signals(to, kept) {
  return kept.map(({ n, payload }) => ({ type: "signal", to, n, payload }));
}
