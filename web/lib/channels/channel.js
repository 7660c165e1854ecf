/** One lane to one peer. It outlives the connection under it: after a rebuild it goes on by itself. */

import { now } from "../clock.js";
import { Closed, Full, Lost, Refused } from "../errors.js";
import { Emitter } from "../events.js";
import { Bell } from "./bell.js";
import { Carrier } from "./carrier.js";
import { toRaw } from "./chunking.js";
import { Inbox } from "./inbox.js";
import { LATEST } from "./kinds.js";

/** @typedef {import("./kinds.js").Kind} Kind */
/** @typedef {import("./chunking.js").Data} Data */
/** @typedef {import("./chunking.js").Message} Message */
/** @typedef {import("./chunking.js").Raw} Raw */
/**
 * What became of a message of `sendNow`; `replaced`: it took the place of an older LATEST value, which is never
 * sent; `dropped` (UNRELIABLE only): there is no connection now.
 *
 * @typedef {"sent" | "replaced" | "dropped"} Outcome
 */

/**
 * Whom a channel tells about itself: the register.
 *
 * @typedef {object} Owner
 * @property {(carrier: Carrier) => void} waits it has something to hand over
 * @property {() => void} hasRoom a lane has handed on what was in its buffer
 * @property {(channel: Channel) => boolean} came a data-channel message; false: too much of unfinished ones is kept
 * @property {(channel: Channel) => void} laneClosed
 * @property {(channel: Channel) => void} closed this end has closed it; what waits still goes out
 * @property {(channel: Channel) => void} left it has ended, and so has its lane
 * @property {(reason: string) => void} violated nobody who speaks our protocol says such a thing
 */

/**
 * @typedef {object} ChannelEvents
 * @property {Message} message
 * @property {undefined} open
 * @property {Error} close why
 */

/**
 * Messages since the channel was made, and the bytes of their content.
 *
 * @typedef {object} Statistics
 * @property {number} sent have gone out whole
 * @property {number} received
 * @property {number} dropped nobody got them: came in unreadable, late, or were pushed out by newer ones; or were to
 *   be sent while there was no connection
 * @property {number} replaced LATEST values whose place was taken by newer ones before they went out
 * @property {number} stale UNRELIABLE messages that had waited for too long
 * @property {number} resent have gone out once more, over the next connection
 * @property {number} duplicates came in once more, and nobody got them twice
 * @property {number} waitingMessages
 * @property {number} waitingBytes
 * @property {number} unacknowledgedMessages have gone out, and may still have to go out again
 * @property {number} sentBytes
 * @property {number} receivedBytes
 */

/**
 * @extends {Emitter<ChannelEvents>}
 * @implements {AsyncIterable<Message>}
 */
export class Channel extends Emitter {
  /** @param {string} label @param {Kind} kind @param {Owner} owner */
  constructor(label, kind, owner) {
    super();
    this.label = label;
    this.kind = kind;
    /** `opening` whenever there is no lane under it. @type {"opening" | "open" | "closed"} */
    this.state = "opening";
    this.carrier = new Carrier(kind, {
      laneOpened: () => this._laneOpened(),
      laneClosed: () => this._laneClosed(),
      laneHasRoom: () => owner.hasRoom(),
      arrived: (arrived) => this._arrived(arrived),
      emptied: () => this._emptied(),
    });
    this._owner = owner;
    this._inbox = new Inbox(kind);
    this._isListenedTo = false;
    this._changed = new Bell();
    /** Whoever came first to wait for room gets it first. @type {Promise<void>} */
    this._turn = Promise.resolve();
    this._sending = 0;
    this._hasBeenOpen = false;
    this._isLeaving = false;
    this._isEnding = false;
    /** @type {Error} */
    this._why = new Closed(`channel ${label} is closed`);
    this._counts = { received: 0, receivedBytes: 0, dropped: 0 };
  }

  /** @returns {Statistics} */
  statistics() {
    const { ordered, realtime, incoming, outgoing } = this.carrier;
    return {
      sent: outgoing.sent,
      received: this._counts.received,
      dropped: this._counts.dropped + this._inbox.dropped,
      replaced: realtime?.replaced ?? 0,
      stale: realtime?.stale ?? 0,
      resent: ordered?.resent ?? 0,
      duplicates: incoming?.duplicates ?? 0,
      waitingMessages: outgoing.waitingMessages,
      waitingBytes: outgoing.waitingBytes,
      unacknowledgedMessages: ordered?.unacknowledgedMessages ?? 0,
      sentBytes: outgoing.sentBytes,
      receivedBytes: this._counts.receivedBytes,
    };
  }

  /**
   * Send a message, waiting for room. What is RELIABLE or BULK arrives even when the connection has to be rebuilt.
   * A LATEST value never waits: it replaces the older one that is still unsent. An UNRELIABLE message waits only for
   * the channel to open for the first time. Rejects with the reason when the channel ends first, with RangeError for
   * a message that this kind does not carry.
   *
   * @param {Data} data
   * @returns {Promise<void>}
   */
  async send(data) {
    const raw = toRaw(this.kind, data);
    if (this.kind === LATEST) {
      this._put(raw);
      return;
    }
    this._sending += 1;
    const turn = this._turn.then(() => this._putWithRoom(raw));
    this._turn = turn.catch(() => {});
    try {
      await turn;
    } finally {
      this._sending -= 1;
    }
  }

  /**
   * Send without waiting. Throws Full when there is no room, and otherwise as `send`.
   *
   * @param {Data} data
   * @returns {Outcome}
   */
  sendNow(data) {
    const raw = toRaw(this.kind, data);
    const isNext = this.kind === LATEST || this._sending === 0;
    if (this.state !== "closed" && !(isNext && this._hasRoom(raw))) {
      throw new Full(`no room in channel ${this.label}`, "use send(), which waits");
    }
    return this._put(raw);
  }

  /** Resolves when messages can flow; rejects with the reason when the channel ends first. */
  async waitOpen() {
    while (this.state !== "open") {
      if (this.state === "closed") throw this._why;
      await this._changed.wait();
    }
  }

  /** Close it here and on the other side. What was sent still goes out, while there is a connection. */
  close() {
    if (this.state !== "closed") this.end(new Closed(`channel ${this.label} was closed here`));
  }

  /**
   * Messages from the first on; kept until somebody listens. Use this or `on("message")`, not both. Rejects with
   * Full, Lost or Refused when the channel had to end because of them.
   *
   * @returns {AsyncIterator<Message>}
   */
  [Symbol.asyncIterator]() {
    return {
      next: async () => {
        while (this._inbox.length === 0) {
          if (this.state === "closed") {
            if (this._why instanceof Closed) return { value: undefined, done: true };
            throw this._why;
          }
          await this._changed.wait();
        }
        return { value: this._inbox.take(), done: false };
      },
      return: async () => ({ value: undefined, done: true }),
    };
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
    while (this._inbox.length > 0) this.emit("message", this._inbox.take());
  }

  // For the register

  /** Whether there is a lane under it, or will be. */
  get isAttached() {
    return this.carrier.isAttached;
  }

  /** A lane to run on, the first or that of a new connection. @param {RTCDataChannel} lane @param {string} id */
  attach(lane, id) {
    this.carrier.attach(lane, id);
  }

  /** The connection under it has ended; another one may follow. */
  detach() {
    this.carrier.detach();
    this._laneClosed();
  }

  /** The other side has let go of it, and closes its lane: what is still under way is read first. */
  closedByOther() {
    this._isEnding = true;
    if (this.state !== "closed") this._why = new Closed(`channel ${this.label} was closed by the other side`);
    if (this.isAttached) return;
    this._end(this._why);
    this._leave();
  }

  /** End it here; what was sent goes out first. @param {Error} why */
  end(why) {
    this._end(why);
    this._isLeaving = true;
    this._owner.closed(this);
    this._owner.waits(this.carrier);
  }

  /** It cannot go on. @param {Error} why */
  fail(why) {
    this._end(why);
    this._leave();
  }

  /** There may be room for more. */
  acknowledged() {
    this._changed.ring();
  }

  // From its carrier

  _laneOpened() {
    if (this.state === "opening") {
      this.state = "open";
      this._hasBeenOpen = true;
      this._changed.ring();
      this.emit("open", undefined);
    }
    this._owner.waits(this.carrier);
  }

  _laneClosed() {
    this._counts.dropped += this.carrier.realtime?.clear() ?? 0;
    if (this._isEnding) this._end(this._why);
    if (this.state === "closed") {
      this._leave();
      return;
    }
    this.state = "opening";
    this._owner.laneClosed(this);
  }

  _emptied() {
    if (this._isLeaving) this._leave();
  }

  /** @param {import("./incoming.js").Arrived} arrived */
  _arrived(arrived) {
    const hasRoom = this._owner.came(this);
    switch (arrived.is) {
      case "message":
        this._counts.received += 1;
        this._counts.receivedBytes += arrived.bytes;
        this._deliver(arrived.data, arrived.bytes);
        break;
      case "part":
        if (!hasRoom) this._giveUp(new Refused("too-large", "the other side has begun too many long messages"));
        break;
      case "dropped":
        this._counts.dropped += 1;
        break;
      case "too-large":
        this._giveUp(new Refused("too-large", `a message in channel ${this.label} was too long`));
        break;
      case "missing":
        this._giveUp(new Lost(`messages are missing in channel ${this.label}`));
        break;
      case "violation":
        this._owner.violated(`channel ${this.label} was not started as it should be`);
        break;
      case "start":
      case "duplicate":
        break;
    }
  }

  // Inside

  /** @param {Message} message @param {number} bytes */
  _deliver(message, bytes) {
    if (this._isLeaving) return;
    if (this._isListenedTo) this.emit("message", message);
    else if (this._inbox.put(message, bytes)) this._changed.ring();
    else this._giveUp(new Full(`nobody reads channel ${this.label}`, "read the messages, or close the channel"));
  }

  /** @param {Raw} raw */
  _hasRoom({ bytes }) {
    if (this.carrier.ordered) return this._hasBeenOpen && this.carrier.ordered.hasRoom(bytes.length);
    return this._hasBeenOpen || this.kind === LATEST;
  }

  /** @param {Raw} raw */
  async _putWithRoom(raw) {
    while (this.state !== "closed" && !this._hasRoom(raw)) await this._changed.wait();
    this._put(raw);
  }

  /** @param {Raw} raw @returns {Outcome} */
  _put(raw) {
    if (this.state === "closed") throw this._why;
    const { ordered, realtime } = this.carrier;
    /** @type {Outcome} */
    let outcome = "sent";
    if (ordered) {
      ordered.put(raw);
    } else if (this.kind !== LATEST && !this.carrier.isOpen) {
      this._counts.dropped += 1;
      return "dropped";
    } else if (realtime?.put(raw, now())) {
      outcome = "replaced";
    }
    this._owner.waits(this.carrier);
    return outcome;
  }

  /** End it because of what the other side has sent, and tell the other side. @param {Error} why */
  _giveUp(why) {
    this._end(why);
    this._owner.closed(this);
    this._leave();
  }

  /** @param {Error} why */
  _end(why) {
    if (this.state === "closed") return;
    this.state = "closed";
    this._why = why;
    this._changed.ring();
    this.emit("close", why);
  }

  /** Nothing goes out any more, and nothing is read. */
  _leave() {
    this._isLeaving = false;
    this.carrier.dropLane();
    this.carrier.ordered?.clear();
    this._owner.left(this);
  }
}
