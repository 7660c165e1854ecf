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
 * @param {boolean} [isDegraded] the server cannot reach those who are at its other nodes
 */
export function wordsForRoom(state, others, isDegraded = false) {
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
      if (isDegraded) return `${peopleOf(others)}; some may be out of the server's reach`;
      return peopleOf(others);
  }
}

/** @param {number} others */
const peopleOf = (others) => (others === 0 ? "Connected, alone" : `Connected, ${others + 1} people`);

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

/** @type {Readonly<Record<string, string>>} */
const WHY_NOT = Object.freeze({
  "room-full": "This room is full. Try again later, or meet in another one.",
  "room-locked": "This room is locked: nobody else comes in for now. Ask somebody who is in, or come back later.",
  "bad-password": "This room has a password, and that was not it.",
  "turned-away": "You were not let in. Ask somebody who is in the room.",
  banned: "You were thrown out of this room, and may not come back yet.",
  "not-allowed": "You may not enter this room.",
  "app-full": "There are too many rooms now. Come back when one has ended.",
  "too-many-rooms": "You are in too many rooms already. Leave one, then try again.",
  "bad-room-name": "A room's name is 'room' or 'app/room', with at most 128 characters, all of which can be seen.",
  "bad-name": "That name cannot be used. Try a shorter one without special characters.",
  4503: "You have gone on in another window.",
  4505: "This server asks for a token, and has not got one that is good now.",
  4506: "Your time here has ended: your token has expired, and no new one came.",
  4507: "An administrator has ended your session.",
});
const NO_REASON = "you were thrown out of the room";

/**
 * Why joining did not work, or why it is over.
 *
 * @param {unknown} error
 */
export function wordsForJoin(error) {
  const { code = "", hint = "", message = "" } = /** @type {{code?: string, hint?: string, message?: string}} */ (error);
  if (code === "kicked") {
    return hint && hint !== NO_REASON ? `You were thrown out of the room. The reason: ${hint}` : "You were thrown out of the room.";
  }
  return WHY_NOT[code] ?? (hint ? message : `Joining did not work: ${message}`);
}

/** Why something that was asked of the room has not happened. @param {unknown} error */
export function wordsForDeed(error) {
  const { code = "", message = "" } = /** @type {{code?: string, message?: string}} */ (error);
  switch (code) {
    case "not-allowed":
    case "not-a-member":
      return "You may not do that here.";
    case "unknown-peer":
      return "They are not here any more.";
    case "room-full":
      return "The room is full: nobody else fits in.";
    default:
      return `That did not work: ${message}`;
  }
}

/** @typedef {import("../lib/protocol.js").RoomSettings} RoomSettings */

/** Who may come in. @param {RoomSettings} settings */
export function wordsForRules({ locked, has_password: hasPassword, has_lobby: hasLobby }) {
  if (locked) return "The room is locked: nobody else comes in.";
  if (hasPassword && hasLobby) return "Whoever comes needs the password, then waits to be let in.";
  if (hasPassword) return "Whoever comes needs the password.";
  if (hasLobby) return "Whoever comes waits to be let in.";
  return "Whoever knows the name of this room may come in.";
}

/** What becomes of somebody who is thrown out. @param {RoomSettings | null} settings */
export function wordsForKick(settings) {
  if (settings?.locked) return "They leave at once. The room is locked, so they stay out.";
  if (settings?.has_lobby) return "They leave at once, and would have to be let in again.";
  const who = settings?.has_password ? "who knows its name and its password" : "who knows its name";
  return `They leave at once. But the room stays open for everybody ${who}.`;
}

/** What has changed for everybody; empty when there is nothing to say. @param {RoomSettings} before @param {RoomSettings} now @param {string} me */
export function wordsForNews(before, now, me) {
  if (now.owner !== before.owner && now.owner === me) return "You are the owner of this room now.";
  const isSame = ["locked", "has_password", "has_lobby"].every(
    (rule) => Boolean(before[/** @type {"locked"} */ (rule)]) === Boolean(now[/** @type {"locked"} */ (rule)]),
  );
  return isSame ? "" : wordsForRules(now);
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
