/** Messages ⇄ data-channel messages, as docs/channels.md frames them. Pure. */

import { LATEST, RELIABLE } from "./kinds.js";

/** @typedef {import("./kinds.js").Kind} Kind */

const IS_TEXT = 1;
const MORE_FOLLOW = 2;
const KNOWN_FLAGS = IS_TEXT | MORE_FOLLOW;
export const FRAGMENT_BYTES = 16_000;
const LATEST_HEADER_BYTES = 3;

const toUtf8 = new TextEncoder();

/** @typedef {{isText: boolean, bytes: Uint8Array}} Raw */

/**
 * A message as bytes. Throws RangeError when this kind does not carry so much.
 *
 * @param {Kind} kind
 * @param {string | ArrayBuffer | ArrayBufferView} data
 * @returns {Raw}
 */
export function toRaw(kind, data) {
  const bytes =
    typeof data === "string"
      ? toUtf8.encode(data)
      : ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : new Uint8Array(data);
  if (bytes.length > kind.maxMessageBytes) {
    throw new RangeError(`a ${kind.name} message has at most ${kind.maxMessageBytes} bytes, not ${bytes.length}`);
  }
  return { isText: typeof data === "string", bytes };
}

/**
 * What to hand to the data channel, in order.
 *
 * @param {Kind} kind
 * @param {Raw} raw
 * @param {number} [sequence] of a LATEST value; wraps at 65,536
 * @returns {Uint8Array<ArrayBuffer>[]}
 */
export function fragment(kind, { isText, bytes }, sequence = 0) {
  const flags = isText ? IS_TEXT : 0;
  if (kind === LATEST) {
    const framed = new Uint8Array(bytes.length + LATEST_HEADER_BYTES);
    framed[0] = flags;
    new DataView(framed.buffer).setUint16(1, sequence & 0xffff);
    framed.set(bytes, LATEST_HEADER_BYTES);
    return [framed];
  }
  const fragments = [];
  const size = kind === RELIABLE ? FRAGMENT_BYTES : kind.maxMessageBytes;
  // An empty message is one fragment without content.
  for (let start = 0; start === 0 || start < bytes.length; start += size) {
    const part = bytes.subarray(start, start + size);
    const framed = new Uint8Array(part.length + 1);
    framed[0] = flags | (start + size < bytes.length ? MORE_FOLLOW : 0);
    framed.set(part, 1);
    fragments.push(framed);
  }
  return fragments;
}

/** Whether `a` is newer than `b`: RFC 1982 serial arithmetic of 16 bits. @param {number} a @param {number} b */
export function isNewer(a, b) {
  const distance = (a - b) & 0xffff;
  return distance !== 0 && distance < 0x8000;
}

/** @typedef {{is: "message", data: string | Uint8Array} | {is: "part"} | {is: "dropped"} | {is: "too-large"}} Assembled */

/** Puts the messages of one data channel together again. */
export class Assembler {
  /** @param {Kind} kind */
  constructor(kind) {
    this._kind = kind;
    /** @type {Uint8Array[]} */
    this._parts = [];
    this._partBytes = 0;
    this._partsAreText = false;
    this._newest = -1;
    this._utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
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
    if (this._kind === RELIABLE) return this._receivePart(framed.subarray(1), isText, (flags & MORE_FOLLOW) !== 0);
    if ((flags & MORE_FOLLOW) !== 0) return { is: "dropped" };
    if (this._kind === LATEST) return this._receiveLatest(framed, isText);
    return this._finish(framed.subarray(1), isText);
  }

  /** @param {Uint8Array} framed @param {boolean} isText @returns {Assembled} */
  _receiveLatest(framed, isText) {
    if (framed.length < LATEST_HEADER_BYTES) return { is: "dropped" };
    const sequence = (framed[1] << 8) | framed[2];
    if (this._newest >= 0 && !isNewer(sequence, this._newest)) return { is: "dropped" };
    this._newest = sequence;
    return this._finish(framed.subarray(LATEST_HEADER_BYTES), isText);
  }

  /** @param {Uint8Array} part @param {boolean} isText @param {boolean} more @returns {Assembled} */
  _receivePart(part, isText, more) {
    if (this._parts.length > 0 && isText !== this._partsAreText) {
      this._parts = [];
      this._partBytes = 0;
      return { is: "dropped" };
    }
    // Empty parts would let the other side fill our memory for nothing.
    if (more && part.length === 0) return { is: "part" };
    this._partsAreText = isText;
    this._partBytes += part.length;
    if (this._partBytes > this._kind.maxMessageBytes) return { is: "too-large" };
    this._parts.push(part);
    if (more) return { is: "part" };
    const whole = this._parts.length === 1 ? part : this._joinParts();
    this._parts = [];
    this._partBytes = 0;
    return this._finish(whole, isText);
  }

  _joinParts() {
    const whole = new Uint8Array(this._partBytes);
    let at = 0;
    for (const part of this._parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** @param {Uint8Array} bytes @param {boolean} isText @returns {Assembled} */
  _finish(bytes, isText) {
    if (!isText) return { is: "message", data: bytes };
    try {
      return { is: "message", data: this._utf8.decode(bytes) };
    } catch {
      return { is: "dropped" };
    }
  }
}
