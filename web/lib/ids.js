/** Names of things: peer ids and room names. */

export const MAX_NAME_CHARACTERS = 128;
export const DEFAULT_APP = "default";
/** What turns the direction of a text, or is not seen: two rooms would have one name to the eye. */
const TURNS_OR_UNSEEN = /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/u;

/**
 * Normalise what a person calls a room to `app/room`; null when it cannot be a room.
 *
 * @param {string} text
 * @returns {string | null}
 */
export function roomName(text) {
  const trimmed = text.normalize("NFKC").trim();
  const slash = trimmed.indexOf("/");
  const app = slash < 0 ? DEFAULT_APP : trimmed.slice(0, slash);
  const room = slash < 0 ? trimmed : trimmed.slice(slash + 1);
  const name = `${app}/${room}`;
  // Code points, as the server counts them.
  if (!app || !room || room.includes("/") || [...name].length > MAX_NAME_CHARACTERS) return null;
  return /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name) || TURNS_OR_UNSEEN.test(name) ? null : name;
}

/** What people read: the room without the app it is in by default. @param {string} name */
export function shortRoomName(name) {
  const prefix = `${DEFAULT_APP}/`;
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
