/** Hands to the lanes of one connection what waits for them, in the scheduler's order. */

import { now } from "../clock.js";
import { Flight } from "./flight.js";
import { BULK } from "./kinds.js";
import { Pace } from "./pace.js";
import { Scheduler } from "./scheduler.js";

/** @typedef {import("./carrier.js").Carrier} Carrier */

/** A browser empties the buffers while the page does something else; it is told late, and should not run dry until then. */
const MARKS = Object.freeze({ realtimeBytes: 16 * 1024, orderedBytes: 32 * 1024 });

export class Traffic {
  /** @param {(reason: string) => void} violated the other side makes it impossible */
  constructor(violated) {
    this._violated = violated;
    /** @type {Scheduler<Carrier>} */
    this._scheduler = new Scheduler(MARKS);
    /** Those that may have something in the buffer of their lane. @type {Set<Carrier>} */
    this._buffering = new Set();
    /** @type {Map<Carrier, Flight>} */
    this._flights = new Map();
    this._pace = new Pace();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._paceTimer = undefined;
    this._isPumping = false;
    /** Whether there may be something to hand over. */
    this._isWanted = false;
  }

  /** A new connection: nothing is known of its path. */
  begin() {
    this._scheduler = new Scheduler(MARKS);
    this._buffering.clear();
    this._flights.clear();
    this._pace = new Pace();
    clearTimeout(this._paceTimer);
    this._paceTimer = undefined;
  }

  /** The connection is about to end: BULK goes out as the rest does. */
  hurry() {
    this._scheduler.window.lift();
    this.pump();
  }

  /** Something may have come to wait here, or may go now. @param {Carrier} carrier */
  waits(carrier) {
    this._tell(carrier, now());
    this.pump();
  }

  /** Its lane is gone. @param {Carrier} carrier */
  forget(carrier) {
    this._scheduler.waits(carrier, carrier.kind, 0);
    this._buffering.delete(carrier);
    this._flights.delete(carrier);
    // Whoever waited because of what lay there waits no more.
    this.pump();
  }

  /**
   * Whether that is news.
   *
   * @param {Carrier} carrier
   * @param {unknown} messages
   * @param {unknown} laneBytes
   * @param {unknown} held milliseconds that the last of these bytes has waited for it
   */
  acknowledge(carrier, messages, laneBytes, held) {
    if (typeof held !== "number" || !Number.isFinite(held) || held < 0) return false;
    if (carrier.acknowledge(messages, laneBytes) !== "new") return false;
    const handedAt = this._flights.get(carrier)?.acknowledged(/** @type {number} */ (laneBytes)) ?? null;
    if (handedAt !== null) this._scheduler.window.sample(handedAt, now() - held / 1000);
    return true;
  }

  /** The event loop has come round: something has left a buffer, or has been acknowledged. */
  turn() {
    this._scheduler.beginTurn();
    this.pump();
  }

  /** Hand over what may go now. */
  pump() {
    // What is told from here may lead here again.
    this._isWanted = true;
    if (this._isPumping) return;
    this._isPumping = true;
    try {
      while (this._isWanted || !this._listenForRoom()) {
        this._isWanted = false;
        this._handOver();
      }
    } finally {
      this._isPumping = false;
    }
  }

  _handOver() {
    const at = now();
    let bufferedBytes = this._bufferedBytes();
    let inFlightBytes = 0;
    for (const each of this._flights.keys()) inFlightBytes += each.inFlightBytes;
    let wait = this._pace.wait(this._scheduler.window.rate, at);
    for (;;) {
      const carrier = this._scheduler.next(bufferedBytes, inFlightBytes, wait > 0);
      if (carrier === null) break;
      if (carrier.nextBytes(at) > 0) {
        const size = this._send(carrier);
        if (size === 0) return;
        bufferedBytes += size;
        this._buffering.add(carrier);
        if (carrier.kind === BULK) {
          inFlightBytes += size;
          this._flightOf(carrier).handed(size, at);
          this._pace.spend(size);
          wait = this._pace.wait(this._scheduler.window.rate, at);
        }
      }
      this._tell(carrier, at);
    }
    if (wait > 0 && this._scheduler.hasBulk) this._comeBackAfter(wait);
  }

  /** @param {number} wait seconds */
  _comeBackAfter(wait) {
    this._paceTimer ??= setTimeout(() => {
      this._paceTimer = undefined;
      this.pump();
    }, wait * 1000);
  }

  /** @param {Carrier} carrier */
  _send(carrier) {
    try {
      return carrier.sendNext();
    } catch (error) {
      this._violated(`the other side does not take what is sent: ${error}`);
      return 0;
    }
  }

  /** @param {Carrier} carrier @param {number} at */
  _tell(carrier, at) {
    const nextBytes = carrier.nextBytes(at);
    this._scheduler.waits(carrier, carrier.kind, nextBytes);
    if (nextBytes === 0) carrier.carried.emptied();
  }

  /** @param {Carrier} carrier */
  _flightOf(carrier) {
    const flight = this._flights.get(carrier) ?? new Flight();
    this._flights.set(carrier, flight);
    return flight;
  }

  _bufferedBytes() {
    let total = 0;
    for (const carrier of this._buffering) {
      const { bufferedBytes } = carrier;
      total += bufferedBytes;
      if (bufferedBytes === 0) this._buffering.delete(carrier);
    }
    return total;
  }

  /** False when there is room already, and nobody will tell. */
  _listenForRoom() {
    let isHeard = true;
    for (const carrier of this._buffering) isHeard = carrier.listenForRoom() && isHeard;
    // As good as being told.
    if (!isHeard) this._scheduler.beginTurn();
    return isHeard;
  }
}
