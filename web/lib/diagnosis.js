/**
 * Why a connection does not work, or not well, in one sentence that a person can act on.
 *
 * Precedence: what is certain first (the engine, a broken protocol); then, while there is no connection, from this machine
 * outwards: its network, the server, the policy, the other side, and only when ways have been tried in vain, what the
 * candidates and the STUN and TURN servers tell; last, what merely takes its time. A connection that works has only its
 * quality to speak of. Within each table below the first line that applies is the diagnosis.
 */

import {
  hasRelay,
  isHidden,
  isRelayKnown,
  isStunSilent,
  isUdpBlocked,
  isWithoutRelay,
  mayRelayByStream,
  NOTHING_KNOWN,
  QUOTA,
  REFUSED,
  serversOf,
  turnSaid,
  turnServersOf,
  unreadable,
  untrusted,
} from "./facts.js";
import { say } from "./sentences.js";

/** @typedef {import("./errors.js").Diagnosis} Diagnosis */
/** @typedef {import("./facts.js").Facts} Facts */
/** @typedef {readonly [code: string, applies: (it: Facts) => boolean]} Rule */

/** Seconds. Before that, a connection that is being made needs no words. */
export const SOON = 3;
/** Seconds. Ways that work have been found by then; what is missing may be named. */
export const PATIENCE = 5;
export const HIGH_LOSS = 0.05;
/** Seconds. ITU-T G.114 would have 150 ms each way, and 400 ms at the most: people begin to talk at the same time. */
export const HIGH_RTT = 0.4;

const MAX_QUOTED_CHARACTERS = 200;
const MAX_SECONDS = 86_400;

/**
 * What is the matter; null when all is well, or when it is too early to say. Never throws.
 *
 * @param {Partial<Facts>} known
 * @returns {Diagnosis | null}
 */
export function diagnose(known) {
  const facts = { ...NOTHING_KNOWN, ...known };
  const [code] = rules(facts).find(([, applies]) => applies(facts)) ?? [];
  return code === undefined ? null : say(code, blanks(code, facts));
}

/** @param {Facts} facts @returns {readonly Rule[]} */
function rules(facts) {
  switch (facts.connection) {
    case "closed":
      return CERTAIN;
    case "connected":
      return [...CERTAIN, ...WORKING];
    default:
      return [...CERTAIN, ...APART, ...(isStuck(facts) ? STUCK : []), ...UNDER_WAY];
  }
}

/** @type {readonly Rule[]} */
const CERTAIN = [
  ["engine-mismatch", (it) => it.engineMismatch !== ""],
  ["protocol-violation", (it) => it.violation !== ""],
];

/** @type {readonly Rule[]} */
const WORKING = [
  ["too-many-channels", (it) => it.isFullOfChannels],
  ["high-loss", (it) => it.loss !== null && it.loss >= HIGH_LOSS],
  ["udp-blocked", (it) => (it.routeProtocol === "tcp" || it.routeProtocol === "tls") && isUdpBlocked(it)],
  ["high-rtt", (it) => it.rtt !== null && it.rtt >= HIGH_RTT],
  ["relayed", (it) => it.route === "relayed" && !it.isRelayOnly],
];

/** @type {readonly Rule[]} */
const APART = [
  ["no-network", (it) => it.hasNetwork === false],
  ["server-unreachable", (it) => it.link !== "open" && !isEarly(it)],
  ["relay-only-without-turn", (it) => it.link === "open" && it.isRelayOnly && turnServersOf(it).length === 0],
  ["peer-away", (it) => it.isPeerAway],
  ["dtls-failed", (it) => it.isDtlsFailed],
  ["peer-silent", (it) => it.connection === "interrupted" && it.healing !== "rebuild" && it.ice !== "failed"],
  ["waiting-for-peer", (it) => it.connection === "connecting" && !it.hasAnswer && it.silence >= SOON],
];

/** @type {readonly Rule[]} */
const STUCK = [
  [
    "peer-has-no-candidates",
    (it) => it.hasAnswer && it.remote.length === 0 && (it.isRemoteGathered || it.ice === "failed"),
  ],
  ["no-candidates", (it) => it.isGathered && it.local.length === 0 && !it.isRelayOnly],
  ["turn-refused", (it) => !hasRelay(it) && turnSaid(it, REFUSED) !== undefined],
  ["turn-quota", (it) => !hasRelay(it) && turnSaid(it, QUOTA) !== undefined],
  ["turn-certificate", (it) => !hasRelay(it) && untrusted(it) !== undefined],
  ["bad-server-url", (it) => !hasRelay(it) && unreadable(it) !== undefined],
  ["udp-blocked-no-turn-tls", (it) => isUdpBlocked(it) && !mayRelayByStream(it)],
  ["udp-blocked", (it) => it.ice !== "failed" && isUdpBlocked(it) && !isWithoutRelay(it)],
  ["turn-unreachable", (it) => isWithoutRelay(it)],
  ["stun-unreachable", (it) => !it.isRelayOnly && isStunSilent(it)],
  ["insecure-page", (it) => !it.isSecureContext && isHidden(it)],
  ["addresses-hidden", (it) => isHidden(it)],
  [
    "relay-needed",
    (it) => it.local.length > 0 && it.remote.length > 0 && turnServersOf(it).length === 0 && !isRelayKnown(it),
  ],
  ["no-path", (it) => it.ice === "failed"],
];

/** @type {readonly Rule[]} */
const UNDER_WAY = [
  ["rebuilding", (it) => it.healing === "rebuild"],
  ["peer-silent", (it) => it.connection === "interrupted"],
  ["connecting", (it) => it.silence >= SOON],
];

/** @param {Facts} facts */
function isEarly({ link, linkReason, silence }) {
  return link === "connecting" && linkReason === "" && silence < SOON;
}

/** Ways have been tried in vain, or there are none to try. @param {Facts} facts */
function isStuck({ ice, connection, healing, silence, isGathered, local }) {
  if (ice === "connected" || ice === "failed") return ice === "failed";
  if (connection === "interrupted" && healing !== "rebuild") return false;
  return silence >= PATIENCE || (isGathered && local.length === 0);
}

/** What stands in the blanks of the sentences. @param {string} code @param {Facts} facts */
function blanks(code, facts) {
  const [url, reason] = named(code, facts).map(quoted);
  return {
    url,
    reason: reason && ` (${reason})`,
    seconds: whole(facts.silence, MAX_SECONDS),
    loss: whole((facts.loss ?? 0) * 100, 100),
    rtt: whole((facts.rtt ?? 0) * 1000, MAX_SECONDS * 1000),
    protocol: (facts.routeProtocol ?? "udp").toUpperCase(),
  };
}

/** The url of the server that a sentence is about, and the reason that it gives. @param {string} code @param {Facts} facts */
function named(code, facts) {
  switch (code) {
    case "engine-mismatch":
      return ["", facts.engineMismatch];
    case "protocol-violation":
      return ["", facts.violation];
    case "server-unreachable":
      return ["", facts.linkReason];
    case "stun-unreachable":
      return firstTold(facts, serversOf(facts).filter(({ isTurn }) => !isTurn));
    case "turn-unreachable":
      return firstTold(facts, turnServersOf(facts));
    case "turn-refused":
      return told(turnSaid(facts, REFUSED));
    case "turn-quota":
      return told(turnSaid(facts, QUOTA));
    case "turn-certificate":
      return told(untrusted(facts));
    case "bad-server-url":
      return told(unreadable(facts));
    default:
      return ["", ""];
  }
}

/** @param {Facts} facts @param {import("./facts.js").Server[]} servers at least one */
function firstTold({ troubles }, servers) {
  // Where UDP does not get through, what the others have said is worth more.
  const urls = servers
    .sort((a, b) => Number(a.transport === "udp") - Number(b.transport === "udp"))
    .map(({ url }) => url);
  const [said] = urls.flatMap((url) => troubles.filter((each) => each.url === url));
  return told(said ?? { url: urls[0], code: 0 });
}

/** @param {import("./facts.js").Trouble} [trouble] */
const told = (trouble) => [trouble?.url ?? "", trouble?.text ?? ""];

/** Words of others: on one line, and not too many of them. @param {string} text */
function quoted(text) {
  const line = text.replaceAll(/[\x00-\x20\x7f]+/g, " ").replaceAll(/^ +| +$/g, "");
  const letters = [...line];
  return letters.length <= MAX_QUOTED_CHARACTERS ? line : `${letters.slice(0, MAX_QUOTED_CHARACTERS).join("")}…`;
}

/** @param {number} number @param {number} most */
function whole(number, most) {
  return String(Math.floor(Math.min(Math.max(0, number), most) + 0.5) || 0);
}
