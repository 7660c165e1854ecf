/**
 * Signals: exactly once and in order for each pair, or the sender is told. Pure: time comes in, messages go out.
 *
 * Every destination has its own numbers, 1, 2, 3 …, which live as long as our id does. A signal that could
 * not be delivered keeps its number with an empty payload: its peer may come back one day and goes on counting.
 */

import { Full } from "../errors.js";

/** @typedef {import("../protocol.js").Signal} Signal */
/** @typedef {import("../protocol.js").Ack} Ack */

export const MAX_UNACKNOWLEDGED = 256;
export const MAX_UNACKNOWLEDGED_CHARACTERS = 1_048_576;
export const ACK_DELAY = 0.1;
export const ACK_EVERY = 16;
/** Numbers of this many peers are remembered after they have gone. */
export const MAX_REMEMBERED_PEERS = 1000;

/**
 * @typedef {object} Outgoing
 * @property {number} last number of the last signal
 * @property {{n: number, payload: any, characters: number}[]} unacknowledged
 * @property {number} characters of all payloads that are kept
 * @property {boolean} present whether the peer shares a room with us, as far as we know
 * @property {number} until when to give up on one whom the server did not know; Infinity: no doubt
 */

/** @typedef {{last: number, unconfirmed: number, ackAt: number, ackedAt: number}} Incoming */

export class Deliveries {
  constructor() {
    /** @type {Map<string, Outgoing>} */
    this._outgoing = new Map();
    /** @type {Map<string, Incoming>} */
    this._incoming = new Map();
  }

  /**
   * Number a signal and keep it; null when it has to wait until the peer appears.
   *
   * Throws Full when 256 signals, or 1 MiB of them, are not acknowledged yet.
   *
   * @param {string} to
   * @param {any} payload
   * @param {number} doubtUntil when to give up on a peer that nobody has announced; Infinity when somebody has
   * @returns {Signal | null}
   */
  send(to, payload, doubtUntil) {
    const outgoing = this._outgoingTo(to);
    const characters = JSON.stringify(payload).length;
    if (
      outgoing.unacknowledged.length >= MAX_UNACKNOWLEDGED ||
      outgoing.characters + characters > MAX_UNACKNOWLEDGED_CHARACTERS
    ) {
      throw new Full("too many signals wait for this peer", "wait until some are acknowledged");
    }
    outgoing.last += 1;
    outgoing.characters += characters;
    outgoing.unacknowledged.push({ n: outgoing.last, payload, characters });
    if (outgoing.present) return { type: "signal", to, n: outgoing.last, payload };
    outgoing.until = Math.min(outgoing.until, doubtUntil);
    return null;
  }

  /**
   * Whether an arriving signal is the next one; a double or one after a gap is not.
   *
   * @param {string} from
   * @param {number} n
   * @param {number} now
   */
  accept(from, n, now) {
    const incoming = this._incoming.get(from) ?? { last: 0, unconfirmed: 0, ackAt: Infinity, ackedAt: -Infinity };
    this._incoming.set(from, incoming);
    if (n !== incoming.last + 1) {
      // At once, but a whole run of doubles is answered once.
      incoming.ackAt = Math.min(incoming.ackAt, Math.max(now, incoming.ackedAt + ACK_DELAY));
      return false;
    }
    incoming.last = n;
    incoming.unconfirmed += 1;
    const due = incoming.unconfirmed >= ACK_EVERY ? now : now + ACK_DELAY;
    incoming.ackAt = Math.min(incoming.ackAt, due);
    return true;
  }

  /** @param {string} from @param {number} n */
  acknowledged(from, n) {
    const outgoing = this._outgoing.get(from);
    if (!outgoing) return;
    while (outgoing.unacknowledged.length > 0 && outgoing.unacknowledged[0].n <= n) {
      outgoing.characters -= outgoing.unacknowledged[0].characters;
      outgoing.unacknowledged.shift();
    }
  }

  /**
   * The peer is in a room with us: what it has not acknowledged is said again, in order.
   *
   * @param {string} id
   * @returns {Signal[]}
   */
  appeared(id) {
    const outgoing = this._outgoingTo(id);
    outgoing.until = Infinity;
    if (outgoing.present) return [];
    outgoing.present = true;
    return outgoing.unacknowledged.map(({ n, payload }) => ({ type: "signal", to: id, n, payload }));
  }

  /** The peer cannot be reached now; it may come back. @param {string} id */
  disappeared(id) {
    const outgoing = this._outgoing.get(id);
    if (outgoing) outgoing.present = false;
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
    outgoing.present = false;
    outgoing.until = Math.min(outgoing.until, until);
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
    outgoing.present = false;
    outgoing.until = Infinity;
    outgoing.characters = 0;
    const undelivered = outgoing.unacknowledged.map(({ payload }) => payload).filter((each) => each !== null);
    for (const signal of outgoing.unacknowledged) {
      signal.payload = null;
      signal.characters = 0;
    }
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

  /** Nobody is present any more, until a snapshot says so. */
  allDisappeared() {
    for (const outgoing of this._outgoing.values()) outgoing.present = false;
  }

  get wakeAt() {
    let at = Infinity;
    for (const [id, incoming] of this._incoming) {
      if (this._outgoing.get(id)?.present) at = Math.min(at, incoming.ackAt);
    }
    for (const outgoing of this._outgoing.values()) at = Math.min(at, outgoing.until);
    return at;
  }

  /**
   * The acknowledgements that are due, and those who did not come back.
   *
   * @param {number} now
   * @returns {{acks: Ack[], gone: string[]}}
   */
  wake(now) {
    /** @type {Ack[]} */
    const acks = [];
    for (const [id, incoming] of this._incoming) {
      if (incoming.ackAt > now || !this._outgoing.get(id)?.present) continue;
      incoming.ackAt = Infinity;
      incoming.ackedAt = now;
      incoming.unconfirmed = 0;
      acks.push({ type: "ack", to: id, n: incoming.last });
    }
    const gone = [...this._outgoing].filter(([, outgoing]) => outgoing.until <= now).map(([id]) => id);
    return { acks, gone };
  }

  /** @param {string} to */
  _outgoingTo(to) {
    let outgoing = this._outgoing.get(to);
    if (!outgoing) {
      outgoing = { last: 0, unacknowledged: [], characters: 0, present: false, until: Infinity };
      this._outgoing.set(to, outgoing);
    }
    return outgoing;
  }

  _forgetOldest() {
    for (const [id, outgoing] of this._outgoing) {
      if (this._outgoing.size <= MAX_REMEMBERED_PEERS) break;
      if (outgoing.present || outgoing.until !== Infinity) continue;
      this._outgoing.delete(id);
      this._incoming.delete(id);
    }
  }
}
