/**
 * What a connection to a peer in each kind of network will be, with the same servers on both sides.
 *
 * A direct way needs UDP on both sides, and one side that lets in what comes from where it was not told: a NAT that uses
 * another port for everybody ("moves") meets neither another such NAT nor one that filters by port. What is not known is
 * tried both ways; where that makes a difference, the answer is "sometimes".
 */

import { isDependent } from "./behaviour.js";
import { isNear } from "./layers.js";
import { filled } from "./quoting.js";
import { isAnythingOutside, isEmpty, letsTwoMeet, portOfRelay, relaying, relays, udp } from "./reach.js";
import { NETWORKS, REASONS, WITHOUT_RELAY } from "./words.js";

/** @typedef {import("./observations.js").Observations} Observations */
/** @typedef {import("./report.js").Behaviour} Behaviour */
/** @typedef {import("./report.js").Expectation} Expectation */
/** @typedef {import("./report.js").Filtering} Filtering */
/** @typedef {import("./report.js").Outcome} Outcome */
/** @typedef {readonly [Outcome, reason: string]} Path */

/**
 * How a network treats what goes out and comes in.
 *
 * @typedef {object} Network
 * @property {string} code
 * @property {boolean} moves another port for everybody
 * @property {Filtering} filtering
 * @property {boolean} yields the port moves for whoever knocks before anything was sent to him
 * @property {"all" | "udp-3478" | "tcp" | "tcp-443"} passes
 */

const PORT = "address-and-port-dependent";

/** @param {string} code @param {Partial<Network>} [differently] @returns {Network} */
const network = (code, differently) => ({
  code,
  moves: false,
  filtering: PORT,
  yields: false,
  passes: "all",
  ...differently,
});

const PEERS = [
  network("open", { filtering: "endpoint-independent" }),
  network("full-cone", { filtering: "endpoint-independent" }),
  network("address-restricted", { filtering: "address-dependent" }),
  network("port-restricted"),
  network("random-ports"),
  network("naive", { yields: true }),
  network("symmetric", { moves: true }),
  network("cgnat"),
  network("symmetric-cgnat", { moves: true }),
  network("only-udp-3478", { passes: "udp-3478" }),
  network("udp-blocked", { passes: "tcp" }),
  network("only-tcp-443", { passes: "tcp-443" }),
];
// Nobody translates; a firewall lets in only what was asked for.
const IPV6_PEER = network("ipv6");

/** @type {Readonly<Record<string, string>>} */
const LETS_IN = { open: "open", "full-cone": "lets-all-in", "address-restricted": "lets-address-in" };
/** @type {Readonly<Record<string, string>>} */
const BLOCKED_HERE = { "some-ports": "your-ports", blocked: "your-udp", silent: "your-silence" };
/** @type {Readonly<Record<string, string>>} */
const BLOCKED_THERE = { "udp-3478": "their-ports", tcp: "their-udp", "tcp-443": "their-443" };
/** @type {Readonly<Record<string, string>>} */
const FITTING = { "udp-3478": "UDP on port 3478, TCP or TLS", tcp: "TCP or TLS", "tcp-443": "TLS on port 443" };

/**
 * One for each kind of network; none where nothing was asked, or nothing has answered.
 *
 * @param {Observations} observations
 * @param {Behaviour[]} found
 */
export function expectations(observations, found) {
  if (isEmpty(observations) || !isAnythingOutside(observations) || !isIceKnown(observations)) return [];
  const peers = found.some(({ family }) => family === 6) ? [...PEERS, IPV6_PEER] : PEERS;
  return peers.map((peer) => expectation(observations, found, peer));
}

/** @param {Expectation[]} expected @param {string} wanted */
export const outcomeWith = (expected, wanted) => expected.find((each) => each.network === wanted)?.outcome ?? null;

/** @param {Observations} observations */
const isIceKnown = ({ stun, mapping, turn }) => stun.length > 0 || mapping.length > 0 || turn.length > 0;

/** @param {Observations} observations @param {Behaviour[]} found @param {Network} peer @returns {Expectation} */
function expectation(observations, found, peer) {
  const [outcome, reason] = path(udp(observations), found, peer, isNear(observations));
  const known = { network: peer.code, name: NETWORKS[peer.code] };
  if (outcome === "direct") return { ...known, outcome, why: REASONS[reason] };
  const missing = missingRelay(observations, peer);
  return {
    ...known,
    outcome: outcome === "relay" && missing ? "none" : outcome,
    why: `${REASONS[reason]} ${missing}`.trimEnd(),
  };
}

/**
 * @param {import("./reach.js").Udp} passing
 * @param {Behaviour[]} found
 * @param {Network} peer
 * @param {boolean} near
 * @returns {Path}
 */
function path(passing, found, peer, near) {
  if (peer.passes !== "all") return ["relay", BLOCKED_HERE[passing] ?? BLOCKED_THERE[peer.passes]];
  if (passing in BLOCKED_HERE) return ["relay", BLOCKED_HERE[passing]];
  const seen = found.find(({ family }) => family === (peer === IPV6_PEER ? 6 : 4));
  if (!seen && found.length > 0) return ["relay", "no-ipv4"];
  // Servers nearby have not seen what the NAT on the way out does.
  const own = seen && near && !isDependent(seen.mapping) ? undefined : seen;
  return combined(
    guesses(own).map((guess) => meeting(guess, peer)),
    own,
  );
}

/**
 * All that our own network may be, as far as is known. A knock is harmless unless it was seen to harm.
 *
 * @param {Behaviour} [own]
 */
function guesses({ mapping, filtering, is_stable } = /** @type {Behaviour} */ ({ mapping: "unknown", filtering: "unknown" })) {
  /** @type {Filtering[]} */
  const filters = filtering === "unknown" ? ["endpoint-independent", "address-dependent", PORT] : [filtering];
  const moving = mapping === "unknown" ? [false, true] : [isDependent(mapping)];
  return moving.flatMap((moves) =>
    filters.map((each) => network("own", { moves, filtering: each, yields: is_stable === false && !moves })),
  );
}

/** @param {Network} own @param {Network} peer @returns {Path} */
function meeting(own, peer) {
  if (own.moves && peer.moves) return ["relay", "both-move"];
  if (own.moves && peer.filtering === PORT) return ["relay", "yours-moves"];
  if (peer.moves) return own.filtering === PORT ? ["relay", "theirs-moves"] : ["direct", "you-let-in"];
  const ownFails = own.yields && peer.filtering === PORT;
  const theirsFails = peer.yields && own.filtering === PORT;
  if (ownFails && theirsFails) return ["sometimes", "both-yield"];
  if (ownFails || theirsFails) return ["sometimes", ownFails ? "yours-yields" : "theirs-yields"];
  return ["direct", LETS_IN[peer.code] ?? "both-send"];
}

/** @param {Path[]} met at least one @param {Behaviour} [own] @returns {Path} */
function combined(met, own) {
  if (new Set(met.map(([outcome]) => outcome)).size === 1) return met[0];
  if (!met.some(([outcome]) => outcome === "relay")) return met.find(([outcome]) => outcome === "sometimes") ?? met[0];
  return ["sometimes", own && own.mapping !== "unknown" ? "filtering-unknown" : "mapping-unknown"];
}

/** Why nobody relays to such a peer; empty when somebody does. @param {Observations} observations @param {Network} peer */
function missingRelay(observations, peer) {
  const working = relays(observations);
  if (working.length === 0) return WITHOUT_RELAY[relaying(observations)];
  const fitting = working.filter((relay) => fits(relay.transport, portOfRelay(relay), peer));
  if (fitting.length === 0) return filled(WITHOUT_RELAY.unfit, { transports: FITTING[peer.passes] });
  const isNeededTwice = peer.passes !== "all" && udp(observations) in BLOCKED_HERE;
  return isNeededTwice && !fitting.some(letsTwoMeet) ? WITHOUT_RELAY.apart : "";
}

/** Whether somebody in such a network gets through to a TURN server. @param {string} transport @param {number} port @param {Network} peer */
function fits(transport, port, { passes }) {
  switch (passes) {
    case "all":
      return true;
    case "udp-3478":
      return transport !== "udp" || port === 3478;
    case "tcp":
      return transport !== "udp";
    case "tcp-443":
      return transport !== "udp" && port === 443;
  }
}
