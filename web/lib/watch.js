/** Looks for signs of life of the other side, in the counters that the browser keeps of a connection. */

/** Seconds between two looks. */
export const LOOK_EVERY = 0.5;
/** Timers may be a little early. */
const TOLERANCE = 0.05;
/** Unanswered probes: a path that is dead for long is not filled with them. */
export const MAX_PROBES = 16;
/** Bytes and packets between two looks: after that much, nothing at all is a bad sign. */
export const BUSY = 1000;

/** What grows when something of the other side arrives, data or answers to checks. */
const COUNTERS = ["bytesReceived", "packetsReceived", "requestsReceived", "responsesReceived"];

/** @typedef {Map<string, number>} Arrived how much, over each path and in all, by the id of the report */

/** @param {Iterable<Record<string, any>>} reports of getStats @returns {Arrived} */
export function arrived(reports) {
  /** @type {Arrived} */
  const counts = new Map();
  for (const report of reports) {
    if (report.type !== "transport" && report.type !== "candidate-pair") continue;
    counts.set(report.id, COUNTERS.reduce((sum, name) => sum + Number(report[name] ?? 0), 0));
  }
  return counts;
}

/**
 * What has come in between; a path that is not known any more takes nothing away.
 *
 * @param {Arrived} before
 * @param {Arrived} now
 */
export function growth(before, now) {
  let sum = 0;
  for (const [id, count] of now) sum += Math.max(0, count - (before.get(id) ?? 0));
  return sum;
}

export class Watch {
  /**
   * @param {RTCPeerConnection} pc
   * @param {object} handlers
   * @param {() => void} handlers.heard
   * @param {() => void} handlers.stopped much has come until now, and all at once nothing does
   * @param {() => void} handlers.probe give the other side a sign of life, and ask for one
   */
  constructor(pc, { heard, stopped, probe }) {
    this._pc = pc;
    this._heard = heard;
    this._stopped = stopped;
    this._probe = probe;
    this._lookedAt = -Infinity;
    this._isLooking = false;
    this._probes = 0;
    /** Looks for which the path still counts as busy: the first of a silence has seen the end of the traffic. */
    this._busyLooks = 0;
    /** @type {Arrived} */
    this._last = new Map();
  }

  /** Often enough is up to the caller, too often is up to us. @param {number} now */
  async look(now) {
    if (this._isLooking || now - this._lookedAt < LOOK_EVERY - TOLERANCE) return;
    this._isLooking = true;
    this._lookedAt = now;
    try {
      this.compare(arrived((await this._pc.getStats()).values()));
    } catch {
      // It is closed, which is told elsewhere.
    } finally {
      this._isLooking = false;
    }
  }

  /** @param {Arrived} now */
  compare(now) {
    const grown = growth(this._last, now);
    this._last = now;
    if (grown > 0) {
      this._probes = 0;
      this._heard();
    }
    if (grown > BUSY) this._busyLooks = 2;
    else if (grown === 0 && this._busyLooks > 0) this._stop();
    else this._busyLooks -= 1;
    if (this._probes >= MAX_PROBES) return;
    // Browsers check a path only every 2.5 s, which would look like silence where nothing else flows.
    this._probes += 1;
    this._probe();
  }

  _stop() {
    this._busyLooks = 0;
    this._stopped();
  }
}
