/** Numbers and the words of others, made fit for a sentence. */

const MAX_QUOTED_CHARACTERS = 200;
export const MAX_SECONDS = 86_400;

/** On one line, and not too much of it. @param {string} text */
export function quoted(text) {
  const line = text.replaceAll(/[\x00-\x20\x7f-\x9f]+/g, " ").replaceAll(/^ +| +$/g, "");
  const letters = [...line];
  return letters.length <= MAX_QUOTED_CHARACTERS ? line : `${letters.slice(0, MAX_QUOTED_CHARACTERS).join("")}…`;
}

/** With a capital letter and a full stop; empty text stays empty. @param {string} text */
export function asSentence(text) {
  const [first, ...others] = quoted(text);
  if (first === undefined) return "";
  const line = first.toUpperCase() + others.join("");
  return ".?!…".includes(others.at(-1) ?? first) ? line : `${line}.`;
}

/** As a sentence, unless it says no more than that there was no answer. @param {string} trouble */
export const reasonOf = (trouble) =>
  ["no answer", "nothing came back"].includes(trouble.toLowerCase()) ? "" : asSentence(trouble);

/** @param {number | null} seconds */
export const milliseconds = (seconds) => `${whole((seconds ?? 0) * 1000, MAX_SECONDS * 1000)} ms`;

/** Rounded half up, from 0 to `most`; what is no number is 0. @param {number} number @param {number} most */
export const whole = (number, most) => Math.floor(Math.min(Math.max(0, number), most) + 0.5) || 0;

/**
 * A text with its blanks filled in.
 *
 * @param {string} text
 * @param {Readonly<Record<string, string | number>>} blanks
 */
export const filled = (text, blanks) => text.replaceAll(/\{([a-z]+)\}/g, (_, name) => String(blanks[name]));
