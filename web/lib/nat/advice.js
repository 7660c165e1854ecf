/** What to do, the most important first. */

import { isDependent } from "./behaviour.js";
import { hostOf } from "./endpoints.js";
import { isNear, isTampered, layers, publicAddresses, vpnInUse } from "./layers.js";
import { filled, quoted } from "./quoting.js";
import {
  hasNoRoom,
  isNameless,
  isRefused,
  isRelaying,
  isStranger,
  isUntrusted,
  letsTwoMeet,
  portOfRelay,
  relaying,
  relays,
  udp,
} from "./reach.js";
import { ADVICE, STANDSTILLS } from "./words.js";

/** @typedef {import("./observations.js").Observations} Observations */
/** @typedef {import("./report.js").Behaviour} Behaviour */
/** @typedef {import("./observations.js").TurnAnswer} TurnAnswer */
/** @typedef {readonly [key: string, name?: string]} Hint a key of ADVICE, and the url or name that it speaks of */

/** Whoever is told more does nothing of it. */
const MAX_ADVICE = 6;
const UNREACHABLE = 701;

/** @param {Observations} observations @param {Behaviour[]} found @param {string} code */
export function advice(observations, found, code) {
  const texts = hints(observations, found, code).map(([key, name = ""]) =>
    filled(ADVICE[key], { url: quoted(name), name: quoted(name) }),
  );
  return texts.length > 0 ? [...new Set(texts)].slice(0, MAX_ADVICE) : [ADVICE.nothing];
}

/** @param {Observations} observations @param {Behaviour[]} found @param {string} code @returns {Hint[]} */
function hints(observations, found, code) {
  if (code === "nothing-asked") return [["name-servers"]];
  const vpn = vpnInUse(observations);
  const hasNoStun = observations.stun.length === 0 && observations.mapping.length === 0;
  return [
    ...(vpn ? [hint("vpn", vpn.name)] : []),
    ...aboutSilence(observations, code),
    ...observations.signaling.flatMap((asked) => aboutSignaling(asked, code)),
    ...(code === "no-ice-servers" ? [hint("add-ice")] : []),
    ...observations.turn.flatMap((relay) => aboutTurn(relay, observations, code)),
    ...aboutRelays(observations, code),
    ...observations.stun.flatMap((server) => aboutStun(server, observations, code)),
    ...(hasNoStun && !isStandstill(code) ? [hint("name-stun")] : []),
    ...aboutUdp(observations, found),
    ...aboutTheWay(observations),
    ...(observations.observer === "browser" && code !== "no-connectivity" ? [hint("use-the-command")] : []),
  ];
}

/** @param {string} code */
const isStandstill = (code) => Object.hasOwn(STANDSTILLS, code);

/** @param {string} key @param {string} [name] @returns {Hint} */
const hint = (key, name) => [key, name];

/** @param {Observations} observations @param {string} code @returns {Hint[]} */
function aboutSilence({ signaling, turn }, code) {
  if (code !== "no-connectivity") return [];
  const isOnlyUdp = signaling.length === 0 && turn.every(({ transport }) => transport === "udp");
  return isOnlyUdp ? [["network"], ["ask-over-tcp"]] : [["network"]];
}

/** @param {import("./observations.js").SignalingAnswer} asked @param {string} code @returns {Hint[]} */
function aboutSignaling(asked, code) {
  const { url, is_portal, refused, http_rtt, websocket_rtt, trouble } = asked;
  if (is_portal) return [code === "captive-portal" ? ["log-in"] : ["portal-too", url]];
  if (refused) return [["token", url]];
  if (isNameless(trouble)) return [["name-unknown", url]];
  if (isUntrusted(trouble)) return [["certificate", url]];
  if (http_rtt === null) return code === "no-connectivity" ? [] : [["signaling-silent", url]];
  if (isStranger(asked)) return [["stranger", url]];
  return websocket_rtt === null && trouble ? [["websocket", url]] : [];
}

/** @param {TurnAnswer} relay @param {Observations} observations @param {string} code @returns {Hint[]} */
function aboutTurn(relay, observations, code) {
  const { url } = relay;
  if (isRelaying(relay)) return letsTwoMeet(relay) ? [] : [["no-permission", url]];
  if (isRefused(relay)) return [["credentials", url]];
  if (hasNoRoom(relay)) return [["no-room", url]];
  if (isUntrusted(relay.trouble)) return [["certificate", url]];
  if (isNameless(relay.trouble)) return [["name-unknown", url]];
  if (relay.allocated !== null) return [["no-echo", url]];
  if (relay.code === 0) return [["turn-unusable", url]];
  if (relay.code !== UNREACHABLE) return [["turn-trouble", url]];
  return isStandstill(code) || isStoppedHere(relay, observations) ? [] : [["turn-silent", url]];
}

/**
 * Not by the server: UDP as a whole is spoken of elsewhere, or the server relays over something else.
 *
 * @param {TurnAnswer} relay
 * @param {Observations} observations
 */
function isStoppedHere({ transport, url }, observations) {
  if (transport === "udp" && udp(observations) !== "works") return true;
  return relays(observations).some((it) => hostOf(it.url) === hostOf(url));
}

/** @param {Observations} observations @param {string} code @returns {Hint[]} */
function aboutRelays(observations, code) {
  if (isStandstill(code)) return [];
  const relay = relaying(observations);
  if (relay === "not-asked") return [["add-turn"]];
  const isOver443 = observations.turn.some((it) => it.transport !== "udp" && portOfRelay(it) === 443);
  return relay === "works" && !isOver443 ? [["add-turn-tls"]] : [];
}

/** @param {import("./observations.js").StunAnswer} server @param {Observations} observations @param {string} code @returns {Hint[]} */
function aboutStun({ url, rtt, trouble }, observations, code) {
  if (rtt !== null || isStandstill(code)) return [];
  if (isNameless(trouble)) return [["name-unknown", url]];
  // If it answers over the other family, then that, and not the server, is what is missing.
  const answersElsewhere = observations.stun.some((it) => it.url === url && it.rtt !== null);
  return udp(observations) !== "blocked" && !answersElsewhere ? [["stun-silent", url]] : [];
}

/** @param {Observations} observations @param {Behaviour[]} found @returns {Hint[]} */
function aboutUdp(observations, found) {
  const overIpv4 = found.filter(({ family }) => family === 4);
  const isUnclear = overIpv4.some(({ mapping }) => mapping === "unknown");
  return [
    ...(["blocked", "some-ports"].includes(udp(observations)) ? [hint("allow-udp")] : []),
    ...(overIpv4.some(({ mapping }) => isDependent(mapping)) ? [hint("symmetric")] : []),
    ...(overIpv4.some(({ is_stable }) => is_stable === false) ? [hint("naive")] : []),
    ...(isNear(observations) ? [hint("far-stun")] : isUnclear ? [hint("second-stun")] : []),
  ];
}

/** @param {Observations} observations @returns {Hint[]} */
function aboutTheWay(observations) {
  const kind = layers(observations);
  return [
    ...(kind === "carrier" ? [hint("carrier")] : []),
    ...(kind === "two" ? [hint("two-nats")] : []),
    ...(publicAddresses(observations, 4).length > 1 ? [hint("addresses")] : []),
    ...(isTampered(observations) ? [hint("tampered")] : []),
    ...(observations.size.some(({ fragments }) => fragments === false) ? [hint("fragments")] : []),
  ];
}
