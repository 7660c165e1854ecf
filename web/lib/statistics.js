/** How a connection does, asked as often as anybody likes: two askers share one look, and one interval. */

import { now } from "./clock.js";
import { NO_STATISTICS, summarize } from "./stats.js";

/** @typedef {import("./stats.js").PeerStatistics} PeerStatistics */

/** Seconds; figures over less than this say little. */
const SHORTEST_INTERVAL = 0.9;

export class Statistics {
  /** @param {() => Promise<import("./stats.js").Report | undefined>} report of the connection as it stands */
  constructor(report) {
    this._report = report;
    /** The latest figures. */
    this.latest = NO_STATISTICS;
    /** @type {import("./stats.js").Report | null} */
    this._before = null;
    this._lookedAt = -Infinity;
    /** @type {Promise<PeerStatistics> | null} */
    this._looking = null;
  }

  /** @returns {Promise<PeerStatistics>} */
  async look() {
    if (!this._looking && now() - this._lookedAt < SHORTEST_INTERVAL) return this.latest;
    this._looking ??= this._look().finally(() => (this._looking = null));
    return this._looking;
  }

  /** There is no path any more, so what was known of it is nothing now. */
  reset() {
    this.latest = NO_STATISTICS;
    this._before = null;
    this._lookedAt = -Infinity;
  }

  async _look() {
    const at = now();
    // A connection that is closed meanwhile has no figures.
    const report = await this._report().catch(() => undefined);
    this.latest = report ? summarize(this._before, report, at - this._lookedAt) : NO_STATISTICS;
    this._before = report ?? null;
    this._lookedAt = at;
    return this.latest;
  }
}
