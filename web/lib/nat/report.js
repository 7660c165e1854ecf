/** The report that everybody shows: command line, JSON and page. The same JSON as of peer/nat/report.py. */

/** @typedef {import("./observations.js").Family} Family */

/** Of the JSON; raised when a field goes or changes its meaning, not when one is added. */
export const SCHEMA = 1;

/**
 * RFC 4787 section 4.1; `endpoint-dependent`: two servers see two endpoints, and which it is stays open.
 *
 * @typedef {"endpoint-independent" | "address-dependent" | "address-and-port-dependent" | "endpoint-dependent" | "unknown"} Mapping
 */
/** @typedef {"endpoint-independent" | "address-dependent" | "address-and-port-dependent" | "unknown"} Filtering RFC 4787 section 5 */
/** @typedef {"good" | "plain" | "warning" | "bad"} Level */
/** @typedef {"direct" | "sometimes" | "relay" | "none"} Outcome `sometimes`: it depends, `why` says on what */

/**
 * What the NAT does, for one address family.
 *
 * @typedef {object} Behaviour
 * @property {Family} family
 * @property {boolean | null} is_translated
 * @property {Mapping} mapping
 * @property {Filtering} filtering
 * @property {boolean | null} is_stable whether a mapping stays when somebody knocks on it first
 * @property {boolean | null} is_port_preserved
 * @property {boolean | null} hairpins
 */

/** @typedef {{ label: string, value: string, note: string, level: Level }} Row `note`: why it matters, in plain words */
/** @typedef {{ title: string, rows: Row[] }} Section */

/**
 * What a connection to a peer in such a network will be.
 *
 * @typedef {{ network: string, name: string, outcome: Outcome, why: string }} Expectation
 */

/**
 * @typedef {object} Verdict
 * @property {string} code
 * @property {string} sentence
 * @property {string[]} advice
 * @property {number} exit_code 0 direct, 3 only by relay, 4 no connectivity, 5 credentials or token refused
 */

/**
 * @typedef {object} Report
 * @property {number} schema
 * @property {Verdict} verdict
 * @property {Behaviour[]} behaviour
 * @property {Section[]} sections
 * @property {Expectation[]} expectations
 * @property {import("./observations.js").Observations} observations
 */
