/** What lies between this machine and the internet: NATs in a row, a VPN, several public addresses. */

import { behaviour, families, seen } from "./behaviour.js";
import { familyOf, hostOf, isSame, scopeOf } from "./endpoints.js";

/** @typedef {import("./observations.js").Observations} Observations */
/** @typedef {import("./observations.js").Interface} Interface */

/**
 * NATs over IPv4. `carrier`: one of them is the provider's (CGNAT, RFC 6598).
 *
 * @typedef {"none" | "one" | "perhaps-two" | "two" | "carrier" | "unknown"} Layers
 */

// Of WireGuard, OpenVPN, Tailscale, ZeroTier and those who build on them.
const VPN = /^(?:tun|utun|tap|wg|ipsec|tailscale|zt|nordlynx|proton|mullvad|cscotun|gpd|vpn)/i;

/** @param {Observations} observations @returns {Layers} */
export function layers(observations) {
  const mapped = new Set(seen(observations, 4).map(([, view]) => hostOf(view)));
  if (mapped.size > 0 && behaviour(observations, 4).is_translated === false) return "none";
  const external = (observations.port_mappers ?? [])
    .map((it) => it.external.toLowerCase())
    .filter((host) => familyOf(host) === 4);
  const inside = external.filter((host) => !mapped.has(host));
  if (hasCarrier(observations, inside)) return "carrier";
  if (inside.length > 0 && (mapped.size > 0 || inside.some((host) => scopeOf(host) === "private"))) return "two";
  if (external.length > 0 && inside.length === 0) return "one";
  return byHops(observations.hops ?? []);
}

/** @param {Observations} observations @param {string[]} external */
function hasCarrier({ interfaces, hops }, external) {
  const own = (interfaces ?? []).filter((it) => it.family === 4 && !isVpn(it)).map(({ scope }) => scope);
  return [...own, ...(hops ?? []).map(({ scope }) => scope), ...external.map(scopeOf)].includes("shared");
}

/**
 * Private routers in two networks: a NAT behind a NAT, or a company's or provider's inner network.
 *
 * @param {import("./observations.js").Hop[]} hops
 * @returns {Layers}
 */
function byHops(hops) {
  const inner = hops.filter(({ scope }) => scope === "private");
  const networks = new Set(inner.map(({ address }) => address.slice(0, Math.max(0, address.lastIndexOf("."))) || address));
  if (networks.size > 1) return "perhaps-two";
  return networks.size > 0 && hops.some(({ scope }) => scope === "global") ? "one" : "unknown";
}

/**
 * At which servers have seen this machine, in the order in which they were seen.
 *
 * @param {Observations} observations
 * @param {import("./observations.js").Family} family
 */
export const publicAddresses = (observations, family) => [
  ...new Set(seen(observations, family).map(([, mapped]) => hostOf(mapped))),
];

/**
 * All servers that have told an endpoint are in our own network, and saw nothing of what lies beyond.
 *
 * @param {Observations} observations
 */
export function isNear(observations) {
  const hosts = families(observations).flatMap((family) => publicAddresses(observations, family));
  return hosts.length > 0 && hosts.every((host) => ![null, "global"].includes(scopeOf(host)));
}

/** @param {Interface} it */
export const isVpn = ({ name }) => VPN.test(name);

/** Interfaces that look like a VPN's, and that have an address of use. @param {Observations} observations */
export const vpns = ({ interfaces }) =>
  (interfaces ?? []).filter((it) => isVpn(it) && it.scope !== "link-local" && it.scope !== "loopback");

/** The one through which the servers were asked. @param {Observations} observations */
export function vpnInUse(observations) {
  const local = new Set([...observations.stun, ...observations.mapping].map((it) => hostOf(it.local)));
  return vpns(observations).find(({ address }) => local.has(address.toLowerCase()));
}

/** Somebody on the way rewrites addresses inside of packets (ALG). Null: no server can tell. @param {Observations} observations */
export function isTampered({ stun }) {
  const told = stun.filter(({ mapped, plain_mapped }) => mapped && plain_mapped);
  if (told.length === 0) return null;
  return told.some(({ mapped, plain_mapped }) => !isSame(plain_mapped ?? "", mapped));
}
