/**
 * What the NAT does, in the words of RFC 4787, out of what was seen.
 *
 * An answer is a proof, silence is none: a packet that is lost must not make a NAT stricter than it is. So "filtered" is
 * said only where the same server did answer the plain question.
 */

import { endpointOf, hostOf, isSame, keyOf, portOf, scopeOf } from "./endpoints.js";

/** @typedef {import("./observations.js").Observations} Observations */
/** @typedef {import("./observations.js").Family} Family */
/** @typedef {import("./report.js").Behaviour} Behaviour */
/** @typedef {import("./report.js").Mapping} Mapping */

/**
 * Whoever is sent to sees another endpoint, so what a STUN server saw is of no use to a peer.
 *
 * @param {Mapping} mapping
 */
export const isDependent = (mapping) =>
  mapping === "address-dependent" || mapping === "address-and-port-dependent" || mapping === "endpoint-dependent";

/** One for each family in which a server told an endpoint; the others have none to speak of. @param {Observations} observations */
export const behaviours = (observations) => families(observations).map((family) => behaviour(observations, family));

/** Those in which an answer came over UDP. @param {Observations} observations @returns {Family[]} */
export const families = (observations) =>
  /** @type {Family[]} */ ([4, 6]).filter((family) => seen(observations, family).length > 0);

/** @param {Observations} observations @param {Family} family @returns {Behaviour} */
export function behaviour(observations, family) {
  const translated = isTranslated(observations, family);
  const mapping = mappingIn(observations, family, translated);
  return {
    family,
    is_translated: translated,
    mapping,
    filtering: filteringIn(observations, family),
    is_stable: isDependent(mapping) ? null : isStable(observations, family),
    is_port_preserved: isPortPreserved(observations, family),
    hairpins: translated === false ? null : hairpins(observations, family),
  };
}

/**
 * Local endpoint (empty: hidden) and the endpoint that a server saw, of every answer.
 *
 * @param {Observations} observations
 * @param {Family} wanted
 * @returns {[local: string, mapped: string][]}
 */
export function seen({ stun, mapping }, wanted) {
  return [
    ...stun.filter(({ family, mapped }) => family === wanted && mapped).map((it) => pair(it.local, it.mapped)),
    ...mapping
      .filter(({ family }) => family === wanted)
      .flatMap(({ local, mapped }) =>
        Object.values(mapped)
          .filter(Boolean)
          .map((view) => pair(local, view)),
      ),
  ];
}

/** @param {string} local @param {string} mapped @returns {[string, string]} */
const pair = (local, mapped) => [local, mapped];

/** @param {Observations} observations @param {Family} family */
function isTranslated(observations, family) {
  const own = new Set((observations.interfaces ?? []).map(({ address }) => address.toLowerCase()));
  return anyOf(
    seen(observations, family).map(([local, mapped]) => {
      if (scopeOf(hostOf(local)) !== null) return !isSame(local, mapped);
      // The socket listened at every address, or a browser hides it.
      return own.size > 0 ? !own.has(hostOf(mapped)) : null;
    }),
  );
}

/** @param {Observations} observations @param {Family} wanted @param {boolean | null} translated @returns {Mapping} */
function mappingIn({ mapping }, wanted, translated) {
  if (translated === false) return "endpoint-independent";
  const said = mapping.filter(({ family }) => family === wanted).map(mappingOf);
  /** @type {Mapping[]} */
  const ranked = ["address-and-port-dependent", "address-dependent", "endpoint-dependent", "endpoint-independent"];
  return ranked.find((kind) => said.includes(kind)) ?? "unknown";
}

/** @param {import("./observations.js").MappingTest} test @returns {Mapping} */
function mappingOf({ mapped }) {
  /** @type {Map<string, string>} */
  const views = new Map();
  /** @type {Map<string, Map<string, string>>} */
  const byHost = new Map();
  for (const [asked, view] of Object.entries(mapped)) {
    if (!view) continue;
    const [host] = endpointOf(asked);
    views.set(keyOf(asked), keyOf(view));
    byHost.set(host, (byHost.get(host) ?? new Map()).set(keyOf(asked), keyOf(view)));
  }
  if ([...byHost.values()].some((each) => new Set(each.values()).size > 1)) return "address-and-port-dependent";
  // One address alone, at whatever ports, does not tell what another one would see.
  if (byHost.size < 2) return "unknown";
  if (new Set(views.values()).size === 1) return "endpoint-independent";
  return views.size > byHost.size ? "address-dependent" : "endpoint-dependent";
}

/** @param {Observations} observations @param {Family} wanted @returns {import("./report.js").Filtering} */
function filteringIn(observations, wanted) {
  if (seen(observations, wanted).length === 0) return "unknown";
  const tests = observations.filtering.filter(({ family }) => family === wanted);
  const fromAddress = anyOf(tests.map(({ from_other_address }) => from_other_address));
  const fromPort = anyOf(tests.map(({ from_other_port }) => from_other_port));
  if (fromAddress) return "endpoint-independent";
  if (fromAddress === false && fromPort) return "address-dependent";
  return fromPort === false ? "address-and-port-dependent" : "unknown";
}

/** @param {Observations} observations @param {Family} wanted */
function isStable({ knock }, wanted) {
  const moved = anyOf(
    knock
      .filter(({ family, before, after }) => family === wanted && before && after)
      .map(({ before, after }) => !isSame(before, after ?? "")),
  );
  return moved === null ? null : !moved;
}

/** @param {Observations} observations @param {Family} family */
function isPortPreserved(observations, family) {
  const changed = anyOf(
    seen(observations, family)
      .filter(([local]) => portOf(local) > 0)
      .map(([local, mapped]) => portOf(local) !== portOf(mapped)),
  );
  return changed === null ? null : !changed;
}

/** @param {Observations} observations @param {Family} wanted */
const hairpins = ({ hairpin }, wanted) =>
  anyOf(hairpin.filter(({ family }) => family === wanted).map(({ came_back }) => came_back));

/** True as soon as one says so; null when nobody knows. @param {(boolean | null)[]} known */
function anyOf(known) {
  if (known.includes(true)) return true;
  return known.includes(false) ? false : null;
}
