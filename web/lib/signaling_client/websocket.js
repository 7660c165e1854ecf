/**
 * The pipe under a session: one link at a time, one timer, and the page's own signs of sleep and waking.
 */

import { decode, encode } from "../protocol.js";
import { Link } from "./dialling.js";
import { Session } from "./session.js";
import { Transports } from "./transports.js";
import { watchWaking } from "./waking.js";

/** @typedef {import("./session.js").Effect} Effect */
/** @typedef {import("./session.js").Told} Told */

/** Before the welcome says what the server takes. */
const DEFAULT_MAX_MESSAGE_BYTES = 65_536;
/** setTimeout counts in 32 bits of milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Seconds that never jump. */
const now = () => performance.now() / 1000;

export class SignalingClient {
  /**
   * @param {object} options
   * @param {string | import("./nearest.js").Addresses} options.addresses
   * @param {import("../protocol.js").Capabilities} options.capabilities
   * @param {(event: Told) => void} options.tell
   * @param {() => void} options.leaving the page is going: say farewell wherever else it is due
   * @param {(isPathGone: boolean) => void} options.networkChanged see watchWaking
   * @param {string} [options.token]
   */
  constructor({ addresses, capabilities, tell, leaving, networkChanged, token }) {
    this._tell = tell;
    this.session = new Session({
      capabilities,
      random: Math.random,
      token,
      addresses: typeof addresses === "string" ? { urls: [addresses] } : addresses,
    });
    this._transports = new Transports();
    /** @type {Link | null} */
    this._link = null;
    /** @type {import("../protocol.js").Request[]} */
    this._outbox = [];
    this._isFlushing = false;
    /** @type {Effect[]} */
    this._effects = [];
    this._isPerforming = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    this._ended = new AbortController();
    watchWaking({
      woke: () => this.check(),
      networkChanged: (isPathGone) => {
        if (isPathGone) this.perform(this.session.moved(now()));
        else this.check();
        networkChanged(isPathGone);
      },
      leaving: () => {
        leaving();
        this.close();
      },
      signal: this._ended.signal,
    });
  }

  start() {
    this.perform(this.session.start(now()));
  }

  /** Something is wrong with the network, or may have been: does the link still live? */
  check() {
    this.perform(this.session.check(now()));
  }

  /** Say bye and close; the session is over in all its rooms. */
  close() {
    this._ended.abort();
    this.perform(this.session.bye());
    clearTimeout(this._timer);
  }

  /**
   * Do what the session asks for, in order, and set the timer for what it wants next.
   *
   * @param {Effect[]} effects
   */
  perform(effects) {
    this._effects.push(...effects);
    // Whoever is told something may ask for more at once; what was asked for before still goes first.
    if (this._isPerforming) return;
    this._isPerforming = true;
    for (let effect = this._effects.shift(); effect; effect = this._effects.shift()) this._performOne(effect);
    this._isPerforming = false;
    this._setTimer();
  }

  /** @param {Effect} effect */
  _performOne(effect) {
    switch (effect.do) {
      case "connect":
        this._connect(effect.url);
        break;
      case "send":
        this._outbox.push(effect.message);
        this._flushSoon();
        break;
      case "disconnect":
        this._disconnect();
        break;
      case "tell":
        this._tellSafely(effect.event);
        break;
    }
  }

  /** Whatever goes wrong above, such as an ICE server that the browser cannot read, the session goes on. @param {Told} event */
  _tellSafely(event) {
    try {
      this._tell(event);
    } catch (error) {
      console.error(`peerlane: ${event.type} could not be handled`, error);
    }
  }

  /** @param {string} url */
  _connect(url) {
    this._disconnect();
    this._link = new Link(url, this._transports, {
      opened: () => this.perform(this.session.linkOpened()),
      ready: () => this._flush(),
      received: (frame) => this._received(frame),
      closed: (code) => {
        this._link = null;
        this._outbox = [];
        this.perform(this.session.linkLost(now(), code));
      },
    });
  }

  /** @param {unknown} frame */
  _received(frame) {
    for (const event of decode(frame)) {
      try {
        this.perform(this.session.receive(event, now()));
      } catch (error) {
        // A server that does not keep to the protocol costs us the link, never the page.
        console.error("peerlane: a message could not be used", error);
      }
    }
  }

  _disconnect() {
    const link = this._link;
    if (!link) return;
    this._flush();
    this._link = null;
    link.close();
  }

  /** Messages that are said together travel together. */
  _flushSoon() {
    if (this._isFlushing) return;
    this._isFlushing = true;
    queueMicrotask(() => {
      this._isFlushing = false;
      if (!this._link?.isBusy) this._flush();
    });
  }

  _flush() {
    const messages = this._outbox.splice(0);
    if (messages.length === 0) return;
    const link = this._link;
    if (!link?.isOpen) return;
    const maxBytes = this.session.welcome?.limits.max_message_bytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    for (const frame of encode(messages, maxBytes)) link.send(frame);
  }

  _setTimer() {
    clearTimeout(this._timer);
    const { wakeAt } = this.session;
    if (wakeAt === Infinity) return;
    const milliseconds = Math.min(Math.max(0, (wakeAt - now()) * 1000), LONGEST_TIMER_MS);
    this._timer = setTimeout(() => this.perform(this.session.wake(now())), milliseconds);
  }
}
