/** What is known about a connection when it is to be explained, and what that says about its servers. */

/**
 * @typedef {object} CandidateFacts
 * @property {"host" | "srflx" | "prflx" | "relay"} type
 * @property {"udp" | "tcp"} [protocol]
 * @property {"" | "udp" | "tcp" | "tls"} [relayProtocol] how this machine speaks with the TURN server; empty for others,
 *   and for remote candidates
 * @property {0 | 4 | 6} [family] of the address; 0: it is hidden behind an mDNS name
 */

/**
 * What went wrong with a STUN or TURN server.
 *
 * @typedef {object} Trouble
 * @property {string} url
 * @property {number} code as RTCPeerConnectionIceErrorEvent has it; 0: it was not even asked, because of its url or its
 *   certificate
 * @property {string} [text]
 */

/**
 * All that is known; what is not keeps its default. Candidates and troubles are those of the latest attempt that has come
 * so far as to have any.
 *
 * @typedef {object} Facts
 * @property {boolean | null} hasNetwork null: nobody knows
 * @property {"connecting" | "open" | "interrupted" | "closed"} link our own, to the server
 * @property {string} linkReason
 * @property {boolean} isPeerAway its link to the server is lost
 * @property {"connecting" | "connected" | "interrupted" | "closed"} connection `connecting` for the first time;
 *   `interrupted`: it was connected, and is being healed
 * @property {number} silence seconds since the last sign of life; before there was any, since the first attempt began
 * @property {"restart" | "rebuild" | "waiting-for-server" | null} healing
 * @property {boolean} hasAnswer the other side has sent its description
 * @property {"new" | "gathering" | "checking" | "connected" | "failed"} ice
 * @property {boolean} isDtlsFailed
 * @property {readonly CandidateFacts[]} local
 * @property {readonly CandidateFacts[]} remote
 * @property {boolean} isGathered no more local candidates will come
 * @property {boolean} isRemoteGathered
 * @property {boolean} isRelayOnly the policy allows nothing else
 * @property {readonly string[]} servers the urls of all STUN and TURN servers in use
 * @property {readonly Trouble[]} troubles
 * @property {"direct" | "reflexive" | "relayed" | null} route
 * @property {"udp" | "tcp" | "tls" | null} routeProtocol
 * @property {number | null} rtt seconds
 * @property {number | null} loss the fraction that is lost, of the last interval
 * @property {string} violation what the other side did against the protocol
 * @property {boolean} isFullOfChannels a channel was refused, because there are as many as there may be
 * @property {string} engineMismatch what is wrong with the WebRTC engine under us
 * @property {boolean} isSecureContext false: a page that came over plain HTTP
 */

/** @type {Readonly<Facts>} */
export const NOTHING_KNOWN = Object.freeze({
  hasNetwork: null,
  link: "open",
  linkReason: "",
  isPeerAway: false,
  connection: "connecting",
  silence: 0,
  healing: null,
  hasAnswer: true,
  ice: "new",
  isDtlsFailed: false,
  local: [],
  remote: [],
  isGathered: false,
  isRemoteGathered: false,
  isRelayOnly: false,
  servers: [],
  troubles: [],
  route: null,
  routeProtocol: null,
  rtt: null,
  loss: null,
  violation: "",
  isFullOfChannels: false,
  engineMismatch: "",
  isSecureContext: true,
});

/** Answers of a TURN server (RFC 8656 §19). */
export const REFUSED = Object.freeze([401, 403, 441]);
export const QUOTA = Object.freeze([486, 508]);
/** W3C RTCPeerConnectionIceErrorEvent: the server could not be reached. */
const SILENT = 701;
/** How browsers and operating systems say that they do not find the address of a name. */
export const NAMELESS = Object.freeze(["lookup", "resolve", "name or service not known"]);

const URL_PARTS = /^(stun|turn)(s?):(\[[^\]]*\]|[^:?]*)(?::[0-9]+)?(?:\?transport=(udp|tcp))?$/i;

/** @typedef {{url: string, isTurn: boolean, transport: "udp" | "tcp" | "tls", host: string}} Server */

/** Those whose urls can be read. @param {Facts} facts @returns {Server[]} */
export function serversOf({ servers }) {
  /** @type {Server[]} */
  const found = [];
  for (const url of servers) {
    const parts = URL_PARTS.exec(url);
    if (!parts) continue;
    const [, kind, secure, host, transport] = parts.map((part) => (part ?? "").toLowerCase());
    const isTurn = kind === "turn";
    const stream = isTurn && transport === "tcp" ? "tcp" : "udp";
    found.push({ url, isTurn, transport: secure ? "tls" : stream, host });
  }
  return found;
}

/** @param {Facts} facts */
export const turnServersOf = (facts) => serversOf(facts).filter(({ isTurn }) => isTurn);

/** @param {Facts} facts */
export const hasRelay = ({ local }) => local.some(({ type }) => type === "relay");

/** @param {Facts} facts */
export const isRelayKnown = ({ local, remote }) => [...local, ...remote].some(({ type }) => type === "relay");

/** @param {Facts} facts @param {readonly number[]} codes */
export const turnSaid = ({ troubles }, codes) => troubles.find(({ code }) => codes.includes(code));

/** @param {Facts} facts */
export const untrusted = ({ troubles }) => troubles.find(speaksOfCertificate);

/** @param {Facts} facts */
export const unreadable = ({ troubles }) => troubles.find((each) => each.code === 0 && !speaksOfCertificate(each));

/**
 * No server answers over UDP, and the servers are not to blame: for then another one is silent too, a relay over TCP or
 * TLS works, or the other side was answered.
 *
 * @param {Facts} facts
 */
export function isUdpBlocked(facts) {
  const servers = serversOf(facts).filter(({ transport }) => transport === "udp");
  if (servers.length === 0 || !servers.every((server) => isSilent(facts, server))) return false;
  if (facts.local.some(cameByUdp) || facts.troubles.some(hasNoAddress)) return false;
  return (
    new Set(servers.map(({ host }) => host)).size > 1 ||
    hasRelay(facts) ||
    facts.remote.some(({ type, protocol = "udp" }) => type === "srflx" && protocol === "udp")
  );
}

/** A TURN server over TCP or TLS gave a relay or may still do so, or one over TLS is configured. @param {Facts} facts */
export function mayRelayByStream(facts) {
  const streams = turnServersOf(facts).filter(({ transport }) => transport !== "udp");
  return hasRelay(facts) || streams.some(({ url, transport }) => transport === "tls" || said(facts, url).length === 0);
}

/** TURN servers are configured, and none of them gave a relay. @param {Facts} facts */
export function isWithoutRelay(facts) {
  const servers = turnServersOf(facts);
  if (servers.length === 0 || hasRelay(facts)) return false;
  return facts.isGathered || servers.every(({ url }) => said(facts, url).length > 0);
}

/** @param {Facts} facts */
export function isStunSilent(facts) {
  const servers = serversOf(facts).filter(({ isTurn }) => !isTurn);
  if (servers.length === 0 || facts.local.some(({ type }) => type !== "host")) return false;
  return servers.every((server) => isSilent(facts, server));
}

/** All that the other side can be told of this machine are names that only its own network can resolve. @param {Facts} facts */
export const isHidden = ({ local }) =>
  local.length > 0 && local.every(({ type, family = 4 }) => type === "host" && family === 0);

/** @param {Trouble} trouble */
const speaksOfCertificate = ({ text = "" }) => text.toLowerCase().includes("certificate");

/** @param {Facts} facts @param {string} url */
const said = ({ troubles }, url) => troubles.filter((trouble) => trouble.url === url).map(({ code }) => code);

/** @param {Facts} facts @param {Server} server */
function isSilent(facts, { url }) {
  const codes = said(facts, url);
  return codes.length > 0 && codes.every((code) => code === SILENT);
}

/** The server was never asked, because nobody knows its name. @param {Trouble} trouble */
const hasNoAddress = ({ text = "" }) => NAMELESS.some((word) => text.toLowerCase().includes(word));

/** @param {CandidateFacts} candidate */
function cameByUdp({ type, protocol = "udp", relayProtocol = "" }) {
  return type === "relay" ? relayProtocol === "udp" : type !== "host" && protocol === "udp";
}
