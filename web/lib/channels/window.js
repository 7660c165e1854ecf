/** How much BULK may be under way: as much as keeps the queues of the path short, judged by delay. Pure. */

export const FLOOR_BYTES = 16 * 1024;
export const CEILING_BYTES = 4 * 1024 * 1024;
/** Seconds. Up to it there is room for more, and so much more is tried. */
const SHORT_QUEUE = 0.002;
/** Above it others would notice. */
const LONG_QUEUE = 0.003;
/** Of itself, a round, at most. After a queue it begins anew with what would make a short one. */
const GROWTH = 0.25;
/** As long as nothing is known of the path. */
const LIKELY_DELAY = 0.05;
/** It goes out so much faster than the window alone would let it, so that the window decides. */
const HASTE = 1.1;
const NO_LIMIT = 1e12;
const SHORTEST_ROUND = 0.005;
/** A smallest delay that is older may be that of a path which is no longer there. */
const KNOWN_FOR = 10;

/** All BULK lanes of one connection share it. `bytes` may be unacknowledged, and one fragment more. */
export class Window {
  constructor() {
    this.bytes = FLOOR_BYTES;
    this._isLifted = false;
    this._wasFull = false;
    this._growth = GROWTH;
    /** @type {number | null} */
    this._smallest = null;
    this._smallestAt = 0;
    /** @type {number | null} */
    this._quickest = null;
    this._roundBegan = 0;
    /** While the smallest delay is looked for: where to go on. @type {number | null} */
    this._savedBytes = null;
    this._changedAt = 0;
  }

  /** How fast it may go out, in bytes a second. */
  get rate() {
    if (this._isLifted) return NO_LIMIT;
    return HASTE * Math.max(this.bytes / (this._smallest || LIKELY_DELAY), FLOOR_BYTES / LIKELY_DELAY);
  }

  /** From now on there is room for everything. */
  lift() {
    this._isLifted = true;
  }

  /** @param {number} inFlightBytes */
  hasRoom(inFlightBytes) {
    if (inFlightBytes < this.bytes || this._isLifted) return true;
    this._wasFull = true;
    return false;
  }

  /** A byte that was handed over at `handedAt` is acknowledged. @param {number} handedAt @param {number} now */
  sample(handedAt, now) {
    // What went out before the window changed does not tell what the change has done.
    if (handedAt < this._changedAt) return;
    const delay = Math.max(0, now - handedAt);
    if (this._smallest === null || delay <= this._smallest) {
      this._smallest = delay;
      this._smallestAt = now;
    }
    if (this._quickest === null) {
      this._quickest = delay;
      this._roundBegan = now;
    }
    this._quickest = Math.min(this._quickest, delay);
    if (now - this._roundBegan >= Math.max(this._smallest / 4, SHORTEST_ROUND)) {
      this._endRound(this._smallest, this._quickest, now);
    }
  }

  /** @param {number} smallest @param {number} quickest @param {number} now */
  _endRound(smallest, quickest, now) {
    if (this._savedBytes !== null) {
      this._smallest = quickest;
      this._smallestAt = now;
      this._change(this._savedBytes, now);
      this._savedBytes = null;
    } else if (now - this._smallestAt > KNOWN_FOR) {
      this._savedBytes = this.bytes;
      this._change(FLOOR_BYTES, now);
    } else {
      this._steer(smallest, quickest, now);
    }
    this._wasFull = false;
    this._quickest = null;
  }

  /** @param {number} smallest @param {number} quickest @param {number} now */
  _steer(smallest, quickest, now) {
    const queue = quickest - smallest;
    if (queue > SHORT_QUEUE) {
      this._growth = Math.min(GROWTH, SHORT_QUEUE / quickest);
      if (queue > LONG_QUEUE) {
        const share = Math.max(0.5, (smallest + SHORT_QUEUE) / quickest);
        this._change(Math.max(FLOOR_BYTES, Math.floor(this.bytes * share)), now);
      }
    } else if (this._wasFull) {
      this._change(Math.min(CEILING_BYTES, Math.floor(this.bytes * (1 + this._growth))), now);
      this._growth = Math.min(GROWTH, 2 * this._growth);
    }
  }

  /** @param {number} bytes @param {number} now */
  _change(bytes, now) {
    this.bytes = bytes;
    this._changedAt = now;
  }
}
