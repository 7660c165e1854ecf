/** Messages of one channel that nobody has read yet, and what happens when they are too many. Pure. */

import { Deque } from "./deque.js";
import { LATEST } from "./kinds.js";

/** @typedef {import("./chunking.js").Message} Message */

export const MAX_UNREAD_MESSAGES = 1024;
/** Four of the longest messages. */
export const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/** When full: RELIABLE and BULK refuse one more, UNRELIABLE drops the oldest, LATEST keeps the newest. */
export class Inbox {
  /** @param {import("./kinds.js").Kind} kind */
  constructor(kind) {
    this._kind = kind;
    this._limit = kind === LATEST ? 1 : MAX_UNREAD_MESSAGES;
    /** @type {Deque<{message: Message, bytes: number}>} */
    this._messages = new Deque();
    this._bytes = 0;
    this.dropped = 0;
  }

  get length() {
    return this._messages.length;
  }

  /**
   * Keep a message. False: a channel that may lose nothing has no room for it, and cannot go on.
   *
   * @param {Message} message
   * @param {number} bytes how long its content is
   */
  put(message, bytes) {
    if (this._kind.ordered) {
      // A single message may be as long as it likes to: it fits, when nothing else is there.
      const isFull = this.length >= this._limit || this._bytes + bytes > MAX_UNREAD_BYTES;
      if (isFull && this.length > 0) return false;
    } else if (this.length >= this._limit) {
      this.take();
      this.dropped += 1;
    }
    this._messages.push({ message, bytes });
    this._bytes += bytes;
    return true;
  }

  /** The oldest message; only when there is one. */
  take() {
    const { message, bytes } = this._messages.shift();
    this._bytes -= bytes;
    return message;
  }
}
