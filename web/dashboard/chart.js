/** Lines over time as SVG, with the same in words and in a table for those who do not see them. */

import { element } from "../page/dom.js";

/** @typedef {import("./series.js").Series} Series */
/** @typedef {{ name: string, series: Series }} Line at most three: each has its own colour and its own dashes */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 480;
const HEIGHT = 150;
const LEFT = 52;
const BOTTOM = 20;
const TOP = 8;
/** Seconds; a page that has just been opened has little to show. */
const SHORTEST = 60;
/** Rows of the table: one for each of so many parts of the time. */
const ROWS = 10;

/**
 * Axes end at a round number. @param {number} most
 * @returns {number}
 */
export function roundUp(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return /** @type {number} */ ([1, 2, 2.5, 5, 10].find((each) => each * power >= most)) * power;
}

/**
 * Where a line goes, as SVG writes it.
 *
 * @param {Series} series
 * @param {number} now
 * @param {number} top the value at the upper end
 * @param {number} span seconds from the left end to the right
 */
export function path({ points }, now, top, span) {
  const x = (/** @type {number} */ at) => LEFT + (WIDTH - LEFT) * (1 - (now - at) / span);
  const y = (/** @type {number} */ value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const kept = points.filter(({ at }) => at >= now - span);
  return kept.map(({ at, value }, i) => `${i === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
}

/** One value for each part of the time, the newest first. @param {Series} series @param {number} now */
export function table({ points, span }, now) {
  const step = span / ROWS;
  return Array.from({ length: ROWS }, (_, row) => {
    const end = now - row * step;
    const within = points.filter(({ at }) => at > end - step && at <= end);
    return { ago: row * step, value: within.length > 0 ? within.reduce((sum, each) => sum + each.value, 0) / within.length : null };
  });
}

export class Chart {
  /**
   * @param {HTMLElement} figure
   * @param {string} title
   * @param {Line[]} lines
   * @param {(value: number) => string} written
   * @param {number} [unit] of round numbers: 1, or 1024 for bytes
   */
  constructor(figure, title, lines, written, unit = 1) {
    this._unit = unit;
    this._lines = lines;
    this._written = written;
    this._title = title;
    const id = `${figure.id}-caption`;
    this._svg = document.createElementNS(SVG, "svg");
    this._svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this._svg.setAttribute("role", "img");
    this._svg.setAttribute("aria-labelledby", id);
    this._words = element("span", {});
    this._body = element("tbody", {});
    const names = lines.map(({ name }) => element("th", { scope: "col" }, name || title));
    const head = element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Seconds ago"), ...names));
    const label = { "aria-label": `${title}, as a table` };
    const values = element("details", {}, element("summary", {}, "Values"), element("table", label, head, this._body));
    this._details = values;
    values.addEventListener("toggle", () => this._fill());
    figure.replaceChildren(element("figcaption", { id }, element("strong", {}, title), this._words), this._svg, values);
    this._now = 0;
  }

  /** @param {number} now */
  draw(now) {
    this._now = now;
    const all = this._lines.map(({ series }) => series);
    const top = roundUp(Math.max(...all.map(({ most }) => most)) / this._unit) * this._unit;
    const first = Math.min(...all.map(({ points }) => points[0]?.at ?? now));
    const span = Math.min(all[0].span, Math.max(SHORTEST, now - first));
    const lines = all.map((series, index) => made("path", { d: path(series, now, top, span), class: `line line-${index}` }));
    this._svg.replaceChildren(...axes(top, span, this._written), ...lines);
    const parts = this._lines.map(({ name, series }, index) => [
      ...(index > 0 ? [", "] : []),
      element("span", { class: `key key-${index}` }, name),
      ` ${this._written(series.last)}`,
    ]);
    this._words.replaceChildren(...parts.flat());
    this._fill();
  }

  _fill() {
    if (!this._details.open) return;
    const columns = this._lines.map(({ series }) => table(series, this._now));
    const rows = columns[0].map(({ ago }, row) => {
      const values = columns.map((column) => column[row].value);
      const cells = values.map((value) => element("td", {}, value === null ? "–" : this._written(value)));
      return element("tr", {}, element("th", { scope: "row" }, `${Math.round(ago)}`), ...cells);
    });
    this._body.replaceChildren(...rows);
  }
}

/** @param {number} top @param {number} span @param {(value: number) => string} written */
function axes(top, span, written) {
  const floor = HEIGHT - BOTTOM;
  const levels = [0, 0.5, 1].flatMap((share) => {
    const y = `${floor - (floor - TOP) * share}`;
    const text = made("text", { x: `${LEFT - 6}`, y, class: "level" });
    text.textContent = written(top * share);
    return [made("path", { d: `M${LEFT} ${y}H${WIDTH}`, class: "grid" }), text];
  });
  const begin = made("text", { x: `${LEFT}`, y: `${HEIGHT - 4}`, class: "begin" });
  begin.textContent = span < 120 ? `${Math.round(span)} s ago` : `${Math.round(span / 60)} min ago`;
  const end = made("text", { x: `${WIDTH}`, y: `${HEIGHT - 4}`, class: "end" });
  end.textContent = "now";
  return [...levels, begin, end];
}

/** @param {string} tag @param {Record<string, string>} attributes */
function made(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
