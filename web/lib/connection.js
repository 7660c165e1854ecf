/** The WebRTC tie to one remote peer: does what negotiation asks for, and rebuilds what cannot be saved. */

import { Register } from "./channels/register.js";
import { Control } from "./control.js";
import { Emitter } from "./events.js";
import { Negotiation } from "./negotiation.js";
import { Recovery } from "./recovery.js";
import { Slots } from "./slots.js";

/** @typedef {import("./protocol.js").PeerPayload} PeerPayload */
/** @typedef {import("./negotiation.js").Effect} Effect */
/** @typedef {import("./slots.js").Published} Published */
/** @typedef {import("./control.js").SlotState} SlotState */
/** @typedef {import("./channels/channel.js").Channel} Channel */
/** @typedef {"connecting" | "connected" | "interrupted" | "closed"} ConnectionState */
/** @typedef {{track: MediaStreamTrack, state: SlotState}} RemoteMedia */

/**
 * One RTCPeerConnection and what belongs to it; a rebuild makes the next one.
 *
 * @typedef {object} Run
 * @property {number} generation
 * @property {RTCPeerConnection} pc
 * @property {Slots} slots
 * @property {Control} control
 * @property {Promise<void>} tasks effects are performed one after the other
 */

/**
 * @typedef {object} ConnectionEvents
 * @property {ConnectionState} state
 * @property {Channel} channel one that the other side has opened
 * @property {ReadonlyMap<string, RemoteMedia>} media
 */

const now = () => performance.now() / 1000;

/** @extends {Emitter<ConnectionEvents>} */
export class Connection extends Emitter {
  /**
   * @param {object} options
   * @param {boolean} options.youOffer
   * @param {() => import("./protocol.js").IceServer[]} options.iceServers
   * @param {(payload: PeerPayload) => void} options.send to the other side, through the server
   * @param {ReadonlyMap<string, Published>} options.published what this side sends, by slot; read when needed
   */
  constructor({ youOffer, iceServers, send, published }) {
    super();
    /** @type {ConnectionState} */
    this.state = "connecting";
    this._iceServers = iceServers;
    this._send = send;
    this._published = published;
    this._negotiation = new Negotiation(youOffer);
    this._recovery = new Recovery(Math.random);
    this._register = new Register({
      youOffer,
      say: (message) => void this._run?.control.say(message),
      opened: (channel) => this.emit("channel", channel),
    });
    /** @type {Run | null} */
    this._run = null;
    /** What the other side says that its slots carry. @type {Record<string, SlotState>} */
    this._announced = {};
    this._isReachable = true;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
  }

  start() {
    this._recovery.began(now());
    const wishes = this._published.size > 0 && !this._negotiation.youOffer ? this._negotiation.need(this._ownSlots) : [];
    this._perform([...this._negotiation.start(), ...wishes]);
    this._setTimer();
  }

  /** The channel of this label; see Register.open. @param {string} label @param {import("./channels/kinds.js").Kind} kind */
  open(label, kind) {
    return this._register.open(label, kind);
  }

  /** @param {PeerPayload} payload of the other side, through the server */
  receive(payload) {
    if (this.state !== "closed") this._perform(this._negotiation.receive(payload));
  }

  /** What this side publishes has changed. */
  publishedChanged() {
    const run = this._run;
    if (!run) {
      if (this.state !== "closed" && !this._negotiation.youOffer) this._perform(this._negotiation.need(this._ownSlots));
      return;
    }
    this._enqueue(run, () => run.slots.sync());
    this._announce();
    if (!run.slots.isComplete) this._perform(this._negotiation.need(this._ownSlots));
  }

  /** Whether signals reach the other side now; without them a rebuild has to wait. @param {boolean} isReachable */
  setReachable(isReachable) {
    this._isReachable = isReachable;
    this._setTimer();
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
      else if (this._run) this._performInTurn(this._run, effect);
    }
  }

  /** @param {Run} run @param {Exclude<Effect, {do: "send"} | {do: "open"}>} effect */
  _performInTurn(run, effect) {
    const { pc, slots } = run;
    this._enqueue(run, async () => {
      switch (effect.do) {
        case "make-offer":
          await slots.ensure(this._negotiation.wanted.values());
          await this._describe(run, "offer", await pc.createOffer());
          break;
        case "apply-offer":
          await pc.setRemoteDescription({ type: "offer", sdp: effect.sdp });
          await slots.adopt(effect.slots);
          break;
        case "make-answer":
          await this._describe(run, "answer", await pc.createAnswer());
          this.emit("media", this.media);
          // The offer may have been made before we knew what we would send.
          if (!slots.isComplete) this._perform(this._negotiation.need(this._ownSlots));
          break;
        case "apply-answer":
          await pc.setRemoteDescription({ type: "answer", sdp: effect.sdp });
          this.emit("media", this.media);
          break;
        case "add-candidate":
          // A candidate that the engine does not like must not cost the connection.
          await pc.addIceCandidate(effect.candidate).catch(() => {});
          break;
      }
    });
  }

  /** @param {Run} run @param {"offer" | "answer"} type @param {RTCSessionDescriptionInit} description */
  async _describe({ pc, slots, generation }, type, description) {
    await pc.setLocalDescription(description);
    this._perform(this._negotiation.described(generation, type, pc.localDescription?.sdp ?? "", slots.byMid));
  }

  /** @param {Run} run @param {() => Promise<void>} task */
  _enqueue(run, task) {
    run.tasks = run.tasks.then(async () => {
      if (this._run !== run) return;
      try {
        await task();
      } catch (error) {
        if (this._run !== run) return;
        console.warn("peerlane: a description could not be used; the connection is rebuilt", error);
        this._failed(run);
      }
    });
  }

  /** @param {number} generation */
  _open(generation) {
    this._endRun();
    const pc = new RTCPeerConnection({ iceServers: this._iceServers(), bundlePolicy: "max-bundle" });
    /** @type {Run} */
    const run = {
      generation,
      pc,
      slots: new Slots(pc, this._published),
      control: new Control(pc, {
        opened: () => this._controlOpened(run),
        closed: () => this._failed(run),
        received: (message) => this._controlSaid(run, message),
      }),
      tasks: Promise.resolve(),
    };
    this._run = run;
    this._register.use(pc);
    this._recovery.began(now());
    this._setTimer();
    if (this.state === "connected") this._setState("interrupted");
    pc.onicecandidate = ({ candidate }) => this._gathered(run, candidate);
    pc.onconnectionstatechange = () => this._pcChanged(run);
  }

  /** @param {Run} run @param {RTCIceCandidate | null} candidate */
  _gathered({ generation }, candidate) {
    // An empty candidate ends one ICE generation; null ends gathering, and says the same once more.
    if (candidate?.candidate === "") return;
    this._perform(this._negotiation.gathered(generation, candidate?.toJSON()));
  }

  /** @param {Run} run */
  _pcChanged(run) {
    if (this._run !== run) return;
    switch (run.pc.connectionState) {
      case "connected":
        this._recovery.connected();
        this._setTimer();
        this._setState("connected");
        break;
      case "disconnected":
        this._setState("interrupted");
        break;
      case "failed":
      case "closed":
        this._failed(run);
        break;
    }
  }

  /** @param {Run} run */
  _controlOpened(run) {
    if (this._run !== run) return;
    this._announce();
    this._register.ask();
  }

  /** @param {Run} run @param {import("./control.js").ControlMessage} message */
  _controlSaid(run, message) {
    if (this._run !== run) return;
    switch (message.type) {
      case "media":
        this._announced = message.slots ?? {};
        this.emit("media", this.media);
        break;
      case "open":
      case "close":
        this._register.receive(message);
        break;
      case "bye":
        // The server will say that the peer has left; until then there is nobody to rebuild for.
        this._recovery.stop();
        this._endRun();
        this._setState("interrupted");
        break;
    }
  }

  _announce() {
    /** @type {Record<string, SlotState>} */
    const slots = {};
    for (const [name, { muted }] of this._published) slots[name] = muted ? "muted" : "live";
    this._run?.control.say({ type: "media", slots });
  }

  /** @param {Run} run */
  _failed(run) {
    if (this._run !== run || this.state === "closed") return;
    this._setState(this.state === "connecting" ? "connecting" : "interrupted");
    this._recovery.failed(now());
    this._setTimer();
  }

  _rebuild() {
    this._recovery.began(now());
    this._perform(this._negotiation.rebuild(this._ownSlots));
    this._setTimer();
  }

  _endRun() {
    const run = this._run;
    this._run = null;
    if (!run) return;
    run.pc.onicecandidate = run.pc.onconnectionstatechange = null;
    run.pc.close();
  }

  /** @param {ConnectionState} state */
  _setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }

  _setTimer() {
    clearTimeout(this._timer);
    const { wakeAt } = this._recovery;
    if (wakeAt === Infinity || !this._isReachable) return;
    this._timer = setTimeout(() => this._rebuild(), Math.max(0, (wakeAt - now()) * 1000));
  }
}
