/** The two counts of a session: which requests the server may have missed, and which events we have had. */

import { Full } from "../errors.js";

/** @typedef {import("../protocol.js").NumberedRequest} NumberedRequest */

export const MAX_UNCONFIRMED_REQUESTS = 1024;
/** After this many messages, of either side, a ping is worth its bytes: the other side may forget them. */
export const CONFIRM_EVERY = 64;

export class Numbered {
  constructor() {
    /** Requests that the server has not confirmed, oldest first. @type {NumberedRequest[]} */
    this.kept = [];
    this.received = 0;
    this._posted = 0;
    this._postedWhenAsked = 0;
    this._receivedWhenSaid = 0;
  }

  /** So many requests wait for the server that the application has to wait too. */
  get isFull() {
    return this.kept.length >= MAX_UNCONFIRMED_REQUESTS;
  }

  /** Throws Full when 1024 requests wait. */
  requireRoom() {
    if (this.isFull) {
      throw new Full("too many requests wait for the server", "wait until the link is back");
    }
  }

  /** @param {NumberedRequest} message */
  keep(message) {
    this.kept.push(message);
    this._posted += 1;
  }

  /** The server has had this many of the session's requests. @param {number} [received] */
  confirm(received = 0) {
    const confirmed = this._posted - this.kept.length;
    if (received > confirmed) this.kept.splice(0, received - confirmed);
  }

  /** The number to put into a ping or pong. */
  say() {
    this._receivedWhenSaid = this.received;
    this._postedWhenAsked = this._posted;
    return this.received;
  }

  /** Whether so much is unconfirmed, on either side, that a ping is worth its bytes. */
  get isPingDue() {
    return (
      this.received - this._receivedWhenSaid >= CONFIRM_EVERY ||
      this._posted - this._postedWhenAsked >= CONFIRM_EVERY
    );
  }
}
