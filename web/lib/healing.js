/** Watches over one connection: listens for signs of life, and has done what the rules of recovery advise. */

import { now } from "./clock.js";
import { Recovery } from "./recovery.js";

/** @typedef {import("./recovery.js").Act} Act */
/** @typedef {Act | "waiting-for-server" | null} Doing what is being done about an interruption */

export class Healing {
  /**
   * @param {object} options
   * @param {boolean} options.canRestart whether both engines can restart ICE
   * @param {() => void} options.watch look for signs of life, and tell `heard` of them
   * @param {(act: Act) => void} options.act
   * @param {() => void} options.told `state` or `doing` has changed
   */
  constructor({ canRestart, watch, act, told }) {
    this._recovery = new Recovery(Math.random, { canRestart });
    this._watch = watch;
    this._act = act;
    this._told = told;
    this._startedAt = now();
    this._isStopped = false;
    /** @type {"connecting" | "connected" | "interrupted"} */
    this.state = "connecting";
    /** @type {Doing} */
    this.doing = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
  }

  /** Seconds since the last sign of life; before there was any, since the first attempt began. */
  get silence() {
    return this.state === "connecting" ? now() - this._startedAt : this._recovery.silence(now());
  }

  /** A new connection begins. */
  began() {
    this._recovery.began(now());
    this.look();
  }

  connected() {
    this._recovery.connected(now());
    this.look();
  }

  heard() {
    this._recovery.heard(now());
  }

  /** The browser has its doubts about the path. */
  suspect() {
    this._recovery.suspect(now());
    this.look();
  }

  /** The browser has given up the path; the connection itself lives. */
  broke() {
    this._recovery.broke(now());
    this.look();
  }

  /** The connection cannot live any more. */
  failed() {
    this._recovery.failed(now());
    this.look();
  }

  /** The other side looks for another path, or wishes us to. */
  restarted() {
    this._recovery.restarted(now());
    this.look();
  }

  /** @param {boolean} isPathGone */
  networkChanged(isPathGone) {
    // What was gathered for a connection that does not stand yet may be worth nothing any more.
    if (isPathGone && !this._recovery.isWatching) this._recovery.failed(now());
    else this._recovery.networkChanged(isPathGone);
    this.look();
  }

  /** Whether signals reach the other side now. @param {boolean} isReachable */
  setReachable(isReachable) {
    this._recovery.setReachable(isReachable);
    this.look();
  }

  /** The other side says that it ends: there is nobody to heal for. */
  gone() {
    this._recovery.failed(now());
    this._recovery.stop();
    this.look();
  }

  /** For good. */
  stop() {
    this._isStopped = true;
    this._recovery.stop();
    clearTimeout(this._timer);
  }

  /** Do what is due. */
  look() {
    if (this._isStopped) return;
    const act = this._recovery.wake(now());
    if (act) this._act(act);
    if (this._recovery.isWatching) this._watch();
    // What was done may have ended everything.
    if (!this._isStopped) this._follow();
  }

  /** Tell what recovery has come to, and wake it when it wants to be woken. */
  _follow() {
    clearTimeout(this._timer);
    const { wakeAt, state } = this._recovery;
    if (wakeAt !== Infinity) this._timer = setTimeout(() => this.look(), Math.max(0, (wakeAt - now()) * 1000));
    const doing = state === "interrupted" ? this._recovery.doing(now()) : null;
    const isNews = state !== this.state || doing !== this.doing;
    this.state = state;
    this.doing = doing;
    if (isNews) this._told();
  }
}
