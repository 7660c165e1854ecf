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

/**
 * How much has arrived, over which path.
 *
 * @param {Iterable<Record<string, any>>} reports of getStats
 * @returns {{path: string, count: number}}
 */
export function arrivals(reports) {
  const all = [...reports];
  const transports = all.filter(({ type }) => type === "transport");
  const selected = new Set(transports.map(({ selectedCandidatePairId }) => selectedCandidatePairId));
  // Firefox has no transport reports, and marks the pair itself.
  const pairs = all.filter(({ type, id, selected: isSelected }) => type === "candidate-pair" && (isSelected || selected.has(id)));
  const counts = [...transports, ...pairs].flatMap((each) => COUNTERS.map((name) => Number(each[name] ?? 0)));
  return { path: pairs.map(({ id }) => id).join(), count: counts.reduce((sum, count) => sum + count, 0) };
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
    this._isBusy = false;
    /** @type {ReturnType<typeof arrivals> | null} */
    this._last = null;
  }

  /** Often enough is up to the caller, too often is up to us. @param {number} now */
  async look(now) {
    if (this._isLooking || now - this._lookedAt < LOOK_EVERY - TOLERANCE) return;
    this._isLooking = true;
    this._lookedAt = now;
    try {
      this.compare(arrivals((await this._pc.getStats()).values()));
    } catch {
      // It is closed, which is told elsewhere.
    } finally {
      this._isLooking = false;
    }
  }

  /** @param {ReturnType<typeof arrivals>} arrived until now */
  compare(arrived) {
    const last = this._last;
    this._last = arrived;
    const grown = arrived.path === last?.path ? arrived.count - last.count : arrived.count;
    if (grown > 0) {
      this._probes = 0;
      this._heard();
    } else if (this._isBusy) {
      this._stopped();
    }
    this._isBusy = grown > BUSY;
    if (this._probes >= MAX_PROBES) return;
    // Browsers check a path only every 2.5 s, which would look like silence where nothing else flows.
    this._probes += 1;
    this._probe();
  }
}
