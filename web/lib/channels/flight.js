/** When the bytes of one BULK lane were handed over: their acknowledgements tell the delay of the path. Pure. */

import { Deque } from "./deque.js";

/** `now` is monotonic, in seconds. */
export class Flight {
  constructor() {
    this._handedBytes = 0;
    /** @type {Deque<{end: number, at: number}>} */
    this._handed = new Deque();
  }

  /** A data-channel message of `size` bytes has gone out. @param {number} size @param {number} now */
  handed(size, now) {
    this._handedBytes += size;
    this._handed.push({ end: this._handedBytes, at: now });
  }

  /**
   * When the last of so many bytes went out; null when it is known already that they have come.
   *
   * @param {number} laneBytes
   */
  acknowledged(laneBytes) {
    let handedAt = null;
    while (this._handed.length > 0 && this._handed.at(0).end <= laneBytes) handedAt = this._handed.shift().at;
    return handedAt;
  }
}
