/** Choices that are kept on this device, for the next time. Without storage the page works all the same. */

const PREFIX = "peerlane.";

/** @param {string} key */
export function recall(key) {
  try {
    return localStorage.getItem(PREFIX + key) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key @param {string} value */
export function remember(key, value) {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // Private windows may refuse; then nothing is kept.
  }
}
