/** One RTCPeerConnection of a pair and what belongs to it; a rebuild makes the next one. */

import { Control } from "./control.js";
import { isCurrent, isRestart, MAX_REMOTE_CANDIDATES } from "./ice.js";
import { hasChannels, sendingMids } from "./sections.js";
import { Slots } from "./slots.js";
import { Watch } from "./watch.js";

/** More than a peer can need; past it the run has failed. */
const MAX_WAITING_TASKS = 1024;

/** @typedef {import("./protocol.js").IceServer} IceServer */
/** @typedef {import("./negotiation.js").Effect} Effect */
/** @typedef {Exclude<Effect, {do: "send"} | {do: "open"}>} ToPerform what one run performs, in order */

/**
 * @typedef {object} RunHandlers none is called after the end
 * @property {() => IceServer[]} iceServers as they are now: credentials of TURN servers do not last
 * @property {() => Iterable<import("./protocol.js").Slot>} wanted which slots the other side has asked for
 * @property {(type: "offer" | "answer", sdp: string, slots: Record<string, string>) => void} described one that may be sent
 * @property {(slots: string[]) => void} sends in which slots one sends that has no data channels, and cannot say it itself
 * @property {() => void} settled after each round
 * @property {() => void} restarted the other side has begun a new round of ICE
 * @property {(candidate: RTCIceCandidate | null) => void} gathered
 * @property {(trouble: RTCPeerConnectionIceErrorEvent) => void} troubled
 * @property {() => void} changed the state of `pc`
 * @property {() => void} heard a sign of life
 * @property {() => void} stopped much has come until now, and all at once nothing does
 * @property {() => void} failed it cannot go on
 * @property {() => void} controlOpened
 * @property {(message: import("./control.js").ControlMessage) => void} controlSaid
 * @property {(reason: string) => void} violated the other side says what nobody who speaks our protocol does
 */

export class Run {
  /**
   * @param {number} generation
   * @param {ReadonlyMap<string, import("./slots.js").Published>} published
   * @param {RunHandlers} handlers
   */
  constructor(generation, published, handlers) {
    this.generation = generation;
    /** Whether it has been connected. */
    this.hasStood = false;
    this._handlers = handlers;
    this._isOpen = true;
    this._remoteCandidates = 0;
    this._waiting = 0;
    /** Effects are performed one after the other. @type {Promise<void>} */
    this._tasks = Promise.resolve();
    const guarded = this._guarded;
    this.pc = new RTCPeerConnection(this._configuration);
    this.slots = new Slots(this.pc, published);
    this.control = new Control(this.pc, {
      opened: guarded(handlers.controlOpened),
      closed: guarded(handlers.failed),
      received: guarded(handlers.controlSaid),
      violated: guarded(handlers.violated),
    });
    this.watch = new Watch(this.pc, {
      heard: guarded(handlers.heard),
      stopped: guarded(handlers.stopped),
      probe: () => void this.control.say({ type: "probe" }),
    });
    this.pc.onicecandidate = ({ candidate }) => handlers.gathered(candidate);
    this.pc.onicecandidateerror = handlers.troubled;
    this.pc.onconnectionstatechange = handlers.changed;
  }

  /** @param {ToPerform} effect */
  put(effect) {
    this._enqueue(() => this._perform(effect));
  }

  /** What this side publishes has changed. */
  sync() {
    this._enqueue(() => this.slots.sync());
  }

  close() {
    this._isOpen = false;
    this.pc.onicecandidate = this.pc.onicecandidateerror = this.pc.onconnectionstatechange = null;
    this.pc.close();
  }

  /** @param {ToPerform} effect */
  async _perform(effect) {
    const { pc, slots } = this;
    switch (effect.do) {
      case "make-offer":
        if (effect.restart) this._restart();
        await slots.ensure(this._handlers.wanted());
        await this._describe("offer", await pc.createOffer());
        break;
      case "apply-offer":
        if (isRestart(pc.remoteDescription?.sdp, effect.sdp)) this._followRestart();
        await this._apply("offer", effect.sdp);
        await slots.adopt(effect.slots);
        if (!hasChannels(effect.sdp)) this._guarded(this._handlers.sends)(this._sending(effect.sdp));
        break;
      case "make-answer":
        await this._describe("answer", await pc.createAnswer());
        this._guarded(this._handlers.settled)();
        break;
      case "apply-answer":
        await this._apply("answer", effect.sdp);
        this._guarded(this._handlers.settled)();
        break;
      case "add-candidate":
        await this._addCandidate(effect.candidate);
        break;
    }
  }

  /** The slots in which the other side sends. @param {string} sdp */
  _sending(sdp) {
    const { byMid } = this.slots;
    return sendingMids(sdp).flatMap((mid) => byMid[mid] ?? []);
  }

  /** @returns {RTCConfiguration} */
  get _configuration() {
    return { iceServers: this._handlers.iceServers(), bundlePolicy: "max-bundle" };
  }

  _restart() {
    this._renewServers();
    this.pc.restartIce();
  }

  _followRestart() {
    this._renewServers();
    this._guarded(this._handlers.restarted)();
  }

  /** A new round asks the servers that are known now. */
  _renewServers() {
    try {
      this.pc.setConfiguration(this._configuration);
    } catch (error) {
      console.warn("peerlane: the ICE servers cannot be read; those from before stay in use", error);
    }
  }

  /** @param {"offer" | "answer"} type @param {RTCSessionDescriptionInit} description */
  async _describe(type, description) {
    await this.pc.setLocalDescription(description);
    this._guarded(this._handlers.described)(type, this.pc.localDescription?.sdp ?? "", this.slots.byMid);
  }

  /** @param {"offer" | "answer"} type @param {string} sdp */
  async _apply(type, sdp) {
    await this.pc.setRemoteDescription({ type, sdp });
    this._remoteCandidates = 0;
  }

  /** @param {RTCIceCandidateInit | undefined} candidate */
  async _addCandidate(candidate) {
    if (!isCurrent(candidate, this.pc.remoteDescription?.sdp)) return;
    this._remoteCandidates += 1;
    if (this._remoteCandidates > MAX_REMOTE_CANDIDATES) return;
    // A candidate that the engine does not like must not cost the connection.
    await this.pc.addIceCandidate(candidate).catch(() => {});
  }

  /** @param {() => Promise<void>} task */
  _enqueue(task) {
    if (this._waiting >= MAX_WAITING_TASKS) {
      this._guarded(this._handlers.failed)();
      return;
    }
    this._waiting += 1;
    this._tasks = this._tasks.then(async () => {
      this._waiting -= 1;
      if (!this._isOpen) return;
      try {
        await task();
      } catch (error) {
        if (!this._isOpen) return;
        console.warn("peerlane: a description could not be used; the connection is rebuilt", error);
        this._handlers.failed();
      }
    });
  }

  /**
   * Unheard after the end.
   *
   * @template {any[]} Arguments
   * @param {(...args: Arguments) => void} handler
   * @returns {(...args: Arguments) => void}
   */
  _guarded = (handler) => (...args) => {
    if (this._isOpen) handler(...args);
  };
}
