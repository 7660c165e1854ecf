/** How levels and outcomes are shown, and a report as text. Pure. The twin of peerlane/nat/text.py. */

import { anonymized } from "../lib/nat/anonymous.js";

/** @typedef {import("../lib/nat/report.js").Report} Report */
/** @typedef {import("../lib/nat/report.js").Section} Section */
/** @typedef {import("../lib/nat/report.js").Level} Level */
/** @typedef {import("../lib/nat/report.js").Outcome} Outcome */

/** Each level as a mark, and in a word for ears: colours alone tell nothing to many. */
export const LEVELS = Object.freeze(
  /** @type {Record<Level, { mark: string, said: string }>} */ ({
    good: { mark: "✓", said: "Good:" },
    plain: { mark: "·", said: "" },
    warning: { mark: "!", said: "Warning:" },
    bad: { mark: "✗", said: "Problem:" },
  }),
);

/** @type {Readonly<Record<Outcome, [string, Level]>>} */
const OUTCOMES = Object.freeze({
  direct: ["direct", "good"],
  sometimes: ["sometimes direct", "warning"],
  relay: ["by relay", "warning"],
  none: ["no connection", "bad"],
});
const EXPECTED = "What to expect with a peer in";

/** @param {Report} report @returns {Level} */
export function levelOf({ verdict }) {
  if (verdict.exit_code === 0) return "good";
  return verdict.exit_code === 3 ? "warning" : "bad";
}

/** What was found, and as the last one what to expect. @param {Report} report @returns {Section[]} */
export function sectionsOf({ sections, expectations }) {
  if (expectations.length === 0) return sections;
  const rows = expectations.map(({ name, outcome, why }) => {
    const [value, level] = OUTCOMES[outcome];
    return { label: name, value, note: why, level };
  });
  return [...sections, { title: EXPECTED, rows }];
}

/** Without a name or an address, for whoever is asked for help: first for people, then all of it. @param {Report} report */
export function bugReport(report) {
  const hidden = anonymized(report);
  return `${textOf(hidden)}\n\n${JSON.stringify(hidden)}\n`;
}

/** @param {Report} report */
export function textOf(report) {
  const { sentence, advice } = report.verdict;
  const parts = sectionsOf(report).map(({ title, rows }) => [title, ...rows.map(lineOf)].join("\n"));
  const deeds = ["What to do", ...advice.map((each) => `  - ${each}`)].join("\n");
  return [sentence, ...parts, ...(advice.length > 0 ? [deeds] : [])].join("\n\n");
}

/** @param {import("../lib/nat/report.js").Row} row */
const lineOf = ({ label, value, note, level }) =>
  `  ${LEVELS[level].mark} ${label}: ${value}${note ? `. ${note}` : ""}`.replace(/\.\. /, ". ");
