/** How often the other side may do something. Pure. */

/** `perSecond` on average, `atOnce` after a rest. `now` is monotonic, in seconds. */
export class Limit {
  /** @param {number} perSecond @param {number} atOnce */
  constructor(perSecond, atOnce) {
    this._perSecond = perSecond;
    this._atOnce = atOnce;
    this._left = atOnce;
    this._at = Infinity;
  }

  /** Whether one more is within the limit; it is counted. @param {number} now */
  allows(now) {
    this._left = Math.min(this._atOnce, this._left + Math.max(0, now - this._at) * this._perSecond);
    this._at = now;
    if (this._left < 1) return false;
    this._left -= 1;
    return true;
  }
}
