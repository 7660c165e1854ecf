/**
 * The whole in one sentence, a code and an exit code, and what to do.
 *
 * Precedence: nothing answers (4), then credentials or a token that are refused while nobody else relays (5), then nobody
 * can be reached (4), then only by relay or not everybody (3), then direct (0).
 */

import { advice } from "./advice.js";
import { isDependent } from "./behaviour.js";
import { outcomeWith } from "./expectations.js";
import { isNear } from "./layers.js";
import { filled } from "./quoting.js";
import { isAnythingOutside, isEmpty, isUntrusted, relaying, relays, udp } from "./reach.js";
import { RELAYING, STANDSTILLS, TRANSPORTS, WAYS } from "./words.js";

/** @typedef {import("./observations.js").Observations} Observations */
/** @typedef {import("./report.js").Behaviour} Behaviour */
/** @typedef {import("./report.js").Expectation} Expectation */

/** @type {readonly string[]} */
const GOOD = ["near", "everywhere", "most", "likely"];
/** @type {readonly string[]} */
const NEVER = ["some-ports", "blocked", "silent"];
/** @type {readonly string[]} */
const UNKNOWN = ["untold", "not-asked"];

/** @type {Readonly<Record<string, number>>} */
export const EXIT_CODES = Object.freeze({
  direct: 0,
  "direct-without-relay": 0,
  "only-near": 0,
  "relay-needed": 3,
  "relay-only": 3,
  "some-unreachable": 3,
  "nothing-asked": 3,
  "no-ice-servers": 3,
  "nobody-reachable": 4,
  "no-connectivity": 4,
  "captive-portal": 4,
  untrusted: 4,
  refused: 5,
});

/**
 * @param {Observations} observations
 * @param {Behaviour[]} found
 * @param {Expectation[]} expected
 * @returns {import("./report.js").Verdict}
 */
export function verdict(observations, found, expected) {
  const standingStill = standstill(observations);
  const [code, sentence] = standingStill
    ? [standingStill, STANDSTILLS[standingStill]]
    : moving(observations, found, expected);
  return { code, sentence, advice: advice(observations, found, code), exit_code: EXIT_CODES[code] };
}

/** @param {Observations} observations @param {Behaviour[]} found @param {Expectation[]} expected */
function moving(observations, found, expected) {
  const way = wayOf(observations, found, expected);
  const relay = relaying(observations);
  const relayed = filled(RELAYING[relay], { transports: transports(observations) });
  return [codeOf(way, relay), `${WAYS[way]}; ${relayed}`];
}

/** Over which TURN works: `UDP, TCP and TLS`. @param {Observations} observations */
export function transports(observations) {
  const working = new Set(relays(observations).map(({ transport }) => transport));
  const names = Object.entries(TRANSPORTS).flatMap(([transport, name]) =>
    working.has(/** @type {any} */ (transport)) ? [name] : [],
  );
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join("");
}

/** Why there is nothing to say of ways to others; empty if there is. @param {Observations} observations */
function standstill(observations) {
  const { stun, mapping, turn, signaling } = observations;
  if (isEmpty(observations)) return "nothing-asked";
  if (!isAnythingOutside(observations)) {
    if (signaling.some(({ is_portal }) => is_portal)) return "captive-portal";
    return [...signaling, ...turn].some(({ trouble }) => isUntrusted(trouble)) ? "untrusted" : "no-connectivity";
  }
  const isRefused = signaling.some(({ refused }) => refused);
  return stun.length === 0 && mapping.length === 0 && turn.length === 0 && !isRefused ? "no-ice-servers" : "";
}

/**
 * How this network connects without a relay: a key of WAYS.
 *
 * @param {Observations} observations
 * @param {Behaviour[]} found
 * @param {Expectation[]} expected
 */
function wayOf(observations, found, expected) {
  const passing = udp(observations);
  if (passing !== "works") return passing;
  if (found.length === 0) return "untold";
  if (isNear(observations) && !found.some(({ mapping }) => isDependent(mapping))) return "near";
  const hasIpv6 = found.some(({ family, mapping }) => family === 6 && !isDependent(mapping));
  if (found.every(({ family }) => family === 6)) return hasIpv6 ? "only-ipv6" : "few";
  const home = outcomeWith(expected, "port-restricted");
  if (home === "direct") return outcomeWith(expected, "symmetric") === "direct" ? "everywhere" : "most";
  if (home === "sometimes") {
    return found.some(({ family, is_stable }) => family === 4 && is_stable === false) ? "first" : "likely";
  }
  return hasIpv6 ? "few-without-ipv6" : "few";
}

/** @param {string} way @param {import("./reach.js").Relaying} relay */
function codeOf(way, relay) {
  if (relay === "refused" || relay === "token") return "refused";
  if (relay === "works") {
    if (GOOD.includes(way)) return way === "near" ? "only-near" : "direct";
    return NEVER.includes(way) || UNKNOWN.includes(way) ? "relay-only" : "relay-needed";
  }
  if (NEVER.includes(way)) return "nobody-reachable";
  if (!GOOD.includes(way) || relay !== "not-asked") return "some-unreachable";
  return way === "near" ? "only-near" : "direct-without-relay";
}
