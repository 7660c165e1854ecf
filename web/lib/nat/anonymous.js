/**
 * A report that may be shown to strangers: no address, no name of a server, an interface or a user.
 *
 * What matters is kept: of which kind and family an address is, and whether two are the same or of the same network. So it
 * says the same, about `public-1` and `server-2`.
 */

import { report as build } from "./build.js";
import { endpointOf, familyOf, PSEUDONYM, PSEUDONYMS, scopeOf } from "./endpoints.js";

/** @typedef {import("./observations.js").Observations} Observations */

const HIDDEN = "(hidden)";
const SCHEME = /^(?:(?:stun|turn)s?:|(?:http|ws)s?:\/\/)/i;
const TRANSPORT = /\?transport=(?:udp|tcp)/i;
const KIND =
  /^(?:lo|eth|en|wl|ww|ppp|rmnet|docker|veth|br|tun|utun|tap|wg|ipsec|tailscale|zt|nordlynx|proton|mullvad|cscotun|gpd|vpn)/i;
// A user at a host; IPv6; IPv4, and names with a dot.
const TELLING =
  /[^\x00-\x20()'",;<>]*@[^\x00-\x20()'",;<>]*|\[?[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*\]?(?:%[a-z0-9]+)?|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+/gi;
const FRACTION = /^[0-9]+\.[0-9]+$/;

/** The same report about the same network, whose words give away neither. @param {import("./report.js").Report} report */
export const anonymized = (report) => build(new Pseudonyms().observations(report.observations));

/** Those of one report: the same for the same name, numbered as they come. */
class Pseudonyms {
  /** @type {Map<string, string>} */
  #hosts = new Map();
  /** @type {Map<string, string>} */
  #servers = new Map();
  /** @type {Map<string, string>} */
  #interfaces = new Map();
  /** @type {Map<string, number>} */
  #networks = new Map();
  /** @type {Map<string, number>} */
  #counts = new Map();

  /** @param {Observations} seen @returns {Observations} */
  observations(seen) {
    const named = {
      ...seen,
      interfaces: each(seen.interfaces, (it) => this.#interface(it)),
      stun: seen.stun.map((it) => this.#stun(it)),
      mapping: seen.mapping.map((it) => this.#mapping(it)),
      knock: seen.knock.map((it) => ({ ...it, before: this.#endpoint(it.before), after: this.#maybe(it.after) })),
      hairpin: seen.hairpin.map((it) => ({ ...it, source: this.#endpoint(it.source) })),
      port_mappers: each(seen.port_mappers, (it) => ({ ...it, external: this.#host(it.external) })),
      hops: each(seen.hops, (it) => ({ ...it, address: this.#host(it.address) })),
      turn: seen.turn.map((it) => this.#turn(it)),
      signaling: seen.signaling.map((it) => ({ ...it, url: this.#url(it.url) })),
    };
    // Only now are all names known that a text may quote.
    const text = (/** @type {string} */ it) => this.#text(it);
    return {
      ...named,
      stun: named.stun.map((it) => ({ ...it, trouble: text(it.trouble) })),
      port_mappers: each(named.port_mappers, (it) => ({ ...it, trouble: text(it.trouble) })),
      turn: named.turn.map((it) => ({ ...it, trouble: text(it.trouble) })),
      signaling: named.signaling.map((it) => ({ ...it, trouble: text(it.trouble) })),
      skipped: Object.fromEntries(Object.entries(seen.skipped).map(([what, why]) => [text(what), text(why)])),
    };
  }

  /** @param {import("./observations.js").Interface} it */
  #interface(it) {
    const name = this.#interfaces.get(it.name) ?? this.#next(KIND.exec(it.name)?.[0].toLowerCase() ?? "interface");
    this.#interfaces.set(it.name, name);
    return { ...it, name, address: this.#host(it.address) };
  }

  /** @param {import("./observations.js").StunAnswer} it */
  #stun(it) {
    return {
      ...it,
      url: this.#url(it.url),
      address: this.#endpoint(it.address),
      local: this.#endpoint(it.local),
      mapped: this.#endpoint(it.mapped),
      plain_mapped: this.#maybe(it.plain_mapped),
      other: this.#endpoint(it.other),
    };
  }

  /** @param {import("./observations.js").MappingTest} it */
  #mapping(it) {
    return {
      ...it,
      local: this.#endpoint(it.local),
      mapped: Object.fromEntries(
        Object.entries(it.mapped).map(([asked, view]) => [this.#endpoint(asked), this.#endpoint(view)]),
      ),
      silent: it.silent.map((asked) => this.#endpoint(asked)),
    };
  }

  /** @param {import("./observations.js").TurnAnswer} it */
  #turn(it) {
    return { ...it, url: this.#url(it.url), address: this.#endpoint(it.address), relayed: this.#endpoint(it.relayed) };
  }

  /** @param {string | null} endpoint */
  #maybe(endpoint) {
    return endpoint === null ? null : this.#endpoint(endpoint);
  }

  /** @param {string} text */
  #endpoint(text) {
    if (SCHEME.test(text)) return this.#url(text);
    const [host, port] = endpointOf(text);
    const name = this.#host(host);
    if (!port) return name;
    return familyOf(host) === 6 ? `[${name}]:${port}` : `${name}:${port}`;
  }

  /** Scheme, port and transport stay: they say what was asked for. @param {string} text */
  #url(text) {
    if (text === "") return "";
    const [host, port] = endpointOf(text);
    const scheme = SCHEME.exec(text)?.[0].toLowerCase() ?? "";
    const transport = TRANSPORT.exec(text)?.[0].toLowerCase() ?? "";
    return scheme + this.#server(host) + (port ? `:${port}` : "") + transport;
  }

  /** @param {string} host */
  #server(host) {
    const name = this.#servers.get(host) ?? this.#next("server");
    this.#servers.set(host, name);
    return name;
  }

  /** @param {string} text */
  #host(text) {
    const host = text.toLowerCase();
    if (host === "" || host === "0.0.0.0" || host === "::") return host;
    const name = this.#hosts.get(host) ?? this.#address(host);
    this.#hosts.set(host, name);
    return name;
  }

  /** @param {string} host */
  #address(host) {
    const scope = scopeOf(host);
    const family = familyOf(host);
    if (scope === null) return this.#server(host);
    if (scope !== "private" || family !== 4) return this.#next(PSEUDONYMS[scope] + (family === 6 ? "-v6" : ""));
    // Whether two routers are in one network tells whether there is another NAT.
    const network = host.slice(0, Math.max(0, host.lastIndexOf(".")));
    const number = this.#networks.get(network) ?? this.#networks.size + 1;
    this.#networks.set(network, number);
    return this.#next(`private-${number}`, ".");
  }

  /** @param {string} kind @param {string} [separator] */
  #next(kind, separator = "-") {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    return `${kind}${separator}${count}`;
  }

  /** Words of others: the names that are known, then whatever else may be one. @param {string} text */
  #text(text) {
    const known = new Map(
      [...this.#servers, ...this.#hosts, ...this.#interfaces]
        .filter(([name]) => name !== "")
        .map(([name, pseudonym]) => [name.toLowerCase(), pseudonym]),
    );
    return withoutKnown(text, known).replaceAll(TELLING, (found) =>
      PSEUDONYM.test(found) || FRACTION.test(found) ? found : HIDDEN,
    );
  }
}

/** @param {string} text @param {Map<string, string>} known */
function withoutKnown(text, known) {
  if (known.size === 0) return text;
  const longestFirst = [...known.keys()].map(escaped).sort((a, b) => b.length - a.length);
  const whole = new RegExp(`(?<![A-Za-z0-9_.-])(?:${longestFirst.join("|")})(?![A-Za-z0-9_-])`, "gi");
  return text.replaceAll(whole, (found) => known.get(found.toLowerCase()) ?? HIDDEN);
}

/** @param {string} text */
const escaped = (text) => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** @template T @param {T[] | null} known @param {(each: T) => T} change @returns {T[] | null} */
const each = (known, change) => known && known.map(change);
