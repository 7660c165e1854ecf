/** One lane to one peer. It outlives the connection under it: after a rebuild it opens again by itself. */

import { Closed, Full, Refused } from "../errors.js";
import { Emitter, Stream } from "../events.js";
import { Assembler, fragment, toRaw } from "./chunking.js";
import { LATEST, RELIABLE } from "./kinds.js";

/** @typedef {import("./kinds.js").Kind} Kind */
/** @typedef {string | ArrayBuffer | ArrayBufferView} Data */
/** @typedef {string | Uint8Array} Message */

/** Above this much unsent data `send` waits; at the lower mark it goes on. */
export const HIGH_WATER_BYTES = 1024 * 1024;
export const LOW_WATER_BYTES = 256 * 1024;
/** An older LATEST value that waits behind more than this is replaced by the newer one. */
const LATEST_WATER_BYTES = 4096;
/** Messages that are kept for whoever comes to listen. */
export const MAX_UNREAD_MESSAGES = 1024;

/**
 * @typedef {object} ChannelEvents
 * @property {Message} message
 * @property {undefined} open
 * @property {Error} close why
 */

/**
 * @extends {Emitter<ChannelEvents>}
 * @implements {AsyncIterable<Message>}
 */
export class Channel extends Emitter {
  /**
   * @param {string} label
   * @param {Kind} kind
   * @param {(channel: Channel) => void} closing tells the other side
   */
  constructor(label, kind, closing) {
    super();
    this.label = label;
    this.kind = kind;
    /** @type {"opening" | "open" | "closed"} */
    this.state = "opening";
    this._closing = closing;
    /** @type {RTCDataChannel | null} */
    this._lane = null;
    this._assembler = new Assembler(kind);
    /** @type {Stream<Message>} */
    this._unread = new Stream(MAX_UNREAD_MESSAGES);
    this._isListenedTo = false;
    this._sequence = 0;
    /** The LATEST value that has not been sent. @type {import("./chunking.js").Raw | null} */
    this._unsent = null;
    /** One message at a time: fragments of two may not mix. @type {Promise<void>} */
    this._turn = Promise.resolve();
    this._sending = 0;
    /** @type {Error} */
    this._why = new Closed(`channel ${label} is closed`);
    this._counts = { sent: 0, received: 0, dropped: 0, replaced: 0 };
  }

  /** Counts of messages since the channel was made. */
  statistics() {
    return { ...this._counts, dropped: this._counts.dropped + this._unread.dropped };
  }

  /**
   * Send a message, waiting for room. Rejects with Closed when the channel ends first; throws RangeError for
   * a message that this kind does not carry.
   *
   * @param {Data} data
   * @returns {Promise<void>}
   */
  async send(data) {
    const raw = toRaw(this.kind, data);
    if (this.kind === LATEST) {
      this._sendLatest(raw);
      return;
    }
    this._sending += 1;
    const turn = this._turn.then(() => this._sendInTurn(raw));
    this._turn = turn.catch(() => {});
    try {
      await turn;
    } finally {
      this._sending -= 1;
    }
  }

  /**
   * Send without waiting: `sent`, or `replaced` when a LATEST value took the place of an older one. Throws
   * Full when there is no room.
   *
   * @param {Data} data
   * @returns {"sent" | "replaced"}
   */
  sendNow(data) {
    const raw = toRaw(this.kind, data);
    if (this.kind === LATEST) return this._sendLatest(raw);
    if (this.state === "closed") throw this._why;
    const lane = this._openLane;
    if (!lane || this._sending > 0 || lane.bufferedAmount + raw.bytes.length > HIGH_WATER_BYTES) {
      throw new Full(`no room in channel ${this.label}`, "use send(), which waits");
    }
    for (const part of fragment(this.kind, raw)) lane.send(part);
    this._counts.sent += 1;
    return "sent";
  }

  /** Resolves when messages can flow; rejects when the channel ends first. */
  async waitOpen() {
    await this._lanePromise();
  }

  /** Close it here and on the other side. What was sent still goes out. */
  close() {
    if (this.state === "closed") return;
    this._closing(this);
    this._lane?.close();
    this._end(new Closed(`channel ${this.label} was closed here`));
  }

  /**
   * Messages from the first on; kept until somebody listens. Use this or `on("message")`, not both.
   *
   * @returns {AsyncIterator<Message>}
   */
  [Symbol.asyncIterator]() {
    return this._unread[Symbol.asyncIterator]();
  }

  /**
   * @override
   * @param {string} name
   * @param {EventListenerOrEventListenerObject | null} listener
   * @param {AddEventListenerOptions | boolean} [options]
   */
  addEventListener(name, listener, options) {
    super.addEventListener(name, listener, options);
    if (name !== "message" || this._isListenedTo) return;
    this._isListenedTo = true;
    for (const message of this._unread.drain()) this.emit("message", message);
  }

  // For the connection

  /** Whether a data channel is under it. */
  get isAttached() {
    return this._lane !== null && this._lane.readyState !== "closing" && this._lane.readyState !== "closed";
  }

  /** A data channel to run on, the first or that of a new connection. @param {RTCDataChannel} lane */
  attach(lane) {
    if (this.state === "closed") {
      lane.close();
      return;
    }
    this._lane = lane;
    this._assembler = new Assembler(this.kind);
    lane.binaryType = "arraybuffer";
    lane.bufferedAmountLowThreshold = this.kind === LATEST ? LATEST_WATER_BYTES : LOW_WATER_BYTES;
    lane.addEventListener("message", ({ data }) => this._received(lane, data));
    lane.addEventListener("bufferedamountlow", () => this._flushLatest());
    lane.addEventListener("close", () => this._detached(lane));
    if (lane.readyState === "open") this._opened();
    else lane.addEventListener("open", () => this._opened(), { once: true });
  }

  /** The other side has closed it: what is still under way is read first. */
  closedByOther() {
    this._why = new Closed(`channel ${this.label} was closed by the other side`);
    const lane = this._lane;
    if (lane && this.isAttached) lane.addEventListener("close", () => this._end(this._why), { once: true });
    else this._end(this._why);
    lane?.close();
  }

  /** @param {Error} why */
  fail(why) {
    this._lane?.close();
    this._end(why);
  }

  // Inside

  get _openLane() {
    return this._lane?.readyState === "open" ? this._lane : null;
  }

  _opened() {
    if (this.state !== "opening") return;
    this.state = "open";
    this.emit("open", undefined);
    this._flushLatest();
  }

  /** @param {RTCDataChannel} lane */
  _detached(lane) {
    if (this._lane !== lane || this.state === "closed") return;
    this._lane = null;
    this.state = "opening";
    this.dispatchEvent(new Event("detached"));
  }

  /** @param {Error} why */
  _end(why) {
    if (this.state === "closed") return;
    this.state = "closed";
    this._why = why;
    this._lane = null;
    this._unread.end();
    this.emit("close", why);
  }

  /** @param {RTCDataChannel} lane @param {unknown} data */
  _received(lane, data) {
    if (lane !== this._lane) return;
    // Every message of ours is binary.
    const assembled =
      data instanceof ArrayBuffer ? this._assembler.receive(new Uint8Array(data)) : { is: /** @type {const} */ ("dropped") };
    switch (assembled.is) {
      case "message":
        this._counts.received += 1;
        this._deliver(assembled.data);
        break;
      case "dropped":
        this._counts.dropped += 1;
        break;
      case "too-large":
        this._closing(this);
        this.fail(new Refused("too-large", "a message grew past what this kind carries"));
        break;
    }
  }

  /** @param {Message} message */
  _deliver(message) {
    if (this._isListenedTo) {
      this.emit("message", message);
      return;
    }
    if (this.kind === RELIABLE && this._unread.length >= MAX_UNREAD_MESSAGES) {
      this._closing(this);
      this.fail(new Full(`nobody reads channel ${this.label}`, "read the messages, or close the channel"));
      return;
    }
    this._unread.put(message);
  }

  /** @param {import("./chunking.js").Raw} raw @returns {"sent" | "replaced"} */
  _sendLatest(raw) {
    if (this.state === "closed") throw this._why;
    const isReplacing = this._unsent !== null;
    this._unsent = raw;
    this._flushLatest();
    this._counts.replaced += isReplacing ? 1 : 0;
    return isReplacing ? "replaced" : "sent";
  }

  _flushLatest() {
    const lane = this._openLane;
    if (!lane || !this._unsent || lane.bufferedAmount > LATEST_WATER_BYTES) return;
    for (const part of fragment(this.kind, this._unsent, this._sequence)) lane.send(part);
    this._sequence += 1;
    this._unsent = null;
    this._counts.sent += 1;
  }

  /** @param {import("./chunking.js").Raw} raw */
  async _sendInTurn(raw) {
    let lane = await this._lanePromise();
    const parts = fragment(this.kind, raw);
    for (let index = 0; index < parts.length; index += 1) {
      if (lane.bufferedAmount > HIGH_WATER_BYTES) await this._roomIn(lane);
      if (lane.readyState !== "open") {
        // The connection under it was replaced: the message starts again from its first part.
        lane = await this._lanePromise();
        index = 0;
      }
      lane.send(parts[index]);
    }
    this._counts.sent += 1;
  }

  /** @returns {Promise<RTCDataChannel>} */
  _lanePromise() {
    return new Promise((resolve, reject) => {
      const lane = this._openLane;
      if (this.state === "closed") return reject(this._why);
      if (lane) return resolve(lane);
      const stop = new AbortController();
      this.on("open", () => (stop.abort(), resolve(/** @type {RTCDataChannel} */ (this._lane))), stop);
      return this.on("close", (why) => (stop.abort(), reject(why)), stop);
    });
  }

  /** @param {RTCDataChannel} lane @returns {Promise<void>} */
  _roomIn(lane) {
    return new Promise((resolve) => {
      const options = { once: true };
      lane.addEventListener("bufferedamountlow", () => resolve(), options);
      lane.addEventListener("close", () => resolve(), options);
    });
  }
}
