/** What is happening, in words. Pure. */

/** @typedef {import("../lib/remote_peer.js").RemotePeer} RemotePeer */

/**
 * How the connection to a peer stands.
 *
 * @param {Pick<RemotePeer, "state" | "away">} peer
 */
export function wordsForPeer({ state, away }) {
  if (state === "lost") return "lost";
  return away ? `${state} (away)` : state;
}

/**
 * How our own line to the server stands.
 *
 * @param {"joining" | "waiting" | "open" | "interrupted" | "closed"} state
 * @param {number} others
 */
export function wordsForRoom(state, others) {
  switch (state) {
    case "waiting":
      return "Waiting to be let in …";
    case "joining":
      return "Joining…";
    case "interrupted":
      // The banner has the whole story.
      return "Reconnecting…";
    case "closed":
      return "You have left";
    default:
      return others === 0 ? "Connected, alone" : `Connected, ${others + 1} people`;
  }
}

/** How good a connection is. @param {import("../lib/stats.js").Quality} quality */
export function wordsForQuality(quality) {
  return { good: "Good connection", fair: "Fair connection", poor: "Poor connection", none: "No connection" }[quality];
}

/** What the table of connections tells of each peer. */
export const COLUMNS = Object.freeze(["State", "Route", "Protocol", "Codecs", "Round trip", "Loss", "In", "Out"]);

/**
 * Route, protocol, codecs, round trip, loss, and bits in and out, as in COLUMNS after the state.
 *
 * @param {import("../lib/stats.js").PeerStatistics} statistics
 * @returns {string[]}
 */
export function figures({ route, protocol, codecs, rtt, loss, bitrateIn, bitrateOut }) {
  return [
    route === null ? "–" : ROUTES[route],
    protocol?.toUpperCase() ?? "–",
    codecs.join(", ") || "–",
    rtt === null ? "–" : milliseconds(rtt),
    loss === null ? "–" : `${(loss * 100).toFixed(1)} %`,
    bits(bitrateIn),
    bits(bitrateOut),
  ];
}

const ROUTES = { direct: "direct", reflexive: "through a NAT", relayed: "relayed" };

/** @param {number} seconds */
const milliseconds = (seconds) => (seconds < 0.001 ? "< 1 ms" : `${Math.round(seconds * 1000)} ms`);

/** @param {number | null} rate bits a second */
function bits(rate) {
  if (rate === null) return "–";
  return rate < 999_500 ? `${Math.round(rate / 1000)} kbit/s` : `${(rate / 1e6).toFixed(1)} Mbit/s`;
}

/**
 * Why joining did not work.
 *
 * @param {unknown} error
 */
export function wordsForJoin(error) {
  const { code = "", hint = "", message = "" } = /** @type {{code?: string, hint?: string, message?: string}} */ (error);
  switch (code) {
    case "room-full":
      return "This room is full. Try again later, or meet in another one.";
    case "bad-room-name":
      return "A room's name is 'room' or 'app/room', with at most 128 characters.";
    case "bad-name":
      return "That name cannot be used. Try a shorter one without special characters.";
    case "4503":
      return "You have gone on in another window.";
    default:
      return hint ? `${message}` : `Joining did not work: ${message}`;
  }
}

/** What has become of somebody who is not here any more. @param {string} reason */
export function wordsForLeaving(reason) {
  switch (reason) {
    case "left":
      return "has left";
    case "kicked":
      return "was thrown out";
    case "expired":
      return "may not be here any more";
    default:
      return "was lost";
  }
}
