/** The WebRTC tie to one remote peer: does what negotiation asks for, and heals what breaks. */

import { Register } from "./channels/register.js";
import { Lost } from "./errors.js";
import { Emitter } from "./events.js";
import { Negotiation } from "./negotiation.js";
import { Recovery } from "./recovery.js";
import { Run } from "./run.js";

/** @typedef {import("./protocol.js").PeerPayload} PeerPayload */
/** @typedef {import("./negotiation.js").Effect} Effect */
/** @typedef {import("./slots.js").Published} Published */
/** @typedef {import("./control.js").SlotState} SlotState */
/** @typedef {import("./channels/channel.js").Channel} Channel */
/** @typedef {"connecting" | "connected" | "interrupted" | "closed"} ConnectionState */
/** @typedef {{track: MediaStreamTrack, state: SlotState}} RemoteMedia */
/** @typedef {"restart" | "rebuild" | "waiting-for-server" | null} Doing */

/**
 * @typedef {object} ConnectionEvents
 * @property {ConnectionState} state
 * @property {Doing} healing what is being done about an interruption
 * @property {Channel} channel one that the other side has opened
 * @property {ReadonlyMap<string, RemoteMedia>} media
 */

const now = () => performance.now() / 1000;

/** @extends {Emitter<ConnectionEvents>} */
export class Connection extends Emitter {
  /**
   * @param {object} options
   * @param {boolean} options.youOffer
   * @param {boolean} options.canRestart whether both engines can restart ICE
   * @param {() => import("./protocol.js").IceServer[]} options.iceServers
   * @param {(payload: PeerPayload) => void} options.send to the other side, through the server
   * @param {() => void} options.suspected the network may be gone, for others too
   * @param {ReadonlyMap<string, Published>} options.published what this side sends, by slot; read when needed
   */
  constructor({ youOffer, canRestart, iceServers, send, suspected, published }) {
    super();
    /** @type {ConnectionState} */
    this.state = "connecting";
    this._iceServers = iceServers;
    this._send = send;
    this._suspected = suspected;
    this._published = published;
    this._negotiation = new Negotiation(youOffer);
    this._recovery = new Recovery(Math.random, { canRestart });
    this._register = new Register({
      youOffer,
      say: (message) => this._run?.control.say(message) ?? false,
      opened: (channel) => this.emit("channel", channel),
      violated: (reason) => this._violated(reason),
    });
    /** @type {Run | null} */
    this._run = null;
    /** What the other side says that its slots carry. @type {Record<string, SlotState>} */
    this._announced = {};
    this._hasAskedForRestart = false;
    /** @type {Doing} */
    this._doing = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
  }

  start() {
    this._recovery.began(now());
    const wishes = this._published.size > 0 && !this._negotiation.youOffer ? this._negotiation.need(this._ownSlots) : [];
    this._perform([...this._negotiation.start(), ...wishes]);
    this._follow();
  }

  /** The channel of this label; see Register.open. @param {string} label @param {import("./channels/kinds.js").Kind} kind */
  open(label, kind) {
    return this._register.open(label, kind);
  }

  /** @param {PeerPayload} payload of the other side, through the server */
  receive(payload) {
    if (this.state === "closed") return;
    const effects = this._negotiation.receive(payload);
    if (effects.some((effect) => effect.do === "make-offer" && effect.restart)) this._recovery.restarted(now());
    this._perform(effects);
  }

  /** What this side publishes has changed. */
  publishedChanged() {
    const run = this._run;
    if (!run) {
      if (this.state !== "closed" && !this._negotiation.youOffer) this._perform(this._negotiation.need(this._ownSlots));
      return;
    }
    run.sync();
    this._announce();
    if (!run.slots.isComplete) this._perform(this._negotiation.need(this._ownSlots));
  }

  /** Whether signals reach the other side now; without them what is broken cannot be mended. @param {boolean} isReachable */
  setReachable(isReachable) {
    this._recovery.setReachable(isReachable);
    this._wake();
  }

  /** This device is on another network. @param {boolean} isPathGone */
  networkChanged(isPathGone) {
    this._recovery.networkChanged(isPathGone);
    this._wake();
  }

  /** What arrives now, by slot. @returns {ReadonlyMap<string, RemoteMedia>} */
  get media() {
    const media = new Map();
    for (const [slot, state] of Object.entries(this._announced)) {
      const track = this._run?.slots.remoteTrack(slot);
      if (track) media.set(slot, { track, state });
    }
    return media;
  }

  /** How long nothing was heard of an interrupted connection, and what is being done about it; null: all is well. */
  get healing() {
    return this.state === "interrupted" ? { since: this._recovery.silence(now()), doing: this._doing } : null;
  }

  /** Reports of the connection as it stands. @returns {Promise<RTCStatsReport | undefined>} */
  async stats() {
    return this._run?.pc.getStats();
  }

  /** Say goodbye to the other side, and end. */
  close() {
    if (this.state === "closed") return;
    this._run?.control.say({ type: "bye" });
    clearTimeout(this._timer);
    this._recovery.stop();
    this._announced = {};
    this._register.close();
    this._endRun();
    this._setState("closed");
  }

  /** @returns {import("./protocol.js").Slot[]} */
  get _ownSlots() {
    return [...this._published].map(([name, { kind }]) => ({ name, kind }));
  }

  /** @param {Effect[]} effects */
  _perform(effects) {
    for (const effect of effects) {
      if (effect.do === "send") this._send(effect.payload);
      else if (effect.do === "open") this._open(effect.generation);
      else this._run?.put(effect);
    }
  }

  /** @param {number} generation */
  _open(generation) {
    this._endRun();
    const run = new Run(generation, this._published, {
      iceServers: this._iceServers,
      wanted: () => this._negotiation.wanted.values(),
      described: (type, sdp, slots) => this._perform(this._negotiation.described(generation, type, sdp, slots)),
      settled: () => this._settled(run),
      restarted: () => this._restarted(),
      gathered: (candidate) => this._gathered(generation, candidate),
      troubled: () => {},
      changed: () => this._pcChanged(run),
      heard: () => this._recovery.heard(now()),
      stopped: () => this._suspect(),
      failed: () => this._failed(),
      controlOpened: () => this._controlOpened(),
      controlSaid: (message) => this._controlSaid(message),
      violated: (reason) => this._violated(reason),
    });
    this._run = run;
    this._hasAskedForRestart = false;
    this._register.use(run.pc);
    this._recovery.began(now());
    this._follow();
  }

  // What a run tells

  /** @param {Run} run */
  _settled(run) {
    this.emit("media", this.media);
    // An offer may have been made before its maker knew what we would send.
    if (!run.slots.isComplete) this._perform(this._negotiation.need(this._ownSlots));
  }

  _restarted() {
    // The one that we have asked for is counted already.
    if (!this._hasAskedForRestart) this._recovery.restarted(now());
    this._hasAskedForRestart = false;
  }

  /** @param {number} generation @param {RTCIceCandidate | null} candidate */
  _gathered(generation, candidate) {
    // An empty candidate ends one ICE generation; null ends gathering, and says the same once more.
    if (candidate?.candidate === "") return;
    this._perform(this._negotiation.gathered(generation, candidate?.toJSON()));
  }

  /** @param {Run} run */
  _pcChanged(run) {
    switch (run.pc.connectionState) {
      case "connected":
        run.hasStood = true;
        this._recovery.connected(now());
        this._follow();
        break;
      case "disconnected":
        this._suspect();
        break;
      case "failed":
        // A new round of ICE can mend neither what DTLS has given up nor a path that there never was.
        if (run.hasStood && run.pc.sctp?.transport.state === "connected") {
          this._recovery.broke(now());
          this._wake();
        } else {
          this._failed();
        }
        break;
      case "closed":
        this._failed();
        break;
    }
  }

  _failed() {
    this._recovery.failed(now());
    this._follow();
  }

  _controlOpened() {
    this._announce();
    this._register.ask();
  }

  /** @param {import("./control.js").ControlMessage} message */
  _controlSaid(message) {
    switch (message.type) {
      case "media":
        this._announced = message.slots ?? {};
        this.emit("media", this.media);
        break;
      case "open":
      case "close":
      case "ack":
        this._register.receive(message);
        break;
      case "bye":
        // The server will say that the peer has left; until then there is nobody to rebuild for.
        this._recovery.failed(now());
        this._recovery.stop();
        this._endRun();
        this._follow();
        break;
    }
  }

  _announce() {
    /** @type {Record<string, SlotState>} */
    const slots = {};
    for (const [name, { muted }] of this._published) slots[name] = muted ? "muted" : "live";
    this._run?.control.say({ type: "media", slots });
  }

  /** The other side does what nobody who speaks our protocol does. @param {string} reason */
  _violated(reason) {
    console.warn(`peerlane: a connection is given up: ${reason}`);
    this._register.close(new Lost("the connection was given up", reason));
    this.close();
  }

  _endRun() {
    this._run?.close();
    this._run = null;
    this._register.detach();
  }

  // Healing

  _suspect() {
    this._recovery.suspect(now());
    this._wake();
  }

  _wake() {
    const act = this._recovery.wake(now());
    if (act === "restart") this._restart();
    else if (act === "rebuild") this._perform(this._negotiation.rebuild(this._ownSlots));
    if (this._recovery.isWatching) void this._run?.watch.look(now());
    this._follow();
  }

  _restart() {
    this._hasAskedForRestart = !this._negotiation.youOffer;
    this._perform(this._negotiation.restart());
    this._suspected();
  }

  /** Tell what recovery has come to, and wake it when it wants to be woken. */
  _follow() {
    clearTimeout(this._timer);
    if (this.state === "closed") return;
    const { wakeAt, state } = this._recovery;
    if (wakeAt !== Infinity) this._timer = setTimeout(() => this._wake(), Math.max(0, (wakeAt - now()) * 1000));
    const doing = state === "interrupted" ? this._recovery.doing(now()) : null;
    const isNews = doing !== this._doing;
    this._doing = doing;
    this._setState(state);
    if (isNews) this.emit("healing", doing);
  }

  /** @param {ConnectionState} state */
  _setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }
}
