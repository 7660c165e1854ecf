/** Spreads BULK over time: what goes out at once waits in the queues of the path, and others behind it. Pure. */

const LEAST_BURST_BYTES = 2 * 1160;
/** So much may go out at once; a busy event loop does not come round more often. */
const BURST_SECONDS = 0.003;

/** Rates are in bytes a second, `now` is monotonic, in seconds. */
export class Pace {
  constructor() {
    this._leftBytes = LEAST_BURST_BYTES;
    /** @type {number | null} */
    this._at = null;
  }

  /** Seconds until something more may go out; 0: now. @param {number} rate @param {number} now */
  wait(rate, now) {
    if (this._at !== null) {
      const burstBytes = Math.max(LEAST_BURST_BYTES, rate * BURST_SECONDS);
      this._leftBytes = Math.min(burstBytes, this._leftBytes + (now - this._at) * rate);
    }
    this._at = now;
    return Math.max(0, -this._leftBytes / rate);
  }

  /** So much goes out now; the last of a burst may be longer than what is left. @param {number} size */
  spend(size) {
    this._leftBytes -= size;
  }
}
