/** Whether a link still lives: silence is asked about with a ping, and only silence after that is death. */

/** How long a link may stay silent after a wake-up before it is taken for dead. */
export const CHECK_TIMEOUT = 3;
/** A timer later than this means that we slept: what the server said meanwhile may still be on its way. */
export const SLEPT = 2;
/** Whatever a server says: asking more often than this would be a loop without rest. */
export const SHORTEST = 0.05;

export class Liveness {
  constructor() {
    this._interval = Infinity;
    this._timeout = Infinity;
    this._heardAt = 0;
    /** When the link is dead unless something is heard; Infinity: not asked. */
    this._deadline = Infinity;
    this._hasSlept = false;
  }

  /** @param {number} now @param {number} interval @param {number} timeout */
  begin(now, interval, timeout) {
    this._interval = atLeastShortest(interval);
    this._timeout = atLeastShortest(timeout);
    this.heard(now);
  }

  /** @param {number} now */
  heard(now) {
    this._heardAt = now;
    this._deadline = Infinity;
    this._hasSlept = false;
  }

  /** A ping is being sent now, out of turn: answer soon. @param {number} now */
  check(now) {
    this._deadline = Math.min(this._deadline, now + CHECK_TIMEOUT);
  }

  get wakeAt() {
    return this._deadline === Infinity ? this._heardAt + this._interval : this._deadline;
  }

  /**
   * @param {number} now
   * @returns {"ping" | "dead" | "fine"}
   */
  wake(now) {
    if (now < this.wakeAt) return "fine";
    if (this._deadline === Infinity) {
      this._deadline = now + this._timeout;
      return "ping";
    }
    // Once only: the timers of a hidden tab may all be late.
    if (now < this._deadline + SLEPT || this._hasSlept) return "dead";
    this._hasSlept = true;
    this._deadline = now + CHECK_TIMEOUT;
    return "ping";
  }
}

/** @param {number} seconds which a server may have got wrong, even in type */
function atLeastShortest(seconds) {
  return seconds > SHORTEST ? seconds : SHORTEST;
}
