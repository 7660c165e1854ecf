/**
 * The rooms we want to be in and who is inside them, across resumes. Pure: time comes in, changes go out.
 *
 * A peer that a restarted server has not seen again is doubted, not gone: it has until `settle` to come back.
 */

/** @typedef {import("../protocol.js").Join} Join */
/** @typedef {import("../protocol.js").Peer} Peer */
/** @typedef {import("../protocol.js").Metadata} Metadata */
/** @typedef {{type: "peer-joined", room: string, peer: Peer}} PeerJoined */
/** @typedef {{type: "peer-updated", room: string, id: string, name: string, metadata: Metadata, away: boolean, appeared?: boolean}} PeerUpdated `appeared`: it was announced anew */
/** @typedef {{type: "peer-left", room: string, id: string, reason: string}} PeerLeft */
/** @typedef {PeerJoined | PeerUpdated | PeerLeft} Change */

/** @typedef {{peer: Peer, until: number}} Known `until` is Infinity when there is no doubt */

export class Members {
  constructor() {
    /** What to say to be let in again, by the room's full name. Only these rooms have members. @type {Map<string, Join>} */
    this.wanted = new Map();
    /** @type {Map<string, Map<string, Known>>} */
    this._rooms = new Map();
  }

  /** Whether any room has this peer. @param {string} id */
  has(id) {
    return [...this._rooms.values()].some((room) => room.has(id));
  }

  /** Whether no room has seen its link. @param {string} id */
  isAway(id) {
    return [...this._rooms.values()].every((room) => !room.has(id) || Boolean(room.get(id)?.peer.away));
  }

  /**
   * A snapshot: who is new, who has changed, who is missing.
   *
   * @param {string} room
   * @param {Peer[]} peers
   * @param {number} doubtUntil when to stop believing in those who are missing
   * @returns {Change[]}
   */
  snapshot(room, peers, doubtUntil) {
    /** @type {Change[]} */
    const changes = peers.flatMap((peer) => this.joined(room, peer));
    const present = new Set(peers.map((peer) => peer.id));
    for (const [id, known] of this._in(room)) {
      if (!present.has(id)) changes.push(...this._doubt(room, id, known, doubtUntil));
    }
    return changes;
  }

  /**
   * @param {string} room
   * @param {Peer} peer
   * @returns {Change[]}
   */
  joined(room, peer) {
    // What was on its way while we left is not news any more.
    if (!this.wanted.has(room)) return [];
    const members = this._in(room);
    const isNew = !members.has(peer.id);
    members.set(peer.id, { peer, until: Infinity });
    if (isNew) return [{ type: "peer-joined", room, peer }];
    return [{ ...this._updated(room, peer), appeared: true }];
  }

  /**
   * @param {PeerUpdated} event
   * @returns {Change[]}
   */
  updated(event) {
    const known = this._in(event.room).get(event.id);
    if (!known) return [];
    const { name, metadata, away } = event;
    known.peer = { ...known.peer, name, metadata, away };
    return [this._updated(event.room, known.peer)];
  }

  /**
   * @param {PeerLeft} event
   * @param {number} doubtUntil for one who has only lost its past
   * @returns {Change[]}
   */
  left(event, doubtUntil) {
    const known = this._in(event.room).get(event.id);
    if (!known) return [];
    if (event.reason === "reset") return this._doubt(event.room, event.id, known, doubtUntil);
    this._in(event.room).delete(event.id);
    return [event];
  }

  /** We have left a room, or everybody is to be forgotten. @param {string} room @returns {Change[]} */
  clear(room) {
    const ids = [...this._in(room).keys()];
    this._rooms.delete(room);
    return ids.map((id) => ({ type: "peer-left", room, id, reason: "left" }));
  }

  /** @returns {Change[]} */
  clearAll() {
    return [...this._rooms.keys()].flatMap((room) => this.clear(room));
  }

  /** Whoever is doubted gets at least until then: nobody could come back while we were away. @param {number} until */
  patience(until) {
    for (const members of this._rooms.values()) {
      for (const known of members.values()) known.until = Math.max(known.until, until);
    }
  }

  get wakeAt() {
    let at = Infinity;
    for (const members of this._rooms.values()) {
      for (const { until } of members.values()) at = Math.min(at, until);
    }
    return at;
  }

  /**
   * Those who did not come back in time are lost.
   *
   * @param {number} now
   * @returns {Change[]}
   */
  wake(now) {
    /** @type {Change[]} */
    const changes = [];
    for (const [room, members] of this._rooms) {
      for (const [id, { until }] of members) {
        if (until > now) continue;
        members.delete(id);
        changes.push({ type: "peer-left", room, id, reason: "lost" });
      }
    }
    return changes;
  }

  /** @param {string} room @param {string} id @param {Known} known @param {number} until @returns {Change[]} */
  _doubt(room, id, known, until) {
    if (known.until !== Infinity) return [];
    this._in(room).set(id, { peer: { ...known.peer, away: true }, until });
    return [this._updated(room, { ...known.peer, away: true })];
  }

  /** @param {string} room @param {Peer} peer @returns {PeerUpdated} */
  _updated(room, { id, name = "", metadata = {}, away = false }) {
    return { type: "peer-updated", room, id, name, metadata, away };
  }

  /** @param {string} room */
  _in(room) {
    let members = this._rooms.get(room);
    if (!members) {
      members = new Map();
      this._rooms.set(room, members);
    }
    return members;
  }
}
