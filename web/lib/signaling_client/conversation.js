/**
 * What a session is about, whatever its links do: rooms, who is in them, and signals under way. Pure.
 *
 * Methods return what is to be posted to the server, in order, mixed with what the room is to be told.
 */

import { Allowance } from "./allowance.js";
import { Deliveries } from "./deliveries.js";
import { Members } from "./members.js";

/** @typedef {import("../protocol.js").NumberedRequest} NumberedRequest */
/** @typedef {import("../protocol.js").NumberedEvent} NumberedEvent */
/** @typedef {import("./session.js").Told} Told */
/** @typedef {import("./members.js").Change} Change */
/** @typedef {{post: NumberedRequest} | {tell: Told}} Outcome */

/** Whatever a server says: a peer that has not come back by then is not coming back. */
export const LONGEST_SETTLE = 3600;

export class Conversation {
  constructor() {
    /** Of the last welcome, which a server may have got wrong, even in type: how long to believe in a peer that is missing. */
    this.settle = 0;
    this._members = new Members();
    /** How much the server takes. */
    this.allowance = new Allowance();
    this._deliveries = new Deliveries(this.allowance);
  }

  /** Signals that were said again because their peers did not acknowledge them. */
  get resends() {
    return this._deliveries.resends;
  }

  // What the application wants

  /** @param {import("../protocol.js").Join} join whose room is the full name @returns {Outcome[]} */
  join(join) {
    this._members.wanted.set(join.room, join);
    return [{ post: join }];
  }

  /** @param {import("../protocol.js").Leave} leave @returns {Outcome[]} */
  leave(leave) {
    this._members.wanted.delete(leave.room);
    return [{ post: leave }, ...this._left(this._members.clear(leave.room))];
  }

  /** @param {import("../protocol.js").Update} update @returns {Outcome[]} */
  update(update) {
    const wanted = this._members.wanted.get(update.room);
    if (wanted) {
      const { name = wanted.name, metadata = wanted.metadata } = update;
      this._members.wanted.set(update.room, { ...wanted, name, metadata });
    }
    return [{ post: update }];
  }

  /** Throws Full when too much waits for this peer. @param {string} to @param {any} payload @param {number} now @returns {Outcome[]} */
  signal(to, payload, now) {
    const doubtUntil = this._members.has(to) ? Infinity : this._settledAt(now);
    const message = this._deliveries.send(to, payload, doubtUntil, now);
    return message ? [{ post: message }] : [];
  }

  // What the server says

  /** @param {NumberedEvent} event @param {number} now @returns {Outcome[]} */
  receive(event, now) {
    switch (event.type) {
      case "joined":
        return [...this._changed(this._members.snapshot(event.room, event.peers, this._settledAt(now)), now), { tell: event }];
      case "peer-joined":
        return this._changed(this._members.joined(event.room, event.peer), now);
      case "peer-updated":
        return this._changed(this._members.updated(event), now);
      case "peer-left":
        if (event.reason === "reset") this._deliveries.disappeared(event.id);
        return this._changed(this._members.left(event, this._settledAt(now)), now);
      case "signal": {
        const isNews = this._deliveries.accept(event.from, event.n, now) && event.payload !== null;
        return isNews ? [{ tell: { type: "signal", from: event.from, payload: event.payload } }] : [];
      }
      case "ack":
        this._deliveries.acknowledged(event.from, event.n, now);
        return [];
      case "left":
        // Between leaving and this, news of our old membership may have come.
        return [...this._left(this._members.clear(event.room)), { tell: event }];
      case "kicked":
        // It is for the application to say whether to come again.
        this._members.wanted.delete(event.room);
        return [...this._left(this._members.clear(event.room)), { tell: event }];
      case "refused":
        return this._refused(event, now);
      default:
        return [{ tell: event }];
    }
  }

  /** Nothing was missed. @param {number} now */
  resumed(now) {
    this._bePatient(now);
    this._deliveries.resumed(now);
  }

  /**
   * The server knows nothing of us any more but, unless `isRenamed`, our id.
   *
   * @param {NumberedRequest[]} unanswered
   * @param {boolean} isRenamed
   * @param {number} now
   * @returns {Outcome[]}
   */
  startedAfresh(unanswered, isRenamed, now) {
    this._deliveries.allDisappeared();
    /** @type {Outcome[]} */
    const outcomes = [];
    if (isRenamed) {
      outcomes.push({ tell: { type: "renamed" } });
      outcomes.push(...this._left(this._members.clearAll()));
      outcomes.push(...this._deliveries.unacknowledged.flatMap((id) => this._undelivered(id)));
      this._deliveries = new Deliveries(this.allowance);
    }
    this._bePatient(now);
    for (const join of this._members.wanted.values()) outcomes.push({ post: join });
    // The new session begins as the last one was asked to end.
    for (const request of unanswered) {
      if (request.type === "leave") outcomes.push({ tell: { ...answered(request), type: "left" } });
      else if (request.type === "update") outcomes.push({ tell: { ...answered(request), type: "updated" } });
      // The hello had the same token.
      else if (request.type === "authenticate") outcomes.push({ tell: { type: "done", request: request.request } });
      else if (["kick", "configure", "decide"].includes(request.type)) outcomes.push({ post: request });
    }
    return outcomes;
  }

  // Time

  get wakeAt() {
    return Math.min(this._members.wakeAt, this._deliveries.wakeAt);
  }

  /**
   * Acknowledgements and signals that are due, and the loss of those who did not come back in time.
   *
   * @param {number} now
   * @returns {Outcome[]}
   */
  wake(now) {
    const due = [...this._deliveries.dueAcks(now), ...this._deliveries.dueResends(now)];
    const changes = this._changed(this._members.wake(now), now);
    const undelivered = this._deliveries.givenUp(now).flatMap((id) => this._undelivered(id));
    return [...due.map((message) => ({ post: message })), ...changes, ...undelivered];
  }

  // Inside

  /** @param {import("../protocol.js").RefusedEvent} event @param {number} now @returns {Outcome[]} */
  _refused(event, now) {
    if (event.code === "unknown-peer" && event.to) this._deliveries.refused(event.to, this._settledAt(now));
    else if (event.to) this._deliveries.rest(event.to);
    /** @type {Outcome[]} */
    const outcomes = [];
    for (const [room, join] of [...this._members.wanted]) {
      if (join.request !== event.request) continue;
      this._members.wanted.delete(room);
      outcomes.push(...this._left(this._members.clear(room)));
    }
    return [...outcomes, { tell: event }];
  }

  /** @param {Change[]} changes @param {number} now @returns {Outcome[]} */
  _changed(changes, now) {
    return changes.flatMap((change) => {
      if (change.type === "peer-left") return this._left([change]);
      const { appeared, ...event } = { appeared: change.type === "peer-joined", ...change };
      const id = change.type === "peer-joined" ? change.peer.id : change.id;
      const isAway = this._members.isAway(id);
      /** @type {Outcome[]} */
      const told = [{ tell: /** @type {Change} */ (event) }];
      if (appeared) return [...told, ...this._deliveries.appeared(id, isAway, now).map((signal) => ({ post: signal }))];
      this._deliveries.changed(id, isAway, now);
      return told;
    });
  }

  /** @param {Change[]} changes @returns {Outcome[]} */
  _left(changes) {
    return changes.flatMap((change) => {
      const id = change.type === "peer-joined" ? change.peer.id : change.id;
      return [{ tell: change }, ...(this._members.has(id) ? [] : this._undelivered(id))];
    });
  }

  /** @param {string} to @returns {Outcome[]} */
  _undelivered(to) {
    const payloads = this._deliveries.gone(to);
    return payloads.length > 0 ? [{ tell: { type: "undelivered", to, payloads } }] : [];
  }

  /** @param {number} now */
  _bePatient(now) {
    this._members.patience(this._settledAt(now));
    this._deliveries.patience(this._settledAt(now));
  }

  /** @param {number} now */
  _settledAt(now) {
    return now + (this.settle > 0 ? Math.min(LONGEST_SETTLE, this.settle) : 0);
  }
}

/** @param {{request: number, room: string}} request */
const answered = ({ request, room }) => ({ request, room });
