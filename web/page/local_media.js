/** What this person sends: camera, microphone, screen. Owns the tracks, and publishes them into the room. */

import { Emitter } from "../lib/events.js";
import { INSECURE, wordsForAccess } from "./access.js";
import { recall, remember } from "./remember.js";

/** @typedef {import("../lib/room.js").Room} Room */
/** @typedef {"microphone" | "camera" | "screen" | "screen-sound"} SlotName */

/**
 * @typedef {object} LocalMediaEvents
 * @property {undefined} changed
 * @property {string} problem what went wrong and what to do, in words
 */

const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

/** @extends {Emitter<LocalMediaEvents>} */
export class LocalMedia extends Emitter {
  constructor() {
    super();
    /** @type {Map<SlotName, MediaStreamTrack>} */
    this._tracks = new Map();
    /** @type {Room | null} */
    this._room = null;
    this.isMuted = false;
    this.suppressNoise = recall("suppress-noise") !== "no";
    this.chosen = { camera: recall("camera"), microphone: recall("microphone") };
    navigator.mediaDevices?.addEventListener("devicechange", () => this.emit("changed", undefined));
  }

  get hasCamera() {
    return this._tracks.has("camera");
  }

  get hasMicrophone() {
    return this._tracks.has("microphone");
  }

  get isSharing() {
    return this._tracks.has("screen");
  }

  /** Whether others can hear this person now. */
  get isHeard() {
    return this.hasMicrophone && !this.isMuted;
  }

  /** @param {SlotName} slot */
  track(slot) {
    return this._tracks.get(slot);
  }

  /** What runs now, by slot. */
  get tracks() {
    return Object.fromEntries(this._tracks);
  }

  /** From now on the tracks go into this room. @param {Room | null} room */
  enter(room) {
    this._room = room;
    for (const [slot, track] of this._tracks) room?.publish(slot, track);
    room?.mute("microphone", this.isMuted);
  }

  /**
   * Start camera and microphone, together where the browser gives both at once.
   *
   * @param {{camera: boolean, microphone: boolean}} wanted
   */
  async start({ camera, microphone }) {
    if (!camera && !microphone) return;
    // Asked for together, there is one question for the person to answer.
    const got = await this._capture({ camera, microphone }).catch(() => null);
    if (got) return;
    if (microphone) await this.startMicrophone();
    if (camera) await this.startCamera();
  }

  async startCamera() {
    return this._tryTo("camera", () => this._capture({ camera: true, microphone: false }));
  }

  async startMicrophone() {
    return this._tryTo("microphone", () => this._capture({ camera: false, microphone: true }));
  }

  async toggleCamera() {
    if (this.hasCamera) this._drop("camera");
    else await this.startCamera();
  }

  async toggleMicrophone() {
    if (!this.hasMicrophone) {
      this.isMuted = false;
      await this.startMicrophone();
      return;
    }
    this.isMuted = !this.isMuted;
    this._applyMute();
    this.emit("changed", undefined);
  }

  async toggleScreen() {
    if (this.isSharing) {
      this._drop("screen", "screen-sound");
      return;
    }
    if (!navigator.mediaDevices?.getDisplayMedia) {
      this.emit("problem", "This browser cannot share its screen.");
      return;
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: true });
    } catch {
      // Whoever closes the browser's own picker has changed their mind; there is nothing to explain.
      return;
    }
    const [picture] = stream.getVideoTracks();
    const [sound] = stream.getAudioTracks();
    // Text must stay sharp; frames may wait.
    picture.contentHint = "detail";
    picture.addEventListener("ended", () => this._drop("screen", "screen-sound"));
    this._take("screen", picture);
    if (sound) this._take("screen-sound", sound);
  }

  /** Use another device, at once when the one before is running. @param {"camera" | "microphone"} device @param {string} id */
  async choose(device, id) {
    this.chosen[device] = id;
    remember(device, id);
    if (!this._tracks.has(device)) return;
    await (device === "camera" ? this.startCamera() : this.startMicrophone());
  }

  /** @param {boolean} suppressNoise */
  async setNoiseSuppression(suppressNoise) {
    this.suppressNoise = suppressNoise;
    remember("suppress-noise", suppressNoise ? "yes" : "no");
    if (this.hasMicrophone) await this.startMicrophone();
  }

  /** Let go of every device. */
  stop() {
    this._room = null;
    this._drop(.../** @type {SlotName[]} */ ([...this._tracks.keys()]));
  }

  /** @param {"camera" | "microphone"} device @param {() => Promise<boolean>} act */
  async _tryTo(device, act) {
    try {
      return await act();
    } catch (error) {
      this.emit("problem", window.isSecureContext ? wordsForAccess(error, device) : INSECURE);
      return false;
    }
  }

  /** @param {{camera: boolean, microphone: boolean}} wanted */
  async _capture({ camera, microphone }) {
    const devices = navigator.mediaDevices;
    if (!devices?.getUserMedia) throw new DOMException("no devices here", "NotAllowedError");
    const ask = (/** @type {boolean} */ asChosen) => devices.getUserMedia(this._constraints(camera, microphone, asChosen));
    // A device that was chosen once and is unplugged now must not stand in the way.
    const stream = await ask(true).catch((error) => {
      if (error.name !== "OverconstrainedError") throw error;
      return ask(false);
    });
    for (const track of stream.getTracks()) this._take(track.kind === "video" ? "camera" : "microphone", track);
    return true;
  }

  /** @param {boolean} camera @param {boolean} microphone @param {boolean} asChosen @returns {MediaStreamConstraints} */
  _constraints(camera, microphone, asChosen) {
    const choice = (/** @type {string} */ id) => (id && asChosen ? { deviceId: { exact: id } } : {});
    return {
      video: camera && { ...VIDEO, ...choice(this.chosen.camera) },
      audio: microphone && {
        ...choice(this.chosen.microphone),
        noiseSuppression: this.suppressNoise,
        echoCancellation: true,
        autoGainControl: true,
      },
    };
  }

  /** @param {SlotName} slot @param {MediaStreamTrack} track */
  _take(slot, track) {
    const before = this._tracks.get(slot);
    this._tracks.set(slot, track);
    if (slot === "microphone") track.enabled = !this.isMuted;
    this._room?.publish(slot, track);
    this._applyMute();
    before?.stop();
    track.addEventListener("ended", () => this._ended(slot, track));
    this.emit("changed", undefined);
  }

  /** A device was unplugged, or the browser took it back. @param {SlotName} slot @param {MediaStreamTrack} track */
  _ended(slot, track) {
    if (this._tracks.get(slot) !== track) return;
    this._drop(slot);
    if (slot === "camera" || slot === "microphone") {
      this.emit("problem", `The ${slot} has stopped. Choose another one, or turn it on again.`);
    }
  }

  /** @param {...SlotName} slots */
  _drop(...slots) {
    for (const slot of slots) {
      const track = this._tracks.get(slot);
      this._tracks.delete(slot);
      this._room?.unpublish(slot);
      track?.stop();
    }
    this.emit("changed", undefined);
  }

  _applyMute() {
    const track = this._tracks.get("microphone");
    if (track) track.enabled = !this.isMuted;
    this._room?.mute("microphone", this.isMuted);
  }
}
