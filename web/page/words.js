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
