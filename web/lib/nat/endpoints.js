/**
 * Endpoints and addresses as text: taken apart, and what kind of address it is.
 *
 * Reads pseudonyms (`public-1:40000`) as it reads addresses, so that a report without names says the same.
 */

/** @typedef {import("./observations.js").Family} Family */
/** @typedef {import("./observations.js").Scope} Scope */
/** @typedef {readonly [host: string, port: number]} Endpoint host in small letters and without brackets; port 0: none is told */

/**
 * How an address of each scope is called when it is not to be told: `public-1`, `public-v6-1`, and `private-1.2` for the
 * second address of the first private network.
 *
 * @type {Readonly<Record<Scope, string>>}
 */
export const PSEUDONYMS = Object.freeze({
  global: "public",
  private: "private",
  shared: "shared",
  "link-local": "link-local",
  loopback: "loopback",
});
export const PSEUDONYM = /^(public|private|shared|link-local|loopback)(-v6)?-[0-9]+(?:\.[0-9]+)?$/;

const ENDPOINT =
  /^(?:(?:stun|turn|http|ws)s?:(?:\/\/)?)?(?:[^@/]*@)?(?:\[([^[\]]*)\]|([^:/?[\]]*))(?::([0-9]{1,5}))?(?:[/?].*)?$/is;
const IPV4 = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$/;
const IPV6 = /^[0-9a-f:.]*:[0-9a-f:.]*(%.*)?$/is;
const FIRST_GROUP = /^([0-9a-f]{1,4}):/;

/**
 * What an endpoint or a stun: or turn: url names. Text that is neither is a host of its own.
 *
 * @param {string} text
 * @returns {Endpoint}
 */
export function endpointOf(text) {
  const parts = ENDPOINT.exec(text);
  if (!parts) return [text.toLowerCase(), 0];
  const [, bracketed, plain, port] = parts;
  return [(bracketed ?? plain).toLowerCase(), Number(port ?? 0)];
}

/** @param {string} text */
export const hostOf = (text) => endpointOf(text)[0];

/** @param {string} text */
export const portOf = (text) => endpointOf(text)[1];

/** @param {string} one @param {string} other */
export const isSame = (one, other) => keyOf(one) === keyOf(other);

/** The same for two spellings of one endpoint. @param {string} text */
export function keyOf(text) {
  const [host, port] = endpointOf(text);
  return `${port} ${host}`;
}

/** Null: it is a name. @param {string} host @returns {Family | null} */
export function familyOf(host) {
  const name = PSEUDONYM.exec(host);
  if (name) return name[2] ? 6 : 4;
  if (octets(host)) return 4;
  return IPV6.test(host) ? 6 : null;
}

/**
 * By RFC 1918, RFC 6598, RFC 3927 and RFC 4291. Null: it is a name, or no address that anybody has.
 *
 * @param {string} host
 * @returns {Scope | null}
 */
export function scopeOf(host) {
  const name = PSEUDONYM.exec(host);
  if (name) {
    const [scope] = Object.entries(PSEUDONYMS).find(([, pseudonym]) => pseudonym === name[1]) ?? [];
    return /** @type {Scope} */ (scope);
  }
  const four = octets(host.toLowerCase().replace(/^::ffff:/, ""));
  if (four) return scopeOfFour(four);
  return familyOf(host) === 6 ? scopeOfSix(host.toLowerCase()) : null;
}

/** @param {string} host */
function octets(host) {
  const found = IPV4.exec(host)?.slice(1).map(Number);
  return found && Math.max(...found) <= 255 ? found : null;
}

/** @param {number[]} octets @returns {Scope | null} */
function scopeOfFour([first, second]) {
  if (first === 0) return null;
  if (first === 127) return "loopback";
  if (first === 10 || (first === 192 && second === 168)) return "private";
  if (first === 172 && second >= 16 && second < 32) return "private";
  if (first === 100 && second >= 64 && second < 128) return "shared";
  return first === 169 && second === 254 ? "link-local" : "global";
}

/** @param {string} host @returns {Scope | null} */
function scopeOfSix(host) {
  if (host === "::") return null;
  if (host === "::1") return "loopback";
  const bits = Number.parseInt(FIRST_GROUP.exec(host)?.[1] ?? "0", 16);
  if ((bits & 0xfe00) === 0xfc00) return "private";
  return (bits & 0xffc0) === 0xfe80 ? "link-local" : "global";
}
