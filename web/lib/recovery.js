/**
 * When a connection looks for another path, when it is rebuilt, and when its application is told.
 *
 *     silence of 1.25 s   look for another path (ICE restart), again and again at growing intervals
 *     silence of 4 s      the connection is interrupted
 *     silence of 30 s     the path cannot be found: begin a new connection, if three restarts have not helped
 *
 * Pure: time and signs of life come in, the advice goes out. The twin of peer/recovery.py; what the browser's
 * own ICE says (`suspect`, `broke`) is only known here.
 */

import { delay } from "./backoff.js";

/** A connection that does not stand by then will not stand by itself. */
export const CONNECT_TIMEOUT = 20;
export const TICK = 0.25;
/** Two probes and a half without an answer. A restart that was not needed costs three signals. */
export const SUSPECT_AFTER = 1.25;
/** A round trip of 2 s, or a page that is blocked for 3 s, is not a loss. */
export const LOST_AFTER = 4;
/** As long as consent lasts (RFC 7675 section 5.1). */
export const REBUILD_AFTER = 30;
export const RESTARTS_BEFORE_REBUILD = 3;
/** A timer that is later than this: it was us who did not listen, or a browser that saves power. */
export const LATE = 0.5;
/** A connection that has stood for so long has recovered, and the next trouble is a new one. */
export const STEADY_AFTER = 10;
/** Where the browser itself has given the path up, one restart gets this long. */
export const BROKEN_AFTER = 8;
const RESTART_PAUSE = 2;
const LONGEST_RESTART_PAUSE = 8;
const SHORTEST_RESTART_PAUSE = 1;

/** @typedef {"restart" | "rebuild"} Act */

export class Recovery {
  /**
   * @param {() => number} random from 0 up to 1
   * @param {{canRestart?: boolean}} [options] whether both engines can restart ICE
   */
  constructor(random, { canRestart = true } = {}) {
    /** @type {"connecting" | "connected" | "interrupted"} */
    this.state = "connecting";
    this._random = random;
    this._canRestart = canRestart;
    this._isReachable = true;
    this._isStopped = false;
    this._rebuilds = 0;
    this._rebuildAt = Infinity;
    this._tickAt = Infinity;
    this._heardAt = -Infinity;
    this._steadySince = Infinity;
    this._restarts = 0;
    this._restartedAt = -Infinity;
    this._restartAt = -Infinity;
    this._tries = 0;
    this._wantsRestart = false;
    this._isSuspect = false;
    this._isBroken = false;
    /** When a restart of a broken path has had its time. */
    this._givenUpAt = Infinity;
  }

  /** When `wake` is due; Infinity: there is nothing to wait for. */
  get wakeAt() {
    return this._isStopped ? Infinity : Math.min(this._tickAt, this._isReachable ? this._rebuildAt : Infinity);
  }

  /** Whether a connection stands that can fall silent. */
  get isWatching() {
    return this._tickAt !== Infinity && !this._isStopped;
  }

  /** What is being done about a path that is silent, null when it is not. @param {number} now @returns {Act | "waiting-for-server" | null} */
  doing(now) {
    if (this._isStopped || (this.isWatching && !this._isQuiet(this.silence(now)))) return null;
    if (!this._isReachable) return "waiting-for-server";
    return this.isWatching ? "restart" : "rebuild";
  }

  /** Seconds since the last sign of life of a connection that has stood. @param {number} now */
  silence(now) {
    return this._heardAt === -Infinity ? 0 : Math.max(0, now - this._heardAt);
  }

  /** A new connection begins; the one before stands no more. @param {number} now */
  began(now) {
    if (this.state === "connected") this.state = "interrupted";
    this._rebuildAt = now + CONNECT_TIMEOUT;
    this._tickAt = Infinity;
    this._wantsRestart = false;
    this._mended();
  }

  /** The new connection stands. @param {number} now */
  connected(now) {
    this.state = "connected";
    this._rebuildAt = Infinity;
    this._tickAt = now + TICK;
    this._steadySince = this._heardAt = now;
    this._tries = 0;
    this._mended();
  }

  /** There was a sign of life at this time. @param {number} at */
  heard(at) {
    if (at <= this._heardAt) return;
    this._heardAt = at;
    this._tries = 0;
    this._isSuspect = false;
  }

  /** The browser has its doubts: look for another path at once. @param {number} now */
  suspect(now) {
    if (!this.isWatching) return;
    this._isSuspect = true;
    this._tickAt = Math.min(this._tickAt, now);
  }

  /** The browser has given up the path of a connection that has stood. @param {number} now */
  broke(now) {
    if (!this.isWatching || this._isBroken) return;
    this._isBroken = this._wantsRestart = true;
    this.suspect(now);
  }

  /**
   * The connection cannot live any more. The first rebuild follows soon, the others ever later.
   *
   * @param {number} now
   */
  failed(now) {
    if (this.state === "connected") this.state = "interrupted";
    this._rebuildAt = Math.min(this._rebuildAt, now + delay(this._rebuilds, this._random()));
    this._tickAt = Infinity;
    this._rebuilds += 1;
  }

  /** This machine's addresses have changed; `wake` is due now. @param {boolean} isPathGone */
  networkChanged(isPathGone) {
    if (isPathGone) this._wantsRestart = true;
    // Another path may work: the next attempt need not wait for its turn.
    else this._restartAt = -Infinity;
  }

  /** A restart has begun, whoever wished for it. @param {number} now */
  restarted(now) {
    this._wantsRestart = false;
    this._restartedAt = now;
    const pause = Math.min(LONGEST_RESTART_PAUSE, RESTART_PAUSE * 2 ** Math.min(this._restarts, 16));
    this._restartAt = now + pause * (0.5 + 0.5 * this._random());
    this._restarts += 1;
    if (this._isBroken) this._givenUpAt = Math.min(this._givenUpAt, now + BROKEN_AFTER);
  }

  /** Whether signals reach the other side now; without them nothing can be done but to listen. @param {boolean} isReachable */
  setReachable(isReachable) {
    this._isReachable = isReachable;
  }

  /** The connection ends for good, or there is nobody to rebuild it for. */
  stop() {
    this._isStopped = true;
  }

  /** What to do now, if anything; `state` may have changed. @param {number} now @returns {Act | null} */
  wake(now) {
    if (this._isStopped) return null;
    if (this._isReachable && now >= this._rebuildAt) return this._rebuild(now);
    if (this._tickAt === Infinity) return null;
    this._tick(now);
    const silence = now - this._heardAt;
    this.state = silence >= LOST_AFTER ? "interrupted" : "connected";
    if (this._isQuiet(silence)) this._steadySince = now;
    else if (now - this._steadySince >= STEADY_AFTER) this._restarts = this._rebuilds = 0;
    return this._isReachable ? this._advice(now, silence) : null;
  }

  /** @param {number} now */
  _tick(now) {
    const late = now - this._tickAt;
    // What came meanwhile has not been read yet.
    if (late > LATE) this._heardAt = Math.min(now, this._heardAt + late);
    if (late >= 0) this._tickAt = now + TICK;
  }

  /** @param {number} now @param {number} silence @returns {Act | null} */
  _advice(now, silence) {
    if (!this._canRestart) return this._wantsRestart || silence >= LOST_AFTER ? this._rebuild(now) : null;
    if (now >= this._givenUpAt) return this._rebuild(now);
    if (silence >= REBUILD_AFTER && this._tries >= RESTARTS_BEFORE_REBUILD) return this._rebuild(now);
    const isWanted = this._wantsRestart && now >= this._restartedAt + SHORTEST_RESTART_PAUSE;
    if (!isWanted && !(this._isQuiet(silence) && now >= this._restartAt)) return null;
    this._tries += 1;
    this.restarted(now);
    return "restart";
  }

  /** @param {number} now @returns {Act} */
  _rebuild(now) {
    this.began(now);
    return "rebuild";
  }

  /** @param {number} silence */
  _isQuiet(silence) {
    return this._isSuspect || silence >= SUSPECT_AFTER;
  }

  _mended() {
    this._isSuspect = this._isBroken = false;
    this._givenUpAt = Infinity;
  }
}
