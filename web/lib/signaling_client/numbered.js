/** The two counts of a session: which requests the server may have missed, and which events we have had. */

import { Full } from "../errors.js";

/** @typedef {import("../protocol.js").NumberedRequest} NumberedRequest */

export const MAX_UNCONFIRMED_REQUESTS = 1024;
/** After this many events the server is told, so that its bounded memory of us stays short. */
export const CONFIRM_EVERY = 64;

export class Numbered {
  constructor() {
    /** Requests that the server has not confirmed, oldest first. @type {NumberedRequest[]} */
    this.kept = [];
    this._confirmed = 0;
    this.received = 0;
    this._receivedWhenSaid = 0;
  }

  /** Throws Full when 1024 requests wait. @param {NumberedRequest} message */
  keep(message) {
    if (this.kept.length >= MAX_UNCONFIRMED_REQUESTS) {
      throw new Full("too many requests wait for the server", "wait until the link is back");
    }
    this.kept.push(message);
  }

  /** The server has had this many of the session's requests. @param {number} [received] */
  confirm(received = 0) {
    const count = Math.min(received - this._confirmed, this.kept.length);
    if (count <= 0) return;
    this.kept.splice(0, count);
    this._confirmed += count;
  }

  /** The number to put into a ping or pong. */
  say() {
    this._receivedWhenSaid = this.received;
    return this.received;
  }

  /** Whether so much is unconfirmed, on either side, that a ping is worth its bytes. */
  get isPingDue() {
    return (
      this.received - this._receivedWhenSaid >= CONFIRM_EVERY ||
      (this.kept.length > 0 && this.kept.length % CONFIRM_EVERY === 0)
    );
  }
}
