/** How much BULK may be under way: as much as keeps the queues of the path short, judged by delay. Pure. */

const FIRST_BYTES = 64 * 1024;
export const FLOOR_BYTES = 16 * 1024;
export const CEILING_BYTES = 4 * 1024 * 1024;
/** Seconds. Below it there is room for more. */
const SHORT_QUEUE = 0.002;
/** Above it others would notice. */
const LONG_QUEUE = 0.004;
const SHORTEST_ROUND = 0.005;
/** A smallest delay that is older may be that of a path which is no longer there. */
const KNOWN_FOR = 10;

/** All BULK lanes of one connection share it. `bytes` may be unacknowledged, and one fragment more. */
export class Window {
  constructor() {
    this.bytes = FIRST_BYTES;
    this._isLifted = false;
    this._wasFull = false;
    /** @type {number | null} */
    this._smallest = null;
    this._smallestAt = 0;
    /** @type {number | null} */
    this._quickest = null;
    this._roundBegan = 0;
    /** While the smallest delay is looked for: where to go on. @type {number | null} */
    this._savedBytes = null;
    this._looksSince = 0;
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
    if (this._savedBytes !== null && handedAt < this._looksSince) return;
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
    if (now - this._roundBegan >= Math.max(this._smallest, SHORTEST_ROUND)) {
      this._endRound(this._smallest, this._quickest, now);
    }
  }

  /** @param {number} smallest @param {number} quickest @param {number} now */
  _endRound(smallest, quickest, now) {
    if (this._savedBytes !== null) {
      this._smallest = quickest;
      this._smallestAt = now;
      this.bytes = this._savedBytes;
      this._savedBytes = null;
    } else {
      this._steer(smallest, quickest);
      if (now - this._smallestAt > KNOWN_FOR) {
        this._savedBytes = this.bytes;
        this.bytes = FLOOR_BYTES;
        this._looksSince = now;
      }
    }
    this._wasFull = false;
    this._quickest = null;
  }

  /** @param {number} smallest @param {number} quickest */
  _steer(smallest, quickest) {
    const queue = quickest - smallest;
    if (queue <= SHORT_QUEUE) {
      if (this._wasFull) this.bytes = Math.min(CEILING_BYTES, this.bytes + Math.floor(this.bytes / 4));
    } else if (queue > LONG_QUEUE) {
      const share = Math.max(0.5, (smallest + LONG_QUEUE) / quickest);
      this.bytes = Math.max(FLOOR_BYTES, Math.floor(this.bytes * share));
    }
  }
}
