/** The report on the page: the verdict, what to do, and a table for each section. */

import { byId, element } from "../page/dom.js";
import { LEVELS, levelOf, sectionsOf } from "./words.js";

/** @typedef {import("../lib/nat/report.js").Report} Report */
/** @typedef {import("../lib/nat/report.js").Row} Row */
/** @typedef {import("../lib/nat/report.js").Section} Section */

/** @param {string} what @param {number} fraction */
export function showProgress(what, fraction) {
  byId("progress", HTMLElement).hidden = false;
  byId("progress-bar", HTMLProgressElement).value = fraction;
  byId("progress-words", HTMLElement).textContent = `${what}…`;
}

export function hideProgress() {
  byId("progress", HTMLElement).hidden = true;
}

/** Said once, for ears. @param {string} text */
export function say(text) {
  byId("said", HTMLElement).textContent = text;
}

/** @param {Report} report */
export function show(report) {
  const level = levelOf(report);
  const { sentence, advice } = report.verdict;
  byId("verdict-card", HTMLElement).dataset.level = level;
  byId("verdict", HTMLElement).replaceChildren(...marked(level), sentence);
  byId("advice", HTMLElement).replaceChildren(...advice.map((each) => element("li", {}, each)));
  byId("sections", HTMLElement).replaceChildren(...sectionsOf(report).map(section));
  byId("report", HTMLElement).hidden = false;
  byId("copy-field", HTMLElement).hidden = true;
}

export function hide() {
  byId("report", HTMLElement).hidden = true;
}

/** @param {Section} section @param {number} index */
function section({ title, rows }, index) {
  const id = `section-${index}`;
  const heading = element("h3", { id }, title);
  // Roles of their own: on a narrow screen cells are no table cells, as styles go.
  const body = element("tbody", { role: "rowgroup" }, ...rows.map(line));
  const head = element(
    "thead",
    { role: "rowgroup", class: "for-ears" },
    element("tr", { role: "row" }, ...["What", "Found", "Why it matters"].map(header)),
  );
  const columns = element("colgroup", {}, ...["what", "found", "why"].map((name) => element("col", { class: name })));
  const table = element("table", { role: "table", "aria-labelledby": id }, columns, head, body);
  return element("section", { "aria-labelledby": id }, heading, table);
}

/** @param {string} text */
const header = (text) => element("th", { scope: "col", role: "columnheader" }, text);

/** @param {Row} row */
function line({ label, value, note, level }) {
  return element(
    "tr",
    { role: "row", "data-level": level },
    element("th", { scope: "row", role: "rowheader" }, label),
    element("td", { role: "cell", class: "value" }, ...marked(level), value),
    element("td", { role: "cell", class: "why" }, note),
  );
}

/** @param {import("../lib/nat/report.js").Level} level */
function marked(level) {
  const { mark, said } = LEVELS[level];
  const seen = element("span", { class: "level-mark", "aria-hidden": "true" }, mark);
  return said ? [seen, element("span", { class: "for-ears" }, `${said} `)] : [seen];
}
