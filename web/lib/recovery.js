/** When a connection that does not work is to be rebuilt. Pure: time comes in, the advice goes out. */

import { delay } from "./backoff.js";

/** A connection that does not stand by then will not stand by itself. */
export const CONNECT_TIMEOUT = 20;

export class Recovery {
  /** @param {() => number} random from 0 up to 1 */
  constructor(random) {
    this._random = random;
    this._attempt = 0;
    this._rebuildAt = Infinity;
  }

  /** An attempt begins. @param {number} now */
  began(now) {
    this._rebuildAt = now + CONNECT_TIMEOUT;
  }

  connected() {
    this._attempt = 0;
    this._rebuildAt = Infinity;
  }

  /**
   * It has failed. The first rebuild follows soon, the others ever later.
   *
   * @param {number} now
   */
  failed(now) {
    this._rebuildAt = Math.min(this._rebuildAt, now + delay(this._attempt, this._random()));
    this._attempt += 1;
  }

  /** The connection ends for good. */
  stop() {
    this._rebuildAt = Infinity;
  }

  /** When to rebuild; Infinity: there is no need. */
  get wakeAt() {
    return this._rebuildAt;
  }
}
