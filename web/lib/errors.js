/**
 * What went wrong, named after what you can do now.
 *
 *     PeerlaneError
 *     ├── Closed    you have closed it
 *     ├── Lost      the network; come back after `retryAfter` seconds
 *     ├── Refused   the other side said no; `code` says why
 *     └── Full      no room now; wait, or send less
 *
 * And what the server says when it hangs up: the twin of signaling/protocol/errors.py.
 */

/** @typedef {"never" | "here" | "elsewhere"} ComeBack */

/** @typedef {{code: number, name: string, text: string, come_back: ComeBack, after: number}} CloseReason */

/**
 * What is the matter, for people: what is so and why it matters, then what to do. `code` stays the same over versions.
 *
 * @typedef {{code: string, sentence: string, advice: string}} Diagnosis
 */

export class PeerlaneError extends Error {
  /**
   * @param {string} text
   * @param {string} [hint] what to do about it
   * @param {Diagnosis | null} [diagnosis] null when there is no more to say than the error does
   */
  constructor(text, hint = "", diagnosis = null) {
    const advice = hint || (diagnosis?.advice ?? "");
    if (diagnosis && diagnosis.sentence !== text) super(`${text}: ${diagnosis.sentence} ${diagnosis.advice}`.trimEnd());
    else super(advice ? `${text} (${advice})` : text);
    this.name = new.target.name;
    this.hint = advice;
    this.diagnosis = diagnosis;
  }
}

export class Closed extends PeerlaneError {}

/** It always carries a diagnosis: its own words, where nothing more is known. */
export class Lost extends PeerlaneError {
  /**
   * @param {string} text
   * @param {string} [hint]
   * @param {number} [retryAfter] seconds
   * @param {Diagnosis | null} [diagnosis]
   */
  constructor(text, hint = "", retryAfter = 0, diagnosis = null) {
    super(text, hint, diagnosis);
    this.retryAfter = retryAfter;
    this.diagnosis ??= { code: "lost", sentence: text, advice: hint };
  }
}

/** It always carries a diagnosis: its own words, where nothing more is known. */
export class Refused extends PeerlaneError {
  /**
   * @param {string} code
   * @param {string} [hint]
   * @param {Diagnosis | null} [diagnosis]
   */
  constructor(code, hint = "", diagnosis = null) {
    super(`refused: ${code}`, hint, diagnosis);
    this.code = code;
    this.diagnosis ??= { code, sentence: `refused: ${code}`, advice: hint };
  }
}

export class Full extends PeerlaneError {}

/** @type {readonly CloseReason[]} */
export const CLOSE_REASONS = Object.freeze([
  { code: 4000, name: "draining", text: "this server is leaving", come_back: "elsewhere", after: 1 },
  { code: 4001, name: "slow", text: "you read more slowly than messages arrive", come_back: "here", after: 0 },
  {
    code: 4002,
    name: "silent",
    text: "nothing was heard from you within the ping time-out",
    come_back: "here",
    after: 0,
  },
  { code: 4003, name: "overloaded", text: "the server is at its limit", come_back: "here", after: 5 },
  {
    code: 4004,
    name: "fault",
    text: "the server made a mistake; it has been logged",
    come_back: "here",
    after: 1,
  },
  {
    code: 4005,
    name: "crowded",
    text: "too many sessions of this user or address",
    come_back: "here",
    after: 30,
  },
  { code: 4500, name: "bad-words", text: "too many frames were not messages", come_back: "never", after: 0 },
  { code: 4501, name: "no-hello", text: "no hello arrived in time", come_back: "never", after: 0 },
  {
    code: 4502,
    name: "bad-version",
    text: "this server does not speak that version",
    come_back: "never",
    after: 0,
  },
  { code: 4503, name: "replaced", text: "the session went on over a newer link", come_back: "never", after: 0 },
  { code: 4504, name: "farewell", text: "you said bye", come_back: "never", after: 0 },
  { code: 4505, name: "bad-token", text: "the token is missing or not valid", come_back: "never", after: 0 },
  {
    code: 4506,
    name: "expired",
    text: "the token has expired, and no new one came",
    come_back: "never",
    after: 0,
  },
  { code: 4507, name: "expelled", text: "an administrator has ended the session", come_back: "never", after: 0 },
]);

/**
 * The advice that goes with a WebSocket close code; undefined for codes that are not ours.
 *
 * @param {number} code
 * @returns {CloseReason | undefined}
 */
export function closeReason(code) {
  return CLOSE_REASONS.find((reason) => reason.code === code);
}
