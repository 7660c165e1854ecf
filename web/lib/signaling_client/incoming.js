/** Signals from one peer: which of them are news, and when to acknowledge. Pure. */

export const ACK_DELAY = 0.1;
export const ACK_EVERY = 16;

export class Incoming {
  constructor() {
    this.ackAt = Infinity;
    this._last = 0;
    this._hasGap = false;
    this._unconfirmed = 0;
    this._acked = 0;
    this._ackedAt = -Infinity;
  }

  /**
   * Whether an arriving signal is the next one; a double or one after a gap is not.
   *
   * @param {number} n
   * @param {number} now
   */
  accept(n, now) {
    if (n !== this._last + 1) {
      if (n > this._last) this._hasGap = true;
      // At once, but a whole run of them is answered once.
      this.ackAt = Math.min(this.ackAt, Math.max(now, this._ackedAt + ACK_DELAY));
      return false;
    }
    this._last = n;
    this._hasGap = false;
    this._unconfirmed += 1;
    const due = this._unconfirmed >= ACK_EVERY ? now : now + ACK_DELAY;
    this.ackAt = Math.min(this.ackAt, due);
    return true;
  }

  /** The number to acknowledge, which is due. @param {number} now */
  acknowledge(now) {
    // Only a number that is said twice tells of a gap.
    const isToBeRepeated = this._hasGap && this._acked !== this._last;
    this.ackAt = isToBeRepeated ? now + ACK_DELAY : Infinity;
    this._acked = this._last;
    this._ackedAt = now;
    this._unconfirmed = 0;
    return this._last;
  }
}
