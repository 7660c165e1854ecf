/** The WebRTC tie to one remote peer: does what negotiation asks for, and heals what breaks. */

import { Register } from "./channels/register.js";
import { now } from "./clock.js";
import { Lost } from "./errors.js";
import { Emitter } from "./events.js";
import { Findings } from "./findings.js";
import { Healing } from "./healing.js";
import { Negotiation } from "./negotiation.js";
import { Run } from "./run.js";

/** @typedef {import("./protocol.js").PeerPayload} PeerPayload */
/** @typedef {import("./negotiation.js").Effect} Effect */
/** @typedef {import("./slots.js").Published} Published */
/** @typedef {import("./control.js").SlotState} SlotState */
/** @typedef {import("./channels/channel.js").Channel} Channel */
/** @typedef {"connecting" | "connected" | "interrupted" | "closed"} ConnectionState */
/** @typedef {{track: MediaStreamTrack, state: SlotState}} RemoteMedia */

/**
 * @typedef {object} ConnectionEvents
 * @property {ConnectionState} state
 * @property {import("./facts.js").Trouble} trouble a STUN or TURN server did not help
 * @property {import("./healing.js").Doing} healing what is being done about an interruption
 * @property {Channel} channel one that the other side has opened
 * @property {ReadonlyMap<string, RemoteMedia>} media
 */

/** @extends {Emitter<ConnectionEvents>} */
export class Connection extends Emitter {
  /**
   * @param {object} options
   * @param {boolean} options.youOffer
   * @param {boolean} options.canRestart whether both engines can restart ICE
   * @param {boolean} options.onlyOffers the other side cannot answer, and may offer to somebody else: nothing is amiss without an offer
   * @param {() => import("./protocol.js").IceServer[]} options.iceServers
   * @param {(payload: PeerPayload) => void} options.send to the other side, through the server
   * @param {() => void} options.suspected the network may be gone, for others too
   * @param {ReadonlyMap<string, Published>} options.published what this side sends, by slot; read when needed
   */
  constructor({ youOffer, canRestart, onlyOffers, iceServers, send, suspected, published }) {
    super();
    /** @type {ConnectionState} */
    this.state = "connecting";
    this._iceServers = iceServers;
    this._send = send;
    this._suspected = suspected;
    this._published = published;
    this._negotiation = new Negotiation(youOffer);
    this._onlyOffers = onlyOffers;
    this._healing = new Healing({
      canRestart,
      watch: () => void this._run?.watch.look(now()),
      act: (act) => this._heal(act),
      told: () => this._healingChanged(),
    });
    this._findings = new Findings();
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
    this._violation = "";
  }

  start() {
    if (!this._onlyOffers) this._healing.began();
    const wishes = this._published.size > 0 && !this._negotiation.youOffer ? this._negotiation.need(this._ownSlots) : [];
    this._perform([...this._negotiation.start(), ...wishes]);
  }

  /** The channel of this label; see Register.open. @param {string} label @param {import("./channels/kinds.js").Kind} kind */
  open(label, kind) {
    return this._register.open(label, kind);
  }

  /** @param {PeerPayload} payload of the other side, through the server */
  receive(payload) {
    if (this.state === "closed") return;
    this._findings.received(payload);
    const effects = this._negotiation.receive(payload);
    if (effects.some((effect) => effect.do === "make-offer" && effect.restart)) this._healing.restarted();
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
    this._healing.setReachable(isReachable);
  }

  /** This device is on another network. @param {boolean} isPathGone */
  networkChanged(isPathGone) {
    this._healing.networkChanged(isPathGone);
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
    return this.state === "interrupted" ? { since: this._healing.silence, doing: this._healing.doing } : null;
  }

  /** What is known of it here, for its diagnosis. @returns {Partial<import("./facts.js").Facts>} */
  get facts() {
    return {
      ...this._findings.facts,
      connection: this.state,
      silence: this._healing.silence,
      healing: this._healing.doing,
      ...(this._run ? phaseOf(this._run.pc) : {}),
      servers: this._iceServers().flatMap(({ urls }) => urls),
      violation: this._violation,
    };
  }

  /** Reports of the connection as it stands. @returns {Promise<RTCStatsReport | undefined>} */
  async stats() {
    return this._run?.pc.getStats();
  }

  /** Say goodbye to the other side, and end. */
  close() {
    if (this.state === "closed") return;
    this._run?.control.say({ type: "bye" });
    this._healing.stop();
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
      if (effect.do === "send") this._say(effect.payload);
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
      sends: (slots) => this._mediaAnnounced(Object.fromEntries(slots.map((slot) => [slot, "live"]))),
      settled: () => this._settled(run),
      restarted: () => this._restarted(),
      gathered: (candidate) => this._gathered(generation, candidate),
      troubled: ({ url, errorCode, errorText }) => this._troubled({ url, code: errorCode, text: errorText }),
      changed: () => this._pcChanged(run),
      heard: () => this._healing.heard(),
      stopped: () => this._healing.suspect(),
      failed: () => this._healing.failed(),
      controlOpened: () => this._controlOpened(),
      controlSaid: (message) => this._controlSaid(message),
      violated: (reason) => this._violated(reason),
    });
    this._run = run;
    this._hasAskedForRestart = false;
    this._register.use(run.pc);
    this._healing.began();
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
    const isOurs = this._hasAskedForRestart;
    this._hasAskedForRestart = false;
    if (!isOurs) this._healing.restarted();
  }

  /** @param {number} generation @param {RTCIceCandidate | null} candidate */
  _gathered(generation, candidate) {
    // An empty candidate ends one ICE generation; null ends gathering, and says the same once more.
    if (candidate?.candidate === "") return;
    this._findings.gathered(candidate);
    this._perform(this._negotiation.gathered(generation, candidate?.toJSON()));
  }

  /** @param {Run} run */
  _pcChanged(run) {
    switch (run.pc.connectionState) {
      case "connected":
        run.hasStood = true;
        this._healing.connected();
        break;
      case "disconnected":
        this._healing.suspect();
        break;
      case "failed":
        // A new round of ICE can mend neither what DTLS has given up nor a path that there never was.
        if (run.hasStood && dtlsOf(run.pc)?.state === "connected") this._healing.broke();
        else this._healing.failed();
        break;
      case "closed":
        this._healing.failed();
        break;
    }
  }

  _controlOpened() {
    this._announce();
    this._register.ask();
  }

  /** @param {import("./control.js").ControlMessage} message */
  _controlSaid(message) {
    switch (message.type) {
      case "media":
        this._mediaAnnounced(message.slots ?? {});
        break;
      case "open":
      case "close":
      case "closed":
      case "ack":
        this._register.receive(message);
        break;
      case "bye":
        // The server will say that the peer has left; until then there is nobody to rebuild for.
        this._endRun();
        this._healing.gone();
        break;
    }
  }

  /** @param {Record<string, SlotState>} slots what the other side says that they carry */
  _mediaAnnounced(slots) {
    this._announced = slots;
    this.emit("media", this.media);
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
    this._violation = reason;
    this._register.close(new Lost("the connection was given up", reason));
    this.close();
  }

  _endRun() {
    this._run?.close();
    this._run = null;
    this._register.detach();
  }

  /** @param {PeerPayload} payload */
  _say(payload) {
    this._findings.sent(payload);
    this._send(payload);
  }

  /** @param {import("./facts.js").Trouble} trouble */
  _troubled(trouble) {
    this._findings.troubled(trouble);
    this.emit("trouble", trouble);
  }

  /** @param {import("./recovery.js").Act} act */
  _heal(act) {
    if (act === "rebuild") {
      this._perform(this._negotiation.rebuild(this._ownSlots));
      return;
    }
    this._hasAskedForRestart = !this._negotiation.youOffer;
    this._perform(this._negotiation.restart());
    this._suspected();
  }

  _healingChanged() {
    const { state, doing } = this._healing;
    this._setState(state);
    this.emit("healing", doing);
  }

  /** @param {ConnectionState} state */
  _setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }
}

/** The one DTLS transport of all sections; a client of another protocol may have no data channels. @param {RTCPeerConnection} pc */
function dtlsOf(pc) {
  return pc.sctp?.transport ?? pc.getReceivers().find(({ transport }) => transport)?.transport;
}

/** How far ICE and DTLS have come. @param {RTCPeerConnection} pc @returns {Pick<import("./facts.js").Facts, "ice" | "isDtlsFailed">} */
function phaseOf(pc) {
  const { connectionState, iceConnectionState, iceGatheringState } = pc;
  const isDtlsFailed = dtlsOf(pc)?.state === "failed";
  // The state of ICE alone lags behind in Chromium.
  if (iceConnectionState === "failed" || (connectionState === "failed" && !isDtlsFailed)) return { ice: "failed", isDtlsFailed };
  switch (iceConnectionState) {
    case "connected":
    case "completed":
      return { ice: "connected", isDtlsFailed };
    case "new":
      return { ice: iceGatheringState === "gathering" ? "gathering" : "new", isDtlsFailed };
    default:
      return { ice: "checking", isDtlsFailed };
  }
}
