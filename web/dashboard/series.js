/** What charts are drawn from: values over the last minutes, and rates of counters. */

/** @typedef {{ at: number, value: number }} Point `at` in seconds */

export class Series {
  /** @param {number} span seconds that are kept */
  constructor(span) {
    this.span = span;
    /** @type {Point[]} */
    this.points = [];
  }

  /** @param {number} at @param {number} value */
  add(at, value) {
    // The clock of a server may be set back; what is after it would be drawn over what is before.
    while (this.points.length > 0 && this.points[this.points.length - 1].at >= at) this.points.pop();
    this.points.push({ at, value });
    while (this.points[0].at < at - this.span) this.points.shift();
  }

  get last() {
    return this.points.at(-1)?.value ?? 0;
  }

  get most() {
    return this.points.reduce((most, { value }) => Math.max(most, value), 0);
  }
}

/** A counter that starts again at 0 with its server, as a rate per second. */
export class Rate {
  /** @param {number} span */
  constructor(span) {
    this.series = new Series(span);
    /** @type {{ at: number, count: number, epoch: string } | null} */
    this._before = null;
  }

  /** @param {number} at @param {number} count @param {string} epoch another one: the counter has begun again */
  add(at, count, epoch) {
    const before = this._before;
    this._before = { at, count, epoch };
    if (before === null || before.epoch !== epoch || at <= before.at) return;
    this.series.add(at, Math.max(0, count - before.count) / (at - before.at));
  }
}
