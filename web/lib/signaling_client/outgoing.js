/**
 * Signals to one peer: what it has not acknowledged, and when that is said again. Pure.
 *
 * The peer keeps nothing of what comes after a gap, so all from there on is said again: at once when it
 * acknowledges the same number twice, and after a time-out when it says nothing. A time-out may be wrong, so one
 * signal goes first; each acknowledgement then lets twice as many go.
 */

import { Full } from "../errors.js";
import { ACK_DELAY } from "./incoming.js";

export const MAX_UNACKNOWLEDGED = 256;
export const MAX_UNACKNOWLEDGED_CHARACTERS = 1_048_576;
export const FIRST_TIMEOUT = 3;
export const LONGEST_TIMEOUT = 30;
/** So many that were said again may be on their way; sixteen are acknowledged at once. */
export const WINDOW = 32;
/** Until one was measured. */
const USUAL_ROUND_TRIP = 1;

/**
 * @typedef {object} Kept
 * @property {number} n
 * @property {any} payload null once the sender has been told that it was not delivered
 * @property {number} size in characters
 */

export class Outgoing {
  constructor() {
    this.last = 0;
    /** @type {Kept[]} */
    this.unacknowledged = [];
    /** The peer shares a room with us, as far as we know. */
    this.isPresent = false;
    /** When to give up on one whom the server did not know; Infinity: no doubt. */
    this.until = Infinity;
    this.resendAt = Infinity;
    this._isAway = false;
    this._characters = 0;
    /** Up to here, since we last went back to the first that is not acknowledged. */
    this._said = 0;
    /** The same without going back; since the peer appeared. */
    this._saidEver = 0;
    /** What is due is the rest of what is being said again, no time-out. */
    this._goesOn = false;
    this._window = WINDOW;
    this._timeout = FIRST_TIMEOUT;
    /** When we last went back. */
    this._repeatedAt = -Infinity;
    this._roundTrip = USUAL_ROUND_TRIP;
    /** A number that was said once, and when. @type {{n: number, at: number} | null} */
    this._timed = null;
  }

  get acknowledged() {
    return this.last - this.unacknowledged.length;
  }

  /**
   * Number a payload; null when it is not to be said yet. Throws Full when too much is kept.
   *
   * @param {any} payload
   * @param {number} now
   * @returns {Kept | null}
   */
  keep(payload, now) {
    const size = JSON.stringify(payload).length;
    if (this.unacknowledged.length >= MAX_UNACKNOWLEDGED || this._characters + size > MAX_UNACKNOWLEDGED_CHARACTERS) {
      throw new Full("too many signals wait for this peer", "wait until some are acknowledged");
    }
    const isNext = this._said === this.last;
    this.last += 1;
    this._characters += size;
    const kept = { n: this.last, payload, size };
    this.unacknowledged.push(kept);
    if (this.resendAt === Infinity) this._wait(now);
    // While others are said again, this one would only follow a gap.
    if (!this.isPresent || !isNext) return null;
    this._said = this._saidEver = kept.n;
    this._timed ??= { n: kept.n, at: now };
    return kept;
  }

  /** The peer has had all up to this number. @param {number} n @param {number} now */
  confirm(n, now) {
    if (n === this.acknowledged) this._foundGap(now);
    if (n <= this.acknowledged) return;
    while (this.unacknowledged.length > 0 && this.unacknowledged[0].n <= n) {
      this._characters -= this.unacknowledged[0].size;
      this.unacknowledged.shift();
    }
    this._timeout = FIRST_TIMEOUT;
    this._window = Math.min(2 * this._window, WINDOW);
    if (this._timed && this._timed.n <= n) {
      this._roundTrip = Math.min(now - this._timed.at, FIRST_TIMEOUT);
      this._timed = null;
    }
    // What was said first has arrived: it was only late, and so may be the rest.
    if (n > this._said) this._said = Math.max(this._saidEver, this.acknowledged);
    this._wait(now);
    if (this._said < this.last && this.resendAt < Infinity) this._goOn(now);
  }

  /**
   * What to say to one who may have missed all that is not acknowledged.
   *
   * @param {boolean} isAway
   * @param {number} now
   * @returns {Kept[]}
   */
  appear(isAway, now) {
    this.until = Infinity;
    if (this.isPresent) {
      this.setAway(isAway, now);
      return [];
    }
    this.isPresent = true;
    this._isAway = isAway;
    this._said = this._saidEver = this.last;
    this._repeatedAt = now;
    this.restart(now);
    return [...this.unacknowledged];
  }

  /** It cannot be reached now; it may come back. */
  disappear() {
    this.isPresent = false;
    this.rest();
  }

  /** Whether it has a link; without one, the server keeps for it what is said. @param {boolean} isAway @param {number} now */
  setAway(isAway, now) {
    if (isAway === this._isAway) return;
    this._isAway = isAway;
    this.restart(now);
  }

  /** It has had no chance to acknowledge until now. @param {number} now */
  restart(now) {
    this._timeout = FIRST_TIMEOUT;
    this._timed = null;
    this._wait(now);
  }

  /** Nothing is said again until there is something new. */
  rest() {
    this._goesOn = false;
    this.resendAt = Infinity;
  }

  /** The peer has gone: the payloads that it has not acknowledged. @returns {any[]} */
  giveUp() {
    this.disappear();
    this.until = Infinity;
    this._characters = 0;
    const undelivered = this.unacknowledged.map(({ payload }) => payload).filter((each) => each !== null);
    for (const kept of this.unacknowledged) {
      kept.payload = null;
      kept.size = 0;
    }
    return undelivered;
  }

  /**
   * What is due, as far as there is room on the way to this peer, and to the server.
   *
   * @param {number} now
   * @param {import("./allowance.js").Allowance} allowance
   * @returns {Kept[]}
   */
  sayAgain(now, allowance) {
    if (!this._goesOn) {
      this._timeout = Math.min(2 * this._timeout, LONGEST_TIMEOUT);
      this._goBack(1, now);
    }
    const again = [];
    const limit = Math.min(this.last, this.acknowledged + this._window);
    while (this._said < limit && now >= allowance.readyAt) {
      const kept = this.unacknowledged[this._said - this.acknowledged];
      allowance.spend(kept.size, now);
      again.push(kept);
      this._said = kept.n;
    }
    this._saidEver = Math.max(this._saidEver, this._said);
    if (this._said >= limit) this._wait(now);
    return again;
  }

  /** It has dropped something. After a gap, if it has had two or more; otherwise a double. @param {number} now */
  _foundGap(now) {
    const isLongAgo = now >= this._repeatedAt + this._roundTrip + ACK_DELAY;
    if (this.resendAt < Infinity && this._saidEver >= this.acknowledged + 2 && isLongAgo) this._goBack(WINDOW, now);
  }

  /** @param {number} window @param {number} now */
  _goBack(window, now) {
    this._said = this.acknowledged;
    this._window = window;
    this._repeatedAt = now;
    this._timed = null;
    this._goOn(now);
  }

  /** @param {number} now */
  _goOn(now) {
    this._goesOn = true;
    this.resendAt = Math.min(this.resendAt, now);
  }

  /** Begin the time-out, if there is somebody to wait for. @param {number} now */
  _wait(now) {
    this._goesOn = false;
    const isWaitedFor = this.unacknowledged.length > 0 && this.isPresent && !this._isAway;
    this.resendAt = isWaitedFor ? now + this._timeout : Infinity;
  }
}
