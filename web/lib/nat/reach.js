/** What gets out of this network: over UDP, through relays, at all. */

import { NAMELESS, QUOTA, REFUSED } from "../facts.js";
import { families } from "./behaviour.js";
import { endpointOf, hostOf, portOf } from "./endpoints.js";

/** @typedef {import("./observations.js").Observations} Observations */
/** @typedef {import("./observations.js").TurnAnswer} TurnAnswer */

/** @typedef {"works" | "some-ports" | "blocked" | "silent" | "not-asked"} Udp `silent`: nothing answers, and the servers may be to blame */
/**
 * @typedef {"works" | "refused" | "token" | "broken" | "not-asked"} Relaying `token`: a Peerlane server did not tell its TURN
 *   servers, because of the token
 */

/** @param {Observations} observations */
export const isEmpty = ({ stun, mapping, turn, signaling }) =>
  stun.length === 0 && mapping.length === 0 && turn.length === 0 && signaling.length === 0;

/** @param {Observations} observations */
export const isAnythingOutside = (observations) => hasUdp(observations) || hostsOverStreams(observations).size > 0;

/** @param {Observations} observations */
export const hasUdp = (observations) =>
  observations.stun.some(({ rtt }) => rtt !== null) ||
  families(observations).length > 0 ||
  observations.turn.some((it) => it.transport === "udp" && hasAnswered(it));

/** @param {Observations} observations @returns {Udp} */
export function udp(observations) {
  if (hasUdp(observations)) return closedPorts(observations).length > 0 ? "some-ports" : "works";
  const silent = silentHosts(observations);
  if (silent.size === 0) return "not-asked";
  const streams = hostsOverStreams(observations);
  const isProven = streams.size > 0 && (silent.size > 1 || [...silent].some((host) => streams.has(host)));
  return isProven ? "blocked" : "silent";
}

/** Of the servers that were asked over UDP; those whose names nobody knows were not. @param {Observations} observations */
function silentHosts({ stun, turn }) {
  const silent = [
    ...stun.filter(({ rtt }) => rtt === null),
    ...turn.filter((it) => it.transport === "udp" && !hasAnswered(it)),
  ];
  return new Set(silent.filter(({ trouble }) => !isNameless(trouble)).map(({ url }) => hostOf(url)));
}

/** @param {Observations} observations */
function hostsOverStreams({ turn, signaling }) {
  const answers = [
    ...turn.filter((it) => it.transport !== "udp" && hasAnswered(it)),
    ...signaling.filter((it) => it.http_rtt !== null && !it.is_portal),
  ];
  return new Set(answers.map(({ url }) => hostOf(url)));
}

/** Ports of servers that have answered over UDP. @param {Observations} observations */
export function openPorts({ stun, mapping }) {
  const answered = stun.filter(({ rtt }) => rtt !== null).map(({ address, url }) => address || url);
  return ports([...answered, ...mapping.flatMap(({ mapped }) => Object.keys(mapped))]);
}

/**
 * Ports that answered nowhere, of servers that answered at others: as a firewall would have it.
 *
 * @param {Observations} observations
 */
export function closedPorts(observations) {
  const { knock, mapping } = observations;
  if (knock.some(({ after }) => after)) return [];
  const hosts = new Set(mapping.flatMap(({ mapped }) => Object.keys(mapped).map(hostOf)));
  const silent = mapping.flatMap((test) => test.silent.filter((asked) => hosts.has(hostOf(asked))));
  const passing = openPorts(observations);
  return ports(silent).filter((port) => !passing.includes(port));
}

/** @param {string[]} endpoints */
const ports = (endpoints) => [...new Set(endpoints.map(portOf).filter(Boolean))].sort((a, b) => a - b);

/** Also an error is an answer. @param {TurnAnswer} answer */
export const hasAnswered = ({ allocated, code }) => allocated !== null || (code >= 300 && code < 700);

/** As far as it was tried. A relay that may not send to itself still relays to others. @param {TurnAnswer} answer */
export const isRelaying = ({ allocated, permitted, echo_rtt, trouble }) =>
  allocated !== null && (echo_rtt !== null || permitted === false || trouble === "");

/** @param {Observations} observations */
export const relays = ({ turn }) => turn.filter(isRelaying);

/** @param {Observations} observations @returns {Relaying} */
export function relaying(observations) {
  const { turn, signaling } = observations;
  if (relays(observations).length > 0) return "works";
  if (turn.some(isRefused)) return "refused";
  if (signaling.some(({ refused }) => refused)) return "token";
  return turn.length > 0 ? "broken" : "not-asked";
}

/** Its credentials are; a permission that is refused is another thing. @param {TurnAnswer} answer */
export const isRefused = ({ allocated, code }) => allocated === null && REFUSED.includes(code);

/**
 * Whether two who both need it reach each other: one relay then sends to another of the same server.
 *
 * @param {TurnAnswer} answer
 */
export const letsTwoMeet = ({ permitted }) => permitted !== false;

/** @param {TurnAnswer} answer */
export const hasNoRoom = ({ code }) => QUOTA.includes(code);

/** @param {string} trouble */
export const isUntrusted = (trouble) => trouble.toLowerCase().includes("certificate");

/** The server was never asked, because nobody knows its name. @param {string} trouble */
export const isNameless = (trouble) =>
  [...NAMELESS, "name resolution", "nodename nor servname"].some((word) => trouble.toLowerCase().includes(word));

/** Something answers over HTTP, but no Peerlane server. @param {import("./observations.js").SignalingAnswer} answer */
export const isStranger = ({ http_status, trouble }) =>
  http_status >= 400 || trouble.toLowerCase().includes("no peerlane server");

/** At which the server itself is reached. @param {TurnAnswer} answer */
export function portOfRelay({ url }) {
  const [, port] = endpointOf(url);
  return port || (url.toLowerCase().startsWith("turns:") ? 5349 : 3478);
}
