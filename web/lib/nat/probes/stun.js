/** What gathered candidates tell of STUN servers, of the NAT, and of this machine. Pure. */

import { familyOf, hostOf, scopeOf } from "../endpoints.js";

/** @typedef {import("./gathering.js").Found} Found */
/** @typedef {import("./gathering.js").Gathered} Gathered */
/** @typedef {import("./servers.js").StunServer} StunServer */
/** @typedef {Partial<import("../observations.js").StunAnswer>} StunAnswer */
/** @typedef {import("../observations.js").MappingTest} MappingTest */
/** @typedef {import("../observations.js").Interface} Interface */

/** Seconds: what is nearer than a browser can tell. */
const MIN_RTT = 0.001;

/**
 * What one server, asked alone, has told over each family. Whoever has not answered is silent over IPv4. Empty: nobody can
 * tell.
 *
 * @param {StunServer} server
 * @param {Gathered} gathered
 * @param {number} idle seconds that gathering takes without any server
 * @returns {StunAnswer[]}
 */
export function stunAnswers({ url, endpoint }, gathered, idle) {
  /** @type {StunAnswer[]} */
  const answers = [];
  for (const family of /** @type {const} */ ([4, 6])) {
    const seen = gathered.found.filter((each) => each.type === "srflx" && each.family === family);
    const own = ownAddress(gathered, family, endpoint);
    if (seen.length > 0) {
      const { endpoint: mapped, related: local } = seen.reduce((one, other) => (other.priority > one.priority ? other : one));
      answers.push({ url, family, local, mapped, rtt: Math.max(MIN_RTT, Math.min(...seen.map(({ after }) => after))) });
    } else if (own && gathered.took !== null) {
      answers.push({ url, family, local: own, mapped: own, rtt: Math.max(MIN_RTT, gathered.took - idle) });
    }
  }
  if (answers.length > 0 || isUntold(gathered, endpoint) || isNotAsked(gathered, endpoint)) return answers;
  const family = familyOf(hostOf(endpoint)) ?? 4;
  return [{ url, family, trouble: whySilent(gathered) }];
}

/** Whether this server has answered. @param {StunAnswer} answer */
export const hasAnswered = ({ rtt }) => rtt !== null && rtt !== undefined;

/**
 * Over IPv4 a server is called silent only if it answers nowhere, or others do answer over IPv4.
 *
 * @param {StunAnswer[]} answers of all servers
 */
export function withoutNoise(answers) {
  const hasIpv4 = answers.some((each) => each.family === 4 && hasAnswered(each));
  return answers.filter((each) => {
    if (hasAnswered(each) || hasIpv4) return true;
    return !answers.some((other) => other.url === each.url && hasAnswered(other));
  });
}

/**
 * How one socket looks from several servers, which all have answered before, asked together.
 *
 * A browser tells each endpoint only once, so a server that adds none has seen one that is told already: with only one,
 * that one.
 *
 * @param {readonly string[]} endpoints
 * @param {Gathered} gathered
 * @returns {MappingTest[]}
 */
export function mappingTests(endpoints, gathered) {
  /** @type {MappingTest[]} */
  const tests = [];
  for (const family of /** @type {const} */ ([4, 6])) {
    const seen = gathered.found.filter((each) => each.type === "srflx" && each.family === family);
    const named = seen.every(({ url }) => url !== "");
    const bases = Map.groupBy(seen, ({ base }) => (named ? base : ""));
    // Several sockets are several ways out; what one NAT does is seen from the best of them.
    const [best] = [...bases.values()].sort((one, other) => highest(other) - highest(one));
    if (!best) continue;
    const failed = gathered.failures.filter((each) => each.family === family).map(({ url }) => askedAt(url));
    const mapped = viewsOf(endpoints.filter((each) => !failed.includes(each)), best);
    tests.push({ family, local: best[0].related, mapped, silent: [] });
  }
  return tests;
}

/** @param {string} url as browsers write it, always with a port */
const askedAt = (url) => url.replaceAll(/^stun:|\?.*$/gi, "").toLowerCase();

/** @param {readonly string[]} endpoints @param {Found[]} seen @returns {Record<string, string>} */
function viewsOf(endpoints, seen) {
  const views = [...new Set(seen.map(({ endpoint }) => endpoint))];
  if (views.length === 1) return Object.fromEntries(endpoints.map((endpoint) => [endpoint, views[0]]));
  const told = seen.map(({ url, endpoint }) => [askedAt(url), endpoint]);
  if (told.every(([url]) => endpoints.includes(url))) return Object.fromEntries(told);
  return Object.fromEntries(views.slice(0, endpoints.length).map((view, index) => [endpoints[index], view]));
}

/** @param {Found[]} seen */
const highest = (seen) => Math.max(...seen.map(({ priority }) => priority));

/**
 * A server that sees the address which is shown anyway adds no candidate: gathering ends, and nothing has failed.
 *
 * @param {Gathered} gathered
 * @param {4 | 6} family
 * @param {string} endpoint
 */
function ownAddress({ found, failures }, family, endpoint) {
  // Nobody can tell whether a name has an IPv6 address.
  if ((familyOf(hostOf(endpoint)) ?? 4) !== family) return "";
  if (failures.some((each) => each.family === family || each.family === 0)) return "";
  return found.find((each) => each.type === "host" && each.family === family)?.endpoint ?? "";
}

/**
 * An answer that adds no candidate shows only in the end of gathering, which a silent one over the other family delays.
 *
 * @param {Gathered} gathered
 * @param {string} endpoint
 */
function isUntold({ found, took }, endpoint) {
  if (took !== null || familyOf(hostOf(endpoint)) !== null) return false;
  const shown = found.filter(({ type }) => type === "host").map((each) => scopeOf(hostOf(each.endpoint)));
  return shown.length > 1 && shown.includes("global");
}

/**
 * A browser without an address of that family does not ask at all, and says nothing.
 *
 * @param {Gathered} gathered
 * @param {string} endpoint
 */
function isNotAsked({ took, failures }, endpoint) {
  return took !== null && failures.length === 0 && familyOf(hostOf(endpoint)) === 6;
}

/** @param {Gathered} gathered */
function whySilent({ failures }) {
  if (failures.some(({ text }) => /lookup/i.test(text))) return "the lookup of its name has failed";
  return "nothing came back";
}

/**
 * Addresses that the browser shows; null: it hides them.
 *
 * @param {Gathered} gathered
 * @returns {Interface[] | null}
 */
export function interfacesIn({ found }) {
  const hosts = new Set(found.filter(({ type, family }) => type === "host" && family !== 0).map((each) => hostOf(each.endpoint)));
  const shown = [...hosts].map((address, index) => ({
    // Its true name is not told.
    name: `network-${index + 1}`,
    address,
    family: /** @type {4 | 6} */ (familyOf(address)),
    scope: /** @type {import("../observations.js").Scope} */ (scopeOf(address) ?? "global"),
  }));
  return shown.length > 0 ? shown : null;
}
