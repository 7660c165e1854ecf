/** How much may be said again: at most half of what the server takes, so that what is new is not held up. Pure. */

/** Of this much at once the server does not read more slowly, by far. */
export const BURST = 32;
/** A larger signal counts as several: servers count bytes too. */
export const SIZE_OF_ONE = 4096;
/** Per second, whatever a server says. */
const [FEWEST, MOST] = [1, 1000];

export class Allowance {
  constructor() {
    this._perSecond = FEWEST;
    /** When all that was spent is there again. */
    this._spentUntil = -Infinity;
  }

  /** What the server takes from us. @param {number | undefined} messagesPerSecond */
  follow(messagesPerSecond) {
    const half = (messagesPerSecond ?? 0) / 2;
    this._perSecond = half >= FEWEST ? Math.min(half, MOST) : FEWEST;
  }

  /** When something may be said again. */
  get readyAt() {
    return this._spentUntil - BURST / this._perSecond;
  }

  /** @param {number} size @param {number} now */
  spend(size, now) {
    const count = 1 + Math.floor(size / SIZE_OF_ONE);
    this._spentUntil = Math.max(this._spentUntil, now) + count / this._perSecond;
  }
}
