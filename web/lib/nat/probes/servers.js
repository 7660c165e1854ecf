/** Which servers a page asks: those that its own server names, and those that somebody has typed. Pure. */

/** @typedef {import("../observations.js").Transport} Transport */
/**
 * Whoever answers plain questions over UDP, TURN servers too. `endpoint` is with its port, which urls may leave out.
 *
 * @typedef {{ url: string, endpoint: string }} StunServer
 */
/**
 * @typedef {object} TurnServer
 * @property {string} url
 * @property {string} endpoint
 * @property {Transport} transport
 * @property {string} username
 * @property {string} credential
 */
/** @typedef {{ stun: StunServer[], turn: TurnServer[] }} Servers */

/** Of each kind. Every one costs sockets, and nobody reads a longer table. */
export const MAX_SERVERS = 8;

const URL_PARTS = /^(stun|turn)(s?):(\[[0-9a-f:.]+\]|[^:?/@\s[\]]+)(?::([0-9]{1,5}))?(?:\?transport=(udp|tcp))?$/i;

/**
 * What stands in the form: one server or several, with blanks or commas between them.
 *
 * @param {string} text
 * @param {string} username
 * @param {string} credential
 * @returns {{ servers: RTCIceServer[], problems: string[] }} problems are sentences; with one, nothing is to be asked
 */
export function typed(text, username, credential) {
  const urls = text.split(/[\s,]+/).filter((url) => url !== "");
  const problems = urls.map((url) => problemOf(url, username, credential)).filter((problem) => problem !== "");
  const servers = urls.map((url) => (/^turn/i.test(url) ? { urls: [url], username, credential } : { urls: [url] }));
  return problems.length > 0 ? { servers: [], problems } : { servers, problems };
}

/** @param {string} url @param {string} username @param {string} credential */
function problemOf(url, username, credential) {
  if (/^(https?|wss?):/i.test(url)) {
    return `A page may ask its own server only. For ${url} use the command line: peerlane nat check ${url}`;
  }
  const parts = partsOf(url);
  if (!parts || (parts.kind === "stun" && (parts.isSecure || parts.stream))) {
    return `${url} is no server: write it like stun:stun.example.org:3478 or turns:turn.example.org:443?transport=tcp.`;
  }
  if (parts.kind === "turn" && !(username && credential)) return `${url} needs a user name and a password.`;
  return "";
}

/**
 * Every server once, by what it is asked; those that cannot be read, or would be too many, are left out.
 *
 * @param {readonly RTCIceServer[]} iceServers
 * @returns {Servers}
 */
export function sorted(iceServers) {
  /** @type {Map<string, StunServer>} */
  const stun = new Map();
  /** @type {Map<string, TurnServer>} */
  const turn = new Map();
  for (const { urls, username = "", credential = "" } of iceServers) {
    for (const url of [urls].flat()) {
      const parts = partsOf(url);
      if (!parts) continue;
      const { kind, transport, endpoint } = parts;
      if (kind === "stun" && !stun.has(endpoint)) stun.set(endpoint, { url, endpoint });
      const key = JSON.stringify([endpoint, transport, username, credential]);
      if (kind === "turn" && !turn.has(key)) turn.set(key, { url, endpoint, transport, username, credential });
    }
  }
  for (const { url, endpoint, transport } of turn.values()) {
    if (transport === "udp" && !stun.has(endpoint)) stun.set(endpoint, { url, endpoint });
  }
  return { stun: [...stun.values()].slice(0, MAX_SERVERS), turn: [...turn.values()].slice(0, MAX_SERVERS) };
}

/** @param {string} url */
function partsOf(url) {
  const parts = URL_PARTS.exec(url);
  if (!parts) return null;
  const [kind, secure, host, port, stream] = parts.slice(1).map((part) => (part ?? "").toLowerCase());
  if (port && (Number(port) < 1 || Number(port) > 65_535)) return null;
  const isSecure = secure === "s";
  /** @type {Transport} */
  const transport = isSecure ? "tls" : stream === "tcp" ? "tcp" : "udp";
  return { kind, isSecure, stream, transport, endpoint: `${host}:${Number(port) || (isSecure ? 5349 : 3478)}` };
}
