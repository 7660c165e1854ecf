/**
 * What was found, in rows: a label, a value, why it matters.
 *
 * What is not known is left out, unless somebody would look for it.
 */

import { isDependent, seen } from "./behaviour.js";
import { isSame } from "./endpoints.js";
import { isNear, isTampered, layers, publicAddresses, vpnInUse, vpns } from "./layers.js";
import { asSentence, filled, MAX_SECONDS, quoted, reasonOf, whole } from "./quoting.js";
import { closedPorts, openPorts, udp } from "./reach.js";
import { signalingRow, stunRow, turnRow } from "./server_rows.js";
import * as words from "./row_words.js";

/** @typedef {import("./observations.js").Observations} Observations */
/** @typedef {import("./report.js").Behaviour} Behaviour */
/** @typedef {import("./report.js").Row} Row */
/** @typedef {import("./report.js").Section} Section */

const MAX_LISTED = 8;
/** Bytes: what WebRTC sends at the most, and QUIC asks of every network (RFC 9000 section 14). */
const MIN_DATAGRAM = 1200;
/** Seconds. RFC 4787 section 4.3 asks for two minutes; consent (RFC 7675) is asked for every five seconds. */
const SHORT_LIFETIME = 20;
const MAX_BYTES = 65_535;

/** Those that have something to say. @param {Observations} observations @param {Behaviour[]} found @returns {Section[]} */
export function sections(observations, found) {
  /** @type {[string, Row[]][]} */
  const parts = [
    ["network", network(observations)],
    ...found.map((own) => /** @type {[string, Row[]]} */ ([`nat-${own.family}`, nat(observations, own)])),
    ["routers", routers(observations)],
    ["stun", observations.stun.map(stunRow)],
    ["turn", observations.turn.map(turnRow)],
    ["signaling", observations.signaling.map(signalingRow)],
    ["skipped", skipped(observations)],
  ];
  return parts.filter(([, rows]) => rows.length > 0).map(([title, rows]) => ({ title: words.TITLES[title], rows }));
}

/** @param {string} label @param {words.Said} said @param {Record<string, string | number>} [blanks] @returns {Row} */
function row(label, [value, note, level], blanks = {}) {
  return { label: words.LABELS[label], value: filled(value, blanks), note: filled(note, blanks), level };
}

// This network

/** @param {Observations} observations @returns {Row[]} */
function network(observations) {
  const [open = ""] = openPorts(observations);
  const [closed = ""] = closedPorts(observations);
  return [
    row("udp", words.UDP[udp(observations)], { open, closed }),
    ...ipv4(observations),
    ...ipv6(observations),
    ...several(publicAddresses(observations, 4)),
    ...several(publicAddresses(observations, 6)),
    ...own(observations),
  ];
}

/** @param {Observations} observations */
function ipv4(observations) {
  const addresses = publicAddresses(observations, 4);
  const works = isNear(observations) ? "near" : "works";
  if (addresses.length > 0) return [row("ipv4", words.IPV4[works], { addresses: listed(addresses) })];
  if (!observations.stun.some(({ family }) => family === 4)) return [];
  return [row("ipv4", words.IPV4[publicAddresses(observations, 6).length > 0 ? "only-ipv6" : "silent"])];
}

/** @param {Observations} observations */
function ipv6(observations) {
  const addresses = publicAddresses(observations, 6);
  if (addresses.length > 0) return [row("ipv6", words.IPV6.works, { addresses: listed(addresses) })];
  if (observations.has_ipv6 === false) return [row("ipv6", words.IPV6.none)];
  if (observations.stun.some(({ family }) => family === 6)) return [row("ipv6", words.IPV6.silent)];
  const has = (observations.interfaces ?? []).some(({ family, scope }) => family === 6 && scope === "global");
  return has ? [row("ipv6", words.IPV6.unused)] : [];
}

/** @param {string[]} addresses */
function several(addresses) {
  if (addresses.length < 2) return [];
  return [row("public-addresses", words.ADDRESSES.several, { count: addresses.length, addresses: listed(addresses) })];
}

/** @param {Observations} observations */
function own(observations) {
  if (observations.interfaces === null) return [];
  const used = vpnInUse(observations);
  const [there] = vpns(observations);
  const kind = used ? "used" : there ? "unused" : "none";
  const rows = [row("vpn", words.VPN[kind], { name: quoted((used ?? there)?.name ?? "") })];
  // A browser does not tell what its interfaces are called.
  if (kind === "none" && observations.observer === "browser") rows.pop();
  const named = observations.interfaces
    .filter(({ scope }) => scope !== "loopback" && scope !== "link-local")
    .map(({ address, name }) => `${address} (${name})`);
  return named.length > 0 ? [...rows, row("own-addresses", words.ADDRESSES.own, { addresses: listed(named) })] : rows;
}

// What the NAT does

/** @param {Observations} observations @param {Behaviour} own */
function nat(observations, own) {
  const unknown = observations.observer === "browser" ? "browser" : "unknown";
  const filtering = own.filtering === "unknown" ? unknown : own.filtering;
  const { lifetime, size } = observations;
  return [
    translated(observations, own),
    ...(own.is_translated === false ? [] : [row("mapping", words.MAPPING[own.mapping])]),
    row("filtering", words.FILTERING[filtering]),
    ...(own.is_translated === false ? [] : ports(own)),
    ...(own.hairpins === null ? [] : [row("hairpin", words.HAIRPIN[own.hairpins ? "yes" : "no"])]),
    ...lifetime.filter(({ family }) => family === own.family).map(lifetimeRow),
    ...size.filter(({ family }) => family === own.family).flatMap(sizeRows),
    ...(own.family === 4 ? tampering(observations) : []),
    ...called(own),
  ];
}

/** @param {Observations} observations @param {Behaviour} own */
function translated(observations, own) {
  const views = seen(observations, own.family);
  const changed = views.filter(([local, mapped]) => !isSame(local, mapped));
  const [[local, mapped]] = (own.is_translated && changed.length > 0 ? changed : views).map((view) => view.map(quoted));
  if (own.is_translated === null) return row("translated", words.TRANSLATED.unknown, { mapped });
  if (own.is_translated === false) return row("translated", words.TRANSLATED.no, { mapped });
  return row("translated", words.TRANSLATED[local ? "yes" : "hidden"], { local, mapped });
}

/** @param {Behaviour} own */
function ports({ is_stable, is_port_preserved, mapping }) {
  const rows = is_stable === null ? [] : [row("knock", words.KNOCK[is_stable ? "stays" : "moves"])];
  if (is_port_preserved === null || isDependent(mapping)) return rows;
  return [...rows, row("port", words.PORT[is_port_preserved ? "kept" : "changed"])];
}

/** @param {import("./observations.js").LifetimeTest} test */
function lifetimeRow({ alive_after, gone_after }) {
  const kind = gone_after === null ? "longer" : gone_after < SHORT_LIFETIME ? "short" : "ends";
  return row("lifetime", words.LIFETIME[kind], {
    alive: whole(alive_after, MAX_SECONDS),
    gone: whole(gone_after ?? 0, MAX_SECONDS),
  });
}

/** @param {import("./observations.js").SizeTest} test */
function sizeRows({ largest, fragments }) {
  const rows = [];
  if (largest !== null) {
    rows.push(row("size", words.SIZE[largest < MIN_DATAGRAM ? "small" : "fine"], { bytes: whole(largest, MAX_BYTES) }));
  }
  if (fragments !== null) rows.push(row("fragments", words.SIZE[fragments ? "fragments-pass" : "fragments-lost"]));
  return rows;
}

/** @param {Observations} observations */
function tampering(observations) {
  const isAltered = isTampered(observations);
  return isAltered === null ? [] : [row("tampering", words.TAMPERING[isAltered ? "yes" : "no"])];
}

/** @param {Behaviour} own @returns {Row[]} */
function called(own) {
  const name = words.OLD_NAMES[oldName(own)];
  return name ? [{ label: words.LABELS["old-name"], value: name, note: words.OLD_NAME_NOTE, level: "plain" }] : [];
}

/** @type {Readonly<Record<string, string>>} */
const CONES = {
  "endpoint-independent": "full-cone",
  "address-dependent": "restricted",
  "address-and-port-dependent": "port-restricted",
};
/** @type {Readonly<Record<string, string>>} */
const WALLS = { "endpoint-independent": "open", "address-and-port-dependent": "firewall" };

/** By RFC 3489 section 5; empty for the many that have none there. @param {Behaviour} own */
function oldName({ is_translated, mapping, filtering }) {
  if (is_translated === false) return WALLS[filtering] ?? "";
  if (mapping === "endpoint-independent") return CONES[filtering] ?? "";
  const isStrict = filtering === "address-and-port-dependent" || filtering === "unknown";
  return isDependent(mapping) && isStrict ? "symmetric" : "";
}

// The way out

/** @param {Observations} observations @returns {Row[]} */
function routers(observations) {
  const kind = layers(observations);
  const hops = (observations.hops ?? []).slice(0, MAX_LISTED).map(({ address }) => quoted(address) || words.NOT_TOLD);
  return [
    ...(kind === "unknown" ? [] : [row("layers", words.LAYERS[kind])]),
    ...(hops.length > 0 ? [told(words.LABELS.hops, hops.join(" → "))] : []),
    ...(observations.port_mappers ?? []).map(mapper),
  ];
}

/** @param {import("./observations.js").PortMapper} mapper @returns {Row} */
function mapper({ kind, is_there, external, trouble }) {
  const [value, note, level] = words.MAPPERS[is_there ? (external ? "there-at" : "there") : "missing"];
  const blanks = { address: quoted(external), reason: reasonOf(trouble) };
  return { label: words.MAPPER_NAMES[kind], value, note: filled(note, blanks), level };
}

/** @param {Observations} observations */
const skipped = ({ skipped: reasons }) =>
  Object.entries(reasons).map(([what, why]) =>
    told(Object.hasOwn(words.LABELS, what) ? words.LABELS[what] : quoted(what), words.NOT_ASKED, asSentence(why)),
  );

/** @param {string} label @param {string} value @param {string} [note] @returns {Row} */
const told = (label, value, note = "") => ({ label, value, note, level: "plain" });

/** @param {string[]} texts */
function listed(texts) {
  const line = texts.slice(0, MAX_LISTED).map(quoted).join(", ");
  return texts.length > MAX_LISTED ? `${line}, …` : line;
}
