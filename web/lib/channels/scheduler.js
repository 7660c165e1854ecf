/** Who goes first: real-time before reliable before bulk, and lanes of a class in turns. Pure. */

import { BULK, RELIABLE } from "./kinds.js";
import { Window } from "./window.js";

/** BULK of one connection in one turn of the event loop, so that other connections get theirs. */
const TURN_BYTES = 64 * 1024;

/**
 * How much may lie in the buffers of all lanes together: UNRELIABLE and LATEST go out up to the first, it included;
 * RELIABLE and BULK go out below the second.
 *
 * @typedef {{realtimeBytes: number, orderedBytes: number}} Marks
 */

/**
 * One for each connection. A `key` stands for a channel; what waits stays there.
 *
 * @template Key
 */
export class Scheduler {
  /** @param {Marks} marks */
  constructor(marks) {
    this._marks = marks;
    /** @type {Map<Key, number>} */
    this._realtime = new Map();
    /** @type {Map<Key, number>} */
    this._reliable = new Map();
    /** @type {Map<Key, number>} */
    this._bulk = new Map();
    this._turnLeft = TURN_BYTES;
    this.window = new Window();
  }

  /**
   * So long is the next data-channel message of this channel; 0: none is there.
   *
   * @param {Key} key
   * @param {import("./kinds.js").Kind} kind
   * @param {number} nextBytes
   */
  waits(key, kind, nextBytes) {
    const waiting = this._classOf(kind);
    if (nextBytes > 0) waiting.set(key, nextBytes);
    else waiting.delete(key);
  }

  /** The event loop has come round. */
  beginTurn() {
    this._turnLeft = TURN_BYTES;
  }

  /** Whether BULK waits. */
  get hasBulk() {
    return this._bulk.size > 0;
  }

  /**
   * Whose data-channel message to hand over now; null: nobody's. What waits after it is to be told.
   *
   * @param {number} bufferedBytes
   * @param {number} bulkInFlightBytes
   * @param {boolean} [isPaced] BULK has gone out as fast as it may
   * @returns {Key | null}
   */
  next(bufferedBytes, bulkInFlightBytes, isPaced = false) {
    if (this._realtime.size > 0) {
      return bufferedBytes <= this._marks.realtimeBytes ? first(this._realtime)[0] : null;
    }
    if (bufferedBytes >= this._marks.orderedBytes) return null;
    if (this._reliable.size > 0) return first(this._reliable)[0];
    if (this._bulk.size === 0 || this._turnLeft <= 0 || !this.window.hasRoom(bulkInFlightBytes)) return null;
    if (isPaced) return null;
    const [key, nextBytes] = first(this._bulk);
    this._turnLeft -= nextBytes;
    return key;
  }

  /** @param {import("./kinds.js").Kind} kind */
  _classOf(kind) {
    if (kind === RELIABLE) return this._reliable;
    return kind === BULK ? this._bulk : this._realtime;
  }
}

/**
 * The one that has waited longest; it leaves.
 *
 * @template Key
 * @param {Map<Key, number>} waiting not empty
 * @returns {[Key, number]}
 */
function first(waiting) {
  const [[key, nextBytes]] = waiting;
  waiting.delete(key);
  return [key, nextBytes];
}
