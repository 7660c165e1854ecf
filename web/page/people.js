/** Everybody in the room: their tiles, their line in the list, and who is speaking. */

import { byId, element } from "./dom.js";
import { wordsForPeer } from "./words.js";

/** @typedef {import("../lib/room.js").Room} Room */
/** @typedef {import("../lib/remote_peer.js").RemotePeer} RemotePeer */
/** @typedef {import("./local_media.js").LocalMedia} LocalMedia */
/** @typedef {import("./tiles.js").Tiles} Tiles */

const SPEAKING_INTERVAL_MS = 400;
const QUALITY_INTERVAL_MS = 2000;
/** As RTCInboundRtpStreamStats.audioLevel: 0 is silence, 1 is full scale. */
const SPEAKING_LEVEL = 0.02;

export class People {
  /**
   * @param {Room} room
   * @param {string} name our own
   * @param {LocalMedia} media
   * @param {Tiles} tiles
   * @param {AbortSignal} signal ends the watch
   */
  constructor(room, name, media, tiles, signal) {
    this._room = room;
    this._name = name;
    this._media = media;
    this._tiles = tiles;
    this._signal = signal;
    media.on("changed", () => this.showMe(), { signal });
    const timer = setInterval(() => void this._lookWhoSpeaks(), SPEAKING_INTERVAL_MS);
    const qualityTimer = setInterval(() => void this._lookHowGood(), QUALITY_INTERVAL_MS);
    signal.addEventListener("abort", () => (clearInterval(timer), clearInterval(qualityTimer)));
    this.showMe();
  }

  /** @param {RemotePeer} peer */
  add(peer) {
    const show = () => this.show(peer);
    peer.on("state", () => (show(), void this._showQuality(peer)), { signal: this._signal });
    peer.on("updated", show, { signal: this._signal });
    peer.on("media", show, { signal: this._signal });
    show();
  }

  /** @param {RemotePeer} peer */
  remove(peer) {
    this._tiles.remove(peer.id);
    this._showRoster();
  }

  /** @param {RemotePeer} peer */
  show(peer) {
    if (this._room.peer(peer.id) !== peer) return;
    const { media } = peer;
    const tracks = (/** @type {string[]} */ ...slots) =>
      slots.flatMap((slot) => media.get(slot)?.track ?? []);
    const state = peer.state === "connected" && !peer.away ? "" : wordsForPeer(peer);
    const name = peer.name || "Somebody";
    this._tiles.show(peer.id, "person", {
      name,
      label: name,
      state,
      isMuted: media.get("microphone")?.state !== "live",
      tracks: tracks("camera", "microphone"),
    });
    const screen = tracks("screen", "screen-sound");
    if (screen.length > 0) {
      const label = `${name}’s screen`;
      this._tiles.show(peer.id, "screen", { name, label, state, isMuted: false, tracks: screen });
    } else {
      this._tiles.remove(peer.id, "screen");
    }
    this._showRoster();
  }

  showMe() {
    const camera = this._media.track("camera");
    this._tiles.show("me", "person", {
      name: this._name,
      label: this._name ? `${this._name} (you)` : "You",
      state: "",
      isMuted: !this._media.isHeard,
      tracks: camera ? [camera] : [],
    });
    const screen = this._media.track("screen");
    if (screen) {
      this._tiles.show("me", "screen", { name: this._name, label: "Your screen", state: "", isMuted: false, tracks: [screen] });
    } else {
      this._tiles.remove("me", "screen");
    }
    this._showRoster();
  }

  _showRoster() {
    /** @param {string} name @param {string} state @param {string} words */
    const line = (name, state, words) =>
      element(
        "li",
        { "data-state": state },
        element("span", { class: "dot", "aria-hidden": "true" }),
        element("span", { class: "who" }, name),
        element("span", { class: "state" }, words),
      );
    byId("roster", HTMLUListElement).replaceChildren(
      line(this._name || "You", "connected", "you"),
      ...this._room.roster.map((peer) => line(peer.name || "Somebody", peer.state, wordsForPeer(peer))),
    );
  }

  async _lookHowGood() {
    await Promise.all(this._room.roster.map((peer) => this._showQuality(peer)));
  }

  /** @param {RemotePeer} peer */
  async _showQuality(peer) {
    this._tiles.setQuality(peer.id, (await peer.statistics()).quality);
  }

  async _lookWhoSpeaks() {
    await Promise.all(
      this._room.roster.map(async (peer) => {
        const level = peer.media.get("microphone")?.state === "live" ? await levelOf(peer) : 0;
        this._tiles.setSpeaking(peer.id, level > SPEAKING_LEVEL);
      }),
    );
  }
}

/** @param {RemotePeer} peer */
async function levelOf(peer) {
  const stats = await peer.stats().catch(() => undefined);
  let level = 0;
  stats?.forEach((report) => {
    if (report.type === "inbound-rtp" && report.kind === "audio") level = Math.max(level, report.audioLevel ?? 0);
  });
  return level;
}
