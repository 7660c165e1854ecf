/**
 * Passwords of rooms: what is sent is a proof, never the password.
 *
 * The twin of signaling/protocol/passwords.py; tests/vectors/passwords.json binds the two.
 */

/** Of PBKDF2 with SHA-512 (RFC 8018 §5.2). */
export const ITERATIONS = 210_000;

/**
 * 43 characters that only somebody who knows the password can make for this room.
 *
 * Rejects with TypeError for an empty password, and where the page is not secure (no HTTPS, not this machine): browsers
 * have no cryptography there.
 *
 * @param {string} password
 * @param {string} room its full name
 * @returns {Promise<string>}
 */
export async function passwordProof(password, room) {
  if (!password) throw new TypeError("a password needs at least one character");
  if (!globalThis.crypto?.subtle) throw new TypeError("a room's password needs a page that came over HTTPS");
  const utf8 = new TextEncoder();
  const secret = utf8.encode(password.normalize("NFKC"));
  const key = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveBits"]);
  const salt = utf8.encode(`peerlane:${room}`);
  const bits = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt, iterations: ITERATIONS }, key, 256);
  return btoa(String.fromCharCode(...new Uint8Array(bits)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
