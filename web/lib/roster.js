/**
 * Everybody else in a room: each with a connection that is begun when they come and closed when they go.
 *
 * The twin of peer/roster.py.
 */

import { Stream } from "./events.js";
import { RemotePeer } from "./remote_peer.js";

/** @typedef {import("./protocol.js").Metadata} Metadata */
/** @typedef {import("./protocol.js").Peer} Peer */
/** @typedef {import("./protocol.js").PeerPayload} PeerPayload */
/** @typedef {import("./slots.js").Published} Published */

const MAX_WAITING_PEERS = 1000;

export class Roster {
  /**
   * @param {import("./events.js").Emitter<import("./room.js").RoomEvents>} listeners
   * @param {object} options
   * @param {boolean} options.canRestart whether this browser can
   * @param {() => import("./protocol.js").IceServer[]} options.iceServers
   * @param {(to: string, payload: PeerPayload) => void} options.signal sends to a peer through the server
   * @param {() => void} options.checkServer called when a peer falls silent, and when it is back: what holds for it may hold
   *   for our link to the server
   */
  constructor(listeners, { canRestart, iceServers, signal, checkServer }) {
    this._listeners = listeners;
    this._canRestart = canRestart;
    this._iceServers = iceServers;
    this._signal = signal;
    this._checkServer = checkServer;
    /** @type {Map<string, RemotePeer>} */
    this._peers = new Map();
    /** @type {Map<string, Published>} */
    this._published = new Map();
    /** @type {Set<Stream<RemotePeer>>} */
    this._streams = new Set();
    this._isEnded = false;
  }

  get peers() {
    return [...this._peers.values()];
  }

  /** @param {string} id */
  get(id) {
    return this._peers.get(id);
  }

  /** Those who are here, then each that comes. @returns {AsyncIterable<RemotePeer>} */
  stream() {
    /** @type {Stream<RemotePeer>} */
    const stream = new Stream(MAX_WAITING_PEERS);
    for (const peer of this._peers.values()) stream.put(peer);
    if (this._isEnded) stream.end();
    else this._streams.add(stream);
    return stream;
  }

  /** @param {string} slot @param {MediaStreamTrack} track */
  publish(slot, track) {
    const kind = track.kind === "audio" ? "audio" : "video";
    const before = this._published.get(slot);
    if (before?.track === track) return;
    const muted = before?.muted ?? !track.enabled;
    track.enabled = !muted;
    this._published.set(slot, { kind, track, muted });
    this._publishedChanged();
  }

  /** @param {string} slot */
  unpublish(slot) {
    if (this._published.delete(slot)) this._publishedChanged();
  }

  /** @param {string} slot @param {boolean} muted */
  mute(slot, muted) {
    const published = this._published.get(slot);
    if (!published || published.muted === muted) return;
    published.track.enabled = !muted;
    this._published.set(slot, { ...published, muted });
    this._publishedChanged();
  }

  // What the server says

  /** @param {Peer} description */
  joined(description) {
    const peer = new RemotePeer(description, {
      canRestart: this._canRestart && (description.capabilities?.ice_restart ?? false),
      onlyOffers: description.capabilities?.only_offers ?? false,
      iceServers: this._iceServers,
      send: (payload) => this._signal(description.id, payload),
      suspected: this._checkServer,
      published: this._published,
    });
    peer.on("interrupted", ({ diagnosis }) => this._listeners.emit("peer-interrupted", { peer, diagnosis }));
    peer.on("trouble", (trouble) => this._listeners.emit("server-troubled", { peer, ...trouble }));
    peer.on("restored", ({ after }) => {
      // The network is back, for the server too.
      this._checkServer();
      this._listeners.emit("peer-restored", { peer, after });
    });
    this._peers.set(peer.id, peer);
    this._listeners.emit("peer-joined", peer);
    for (const stream of this._streams) stream.put(peer);
    peer.start();
  }

  /** @param {{id: string, name: string, metadata: Metadata, away: boolean}} news */
  updated(news) {
    const peer = this._peers.get(news.id);
    if (!peer) return;
    peer.update(news);
    this._listeners.emit("peer-updated", peer);
  }

  /** @param {{id: string, reason: string}} news */
  left({ id, reason }) {
    const peer = this._peers.get(id);
    if (!peer) return;
    this._peers.delete(id);
    peer.close();
    this._listeners.emit("peer-left", { peer, reason });
  }

  /** @param {{from: string, payload: PeerPayload}} signal */
  heard({ from, payload }) {
    this._peers.get(from)?.receive(payload);
  }

  /** Whether our own link to the server stands. @param {boolean} isReachable @param {string} [reason] */
  setServerReachable(isReachable, reason) {
    for (const peer of this._peers.values()) peer.setSignaling(isReachable, reason);
  }

  /** @param {boolean} isPathGone */
  networkChanged(isPathGone) {
    for (const peer of this._peers.values()) peer.networkChanged(isPathGone);
  }

  // The end

  /** All connections; they say goodbye themselves. */
  close() {
    for (const peer of this._peers.values()) peer.close();
  }

  /** Everybody goes; whoever iterates over peers comes to an end. */
  end() {
    this._isEnded = true;
    this.close();
    this._peers.clear();
    for (const stream of this._streams) stream.end();
  }

  // Inside

  _publishedChanged() {
    for (const peer of this._peers.values()) peer.publishedChanged();
  }
}
