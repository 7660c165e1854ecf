/** Names of things: peer ids and room names. */

export const MAX_NAME_CHARACTERS = 128;
export const DEFAULT_APP = "default";

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
  return /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name) ? null : name;
}

/** What people read: the room without the app it is in by default. @param {string} name */
export function shortRoomName(name) {
  const prefix = `${DEFAULT_APP}/`;
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
