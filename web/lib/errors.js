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

export class PeerlaneError extends Error {
  /**
   * @param {string} message
   * @param {string} [hint] what to do about it
   */
  constructor(message, hint = "") {
    super(hint ? `${message} (${hint})` : message);
    this.name = new.target.name;
    this.hint = hint;
  }
}

export class Closed extends PeerlaneError {}

export class Lost extends PeerlaneError {
  /**
   * @param {string} message
   * @param {string} [hint]
   * @param {number} [retryAfter] seconds
   */
  constructor(message, hint = "", retryAfter = 0) {
    super(message, hint);
    this.retryAfter = retryAfter;
  }
}

export class Refused extends PeerlaneError {
  /**
   * @param {string} code
   * @param {string} [hint]
   */
  constructor(code, hint = "") {
    super(`refused: ${code}`, hint);
    this.code = code;
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
