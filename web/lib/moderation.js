/**
 * What an owner of a room, or somebody whose token says so, may do to it: `room.moderation`.
 *
 * The twin of peer/moderation.py.
 */

import { passwordProof } from "./passwords.js";

/** @typedef {import("./protocol.js").Kick | import("./protocol.js").Configure | import("./protocol.js").Decide} Request */

/** What an owner may do besides, in that room. @type {readonly import("./protocol.js").Permission[]} */
const OWNER = Object.freeze(["kick", "lock", "lobby"]);

/**
 * Whether somebody may do this in a room, as the server judges it.
 *
 * @param {readonly import("./protocol.js").Permission[]} can what the token permits
 * @param {boolean} isOwner
 * @param {import("./protocol.js").Permission} permission
 */
export function permits(can, isOwner, permission) {
  return can.includes(permission) || can.includes("admin") || (isOwner && OWNER.includes(permission));
}

/** Each resolves when it has taken effect, and rejects with Refused (`not-allowed`, `unknown-peer`). */
export class Moderation {
  /**
   * @param {string} room its full name
   * @param {() => number} nextRequest
   * @param {(request: Request) => Promise<void>} act
   */
  constructor(room, nextRequest, act) {
    this._room = room;
    this._nextRequest = nextRequest;
    this._act = act;
  }

  /** Throw a member out, and refuse it for `ban` seconds. @param {string} id @param {{ban?: number, reason?: string}} [options] */
  kick(id, { ban = 0, reason = "" } = {}) {
    return this._act({ type: "kick", request: this._nextRequest(), room: this._room, id, ban, reason });
  }

  /** Nobody comes in any more; who is in stays. */
  lock() {
    return this._configure({ locked: true });
  }

  unlock() {
    return this._configure({ locked: false });
  }

  /** For those who come from now on; an empty one takes it away. @param {string} password */
  async setPassword(password) {
    await this._configure({ proof: password ? await passwordProof(password, this._room) : "" });
  }

  /** Who is in stays, even if there are more. @param {number} members */
  setCapacity(members) {
    return this._configure({ capacity: members });
  }

  /** Whether those who come wait until they are let in; taking it away lets in whoever waits. @param {boolean} hasLobby */
  setLobby(hasLobby) {
    return this._configure({ lobby: hasLobby });
  }

  /** Make this member the owner. @param {string} id */
  handOver(id) {
    return this._configure({ owner: id });
  }

  /** Let in who waits. @param {string} id */
  admit(id) {
    return this._decide(id, true);
  }

  /** Do not let in who waits. @param {string} id */
  turnAway(id) {
    return this._decide(id, false);
  }

  /** @param {Partial<import("./protocol.js").Configure>} changes */
  _configure(changes) {
    return this._act({ ...changes, type: "configure", request: this._nextRequest(), room: this._room });
  }

  /** @param {string} id @param {boolean} admit */
  _decide(id, admit) {
    return this._act({ type: "decide", request: this._nextRequest(), room: this._room, id, admit });
  }
}
