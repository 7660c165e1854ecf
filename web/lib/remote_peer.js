/** One other participant, as the application sees it. */

import { now } from "./clock.js";
import { Connection } from "./connection.js";
import { diagnose } from "./diagnosis.js";
import { Closed } from "./errors.js";
import { Emitter, Stream } from "./events.js";
import { Statistics } from "./statistics.js";
import { NO_STATISTICS } from "./stats.js";

/** @typedef {import("./channels/channel.js").Channel} Channel */
/** @typedef {import("./connection.js").RemoteMedia} RemoteMedia */
/** @typedef {import("./healing.js").Doing} Doing */
/** @typedef {import("./errors.js").Diagnosis} Diagnosis */
/**
 * In words: `connecting` for the first time; `connected`; `reconnecting`: it was, and will be again;
 * `lost`: it has left, or did not come back.
 *
 * @typedef {"connecting" | "connected" | "reconnecting" | "lost"} PeerState
 */

/**
 * @typedef {object} RemotePeerEvents
 * @property {PeerState} state
 * @property {{diagnosis: Diagnosis | null}} interrupted it is silent; what can be done is being done
 * @property {{after: number}} restored it is back, so many seconds after it was interrupted
 * @property {Doing} healing what is being done about it has changed
 * @property {import("./facts.js").Trouble} trouble a STUN or TURN server did not help to find a path to it
 * @property {undefined} updated its name, metadata or `away` changed
 * @property {ReadonlyMap<string, RemoteMedia>} media what arrives now, by slot
 * @property {Channel} channel one that it opened and nobody here has asked for
 */

const MAX_WAITING_CHANNELS = 256;
/** @type {ReadonlyMap<string, RemoteMedia>} */
const NO_MEDIA = new Map();

/** @extends {Emitter<RemotePeerEvents>} */
export class RemotePeer extends Emitter {
  /**
   * @param {import("./protocol.js").Peer} peer
   * @param {Omit<ConstructorParameters<typeof Connection>[0], "youOffer">} options
   */
  constructor(peer, options) {
    super();
    this.id = peer.id;
    this.name = peer.name ?? "";
    this.metadata = peer.metadata ?? {};
    this.capabilities = peer.capabilities ?? {};
    /** Its line to the server is lost; the connection between you two may well work. */
    this.away = peer.away ?? false;
    /** Whether its token lets it send audio and video; what comes all the same is left alone. */
    this.publishes = peer.publishes ?? true;
    this._isSignalingOpen = true;
    /** @type {Stream<Channel>} */
    this._channels = new Stream(MAX_WAITING_CHANNELS);
    this._connection = new Connection({ ...options, youOffer: peer.you_offer ?? false });
    this._linkReason = "";
    /** When the interruption that there is was told; null: there is none. @type {number | null} */
    this._interruptedAt = null;
    this._statistics = new Statistics(() => this._connection.stats());
    this._connection.on("state", () => this._stateChanged());
    this._connection.on("healing", (doing) => this.emit("healing", doing));
    this._connection.on("trouble", (trouble) => this.emit("trouble", trouble));
    this._connection.on("media", () => this.emit("media", this.media));
    this._connection.on("channel", (channel) => {
      this._channels.put(channel);
      this.emit("channel", channel);
    });
  }

  /** @returns {PeerState} */
  get state() {
    const { state } = this._connection;
    if (state === "interrupted") return "reconnecting";
    return state === "closed" ? "lost" : state;
  }

  /**
   * While it is interrupted: for how many seconds nothing has been heard, and what is being done about it;
   * null at all other times.
   */
  get healing() {
    return this._connection.healing;
  }

  /** What arrives from this peer, by slot: `microphone`, `camera`, `screen`, `screen-sound` … @returns {ReadonlyMap<string, RemoteMedia>} */
  get media() {
    return this.publishes ? this._connection.media : NO_MEDIA;
  }

  /**
   * The channel of this label: the same one on both sides, whoever asks first. It may be written to at once.
   *
   * @param {string} label
   * @param {import("./channels/kinds.js").Kind} kind
   */
  open(label, kind) {
    return this._connection.open(label, kind);
  }

  /** Channels that the peer opens and nobody here has asked for. @returns {AsyncIterable<Channel>} */
  channels() {
    return this._channels;
  }

  /** Resolves when media and channels can flow; rejects with Closed when the peer leaves first. @returns {Promise<void>} */
  waitConnected() {
    return new Promise((resolve, reject) => {
      const stop = new AbortController();
      const look = () => {
        if (this.state === "connected") resolve();
        else if (this.state === "lost") reject(new Closed("the peer has left"));
        else return;
        stop.abort();
      };
      this.on("state", look, stop);
      look();
    });
  }

  /** Statistics of the connection, as RTCPeerConnection gives them. */
  stats() {
    return this._connection.stats();
  }

  /** How the connection does, in a few figures; of the last second or more. */
  async statistics() {
    return this.state === "connected" ? this._statistics.look() : NO_STATISTICS;
  }

  /**
   * Why the connection does not work, or not well, in a sentence for people; null when all is well. Of figures it
   * knows those that `statistics` has found last.
   *
   * @returns {Diagnosis | null}
   */
  get diagnosis() {
    const { route, protocol: routeProtocol, rtt, loss } =
      this.state === "connected" ? this._statistics.latest : NO_STATISTICS;
    return diagnose({
      ...this._connection.facts,
      hasNetwork: globalThis.navigator?.onLine === false ? false : null,
      link: this._isSignalingOpen ? "open" : "interrupted",
      linkReason: this._linkReason,
      isPeerAway: this.away,
      isSecureContext: globalThis.isSecureContext ?? true,
      route,
      routeProtocol,
      rtt,
      loss,
    });
  }

  // For the room

  start() {
    this._connection.setReachable(this._isSignalingOpen && !this.away);
    this._connection.start();
  }

  /** @param {import("./protocol.js").PeerPayload} payload */
  receive(payload) {
    this._connection.receive(payload);
  }

  /** @param {{name: string, metadata: Record<string, any>, away: boolean, publishes?: boolean}} news */
  update({ name, metadata, away, publishes = true }) {
    this.name = name;
    this.metadata = metadata;
    this.away = away;
    this._connection.setReachable(this._isSignalingOpen && !away);
    const hasChanged = publishes !== this.publishes;
    this.publishes = publishes;
    if (hasChanged) this.emit("media", this.media);
    this.emit("updated", undefined);
  }

  /** @param {boolean} isOpen whether our own line to the server stands @param {string} [reason] why not */
  setSignaling(isOpen, reason = "") {
    this._isSignalingOpen = isOpen;
    this._linkReason = reason;
    this._connection.setReachable(isOpen && !this.away);
  }

  /** @param {boolean} isPathGone see watchWaking */
  networkChanged(isPathGone) {
    this._connection.networkChanged(isPathGone);
  }

  publishedChanged() {
    this._connection.publishedChanged();
  }

  close() {
    this._connection.close();
    this._channels.end();
  }

  _stateChanged() {
    const { state } = this;
    if (state !== "connected") this._statistics.reset();
    this.emit("state", state);
    if (state === "reconnecting" && this._interruptedAt === null) {
      this._interruptedAt = now();
      this.emit("interrupted", { diagnosis: this.diagnosis });
    } else if (state === "connected" && this._interruptedAt !== null) {
      const after = now() - this._interruptedAt;
      this._interruptedAt = null;
      this.emit("restored", { after });
    }
  }
}
