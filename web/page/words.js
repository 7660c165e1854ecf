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
 * @param {"joining" | "open" | "interrupted" | "closed"} state
 * @param {number} others
 */
export function wordsForRoom(state, others) {
  switch (state) {
    case "joining":
      return "Joining…";
    case "interrupted":
      return others > 0 ? "Reconnecting to the server. The call goes on." : "Reconnecting to the server…";
    case "closed":
      return "You have left";
    default:
      return others === 0 ? "Connected, alone" : `Connected, ${others + 1} people`;
  }
}

/**
 * What is being done about peers that are out of reach.
 *
 * @param {string[]} names
 * @param {"restart" | "rebuild" | "waiting-for-server" | null} doing
 * @param {string} why a sentence of the diagnosis; empty: none
 */
export function wordsForHealing(names, doing, why) {
  const who = names.length > 2 ? `${names[0]} and ${names.length - 1} others` : names.join(" and ");
  const what = {
    restart: "a new path is being tried",
    rebuild: "a new connection is being made",
    "waiting-for-server": "waiting for the server, to find a new path",
  };
  const sentence = `Reconnecting to ${who}: ${doing ? what[doing] : "listening for a sign of life"}.`;
  return why ? `${sentence} ${why}` : sentence;
}

/**
 * That our own line to the server is lost.
 *
 * @param {number} others
 */
export function wordsForLink(others) {
  return others > 0 ? "The server is out of reach; the call goes on." : "The server is out of reach; trying again.";
}

/** How good a connection is. @param {import("../lib/stats.js").Quality} quality */
export function wordsForQuality(quality) {
  return { good: "Good connection", fair: "Fair connection", poor: "Poor connection", none: "No connection" }[quality];
}

/**
 * Route, protocol, codecs, round trip, loss, and bits in and out, as the table of connections shows them.
 *
 * @param {import("../lib/stats.js").PeerStatistics} statistics
 * @returns {string[]}
 */
export function figures({ route, protocol, codecs, rtt, loss, bitrateIn, bitrateOut }) {
  const bits = (/** @type {number | null} */ rate) => (rate === null ? "–" : `${Math.round(rate / 1000)} kbit/s`);
  return [
    route ?? "–",
    protocol?.toUpperCase() ?? "–",
    codecs.join(", ") || "–",
    rtt === null ? "–" : `${Math.round(rtt * 1000)} ms`,
    loss === null ? "–" : `${(loss * 100).toFixed(1)} %`,
    bits(bitrateIn),
    bits(bitrateOut),
  ];
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
