/** Messages ⇄ data-channel messages, as docs/channels.md frames them. Pure. */

import { FRAGMENT_BYTES, IS_TEXT, KNOWN_FLAGS, LATEST_HEADER_BYTES, MORE_FOLLOW } from "../wire.js";
import { LATEST } from "./kinds.js";

/** @typedef {import("./kinds.js").Kind} Kind */
/** @typedef {string | ArrayBuffer | ArrayBufferView} Data what an application sends */
/** @typedef {string | Uint8Array} Message what an application receives */
/** @typedef {Uint8Array<ArrayBuffer>} Framed */
/** @typedef {{isText: boolean, bytes: Uint8Array}} Raw */

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A message as bytes that stay as they are, whatever its sender does with its own. Throws RangeError when this
 * kind does not carry so much, and TypeError for anything but text and bytes.
 *
 * @param {Kind} kind
 * @param {Data} data
 * @returns {Raw}
 */
export function toRaw(kind, data) {
  const isText = typeof data === "string";
  const bytes = isText ? toUtf8.encode(data) : viewOf(data);
  if (bytes.length > kind.maxMessageBytes) {
    throw new RangeError(`a ${kind.name} message has at most ${kind.maxMessageBytes} bytes, not ${bytes.length}`);
  }
  return { isText, bytes: isText ? bytes : new Uint8Array(bytes) };
}

/** @param {ArrayBuffer | ArrayBufferView} data */
function viewOf(data) {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (typeof data?.byteLength !== "number") throw new TypeError(`a message is text or bytes, not ${typeof data}`);
  return new Uint8Array(data);
}

/**
 * What to hand to the data channel, in order.
 *
 * @param {Kind} kind
 * @param {Raw} raw
 * @param {number} [sequence] of a LATEST value; wraps at 65,536
 * @param {number} [fragmentBytes]
 * @returns {Framed[]}
 */
export function fragment(kind, { isText, bytes }, sequence = 0, fragmentBytes = FRAGMENT_BYTES) {
  const flags = isText ? IS_TEXT : 0;
  if (kind === LATEST) return [frame([flags, (sequence >> 8) & 0xff, sequence & 0xff], bytes)];
  const size = kind.ordered ? fragmentBytes : kind.maxMessageBytes;
  const fragments = [];
  // An empty message is one fragment without content.
  for (let start = 0; start === 0 || start < bytes.length; start += size) {
    const more = start + size < bytes.length ? MORE_FOLLOW : 0;
    fragments.push(frame([flags | more], bytes.subarray(start, start + size)));
  }
  return fragments;
}

/** @param {number[]} header @param {Uint8Array} content @returns {Framed} */
export function frame(header, content) {
  const framed = new Uint8Array(header.length + content.length);
  framed.set(header);
  framed.set(content, header.length);
  return framed;
}

/** Whether `a` is newer than `b`: RFC 1982 serial arithmetic of 16 bits. @param {number} a @param {number} b */
export function isNewer(a, b) {
  const distance = (a - b) & 0xffff;
  return distance !== 0 && distance < 0x8000;
}

/**
 * What a data-channel message has made: a message; a part of one; nothing that can be read (`dropped`, to be
 * counted); too much (`too-large`: the channel is to be closed). `bytes` is how long the content is.
 *
 * @typedef {{is: "message", data: Message, bytes: number} | {is: "part"} | {is: "dropped"} | {is: "too-large"}} Assembled
 */

/** Puts the messages of one data channel together again. */
export class Assembler {
  /** @param {Kind} kind @param {number} [maxBytes] that of the kind, or less */
  constructor(kind, maxBytes = kind.maxMessageBytes) {
    this._kind = kind;
    this._maxBytes = maxBytes;
    // One growing buffer and no list: parts of a byte each would cost a hundred times their size.
    this._parts = new Uint8Array(0);
    this._partsAreText = false;
    this._newest = -1;
    /** What is kept of a message that has not come whole. */
    this.unfinishedBytes = 0;
  }

  /**
   * One data-channel message. After `too-large` the channel is to be closed.
   *
   * @param {Uint8Array} framed
   * @returns {Assembled}
   */
  receive(framed) {
    const flags = framed[0];
    if (flags === undefined || (flags & ~KNOWN_FLAGS) !== 0) return { is: "dropped" };
    const isText = (flags & IS_TEXT) !== 0;
    const more = (flags & MORE_FOLLOW) !== 0;
    if (this._kind.ordered) return this._receivePart(framed.subarray(1), isText, more);
    if (more) return { is: "dropped" };
    if (this._kind === LATEST) return this._receiveLatest(framed, isText);
    return finish(framed.subarray(1), isText);
  }

  /** @param {Uint8Array} framed @param {boolean} isText @returns {Assembled} */
  _receiveLatest(framed, isText) {
    if (framed.length < LATEST_HEADER_BYTES) return { is: "dropped" };
    const sequence = (framed[1] << 8) | framed[2];
    if (this._newest >= 0 && !isNewer(sequence, this._newest)) return { is: "dropped" };
    this._newest = sequence;
    return finish(framed.subarray(LATEST_HEADER_BYTES), isText);
  }

  /** @param {Uint8Array} part @param {boolean} isText @param {boolean} more @returns {Assembled} */
  _receivePart(part, isText, more) {
    const hasBegun = this.unfinishedBytes > 0;
    if (hasBegun && isText !== this._partsAreText) {
      this._forget();
      return { is: "dropped" };
    }
    if (this.unfinishedBytes + part.length > this._maxBytes) {
      this._forget();
      return { is: "too-large" };
    }
    if (!hasBegun && !more) return finish(part, isText);
    this._keep(part, isText);
    if (more) return { is: "part" };
    const whole = this._parts.subarray(0, this.unfinishedBytes);
    this._forget();
    return finish(whole, isText);
  }

  /** @param {Uint8Array} part @param {boolean} isText */
  _keep(part, isText) {
    const needed = this.unfinishedBytes + part.length;
    if (needed > this._parts.length) {
      const wider = new Uint8Array(Math.min(Math.max(needed, 2 * this._parts.length), this._maxBytes));
      wider.set(this._parts.subarray(0, this.unfinishedBytes));
      this._parts = wider;
    }
    this._parts.set(part, this.unfinishedBytes);
    this._partsAreText = isText;
    this.unfinishedBytes = needed;
  }

  _forget() {
    this._parts = new Uint8Array(0);
    this.unfinishedBytes = 0;
  }
}

/** @param {Uint8Array} bytes @param {boolean} isText @returns {Assembled} */
function finish(bytes, isText) {
  // In a buffer of its own, which the application may read as whatever it likes.
  if (!isText) return { is: "message", data: bytes.slice(), bytes: bytes.length };
  try {
    return { is: "message", data: fromUtf8.decode(bytes), bytes: bytes.length };
  } catch {
    return { is: "dropped" };
  }
}
