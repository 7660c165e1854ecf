/** Everybody in the room: their tiles, their line in the list, and who is speaking. */

import { byId } from "./dom.js";
import { Roster } from "./roster.js";
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
   * @param {import("./names.js").Names} names
   * @param {AbortSignal} signal ends the watch
   */
  constructor(room, name, media, tiles, names, signal) {
    this._room = room;
    this._name = name;
    this._media = media;
    this._tiles = tiles;
    this._names = names;
    this._roster = new Roster(byId("roster", HTMLUListElement));
    /** Who owns the room, and what may be done about others. @type {import("./moderation.js").ModerationView | null} */
    this.moderation = null;
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
    this._names.forget(peer.id);
    this.showRoster();
  }

  /** @param {RemotePeer} peer */
  show(peer) {
    if (this._room.peer(peer.id) !== peer) return;
    const { media } = peer;
    const tracks = (/** @type {string[]} */ ...slots) =>
      slots.flatMap((slot) => media.get(slot)?.track ?? []);
    const state = peer.state === "connected" && !peer.away ? "" : wordsForPeer(peer);
    const name = this._names.of(peer);
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
    this.showRoster();
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
    this.showRoster();
  }

  showRoster() {
    const owner = (/** @type {string} */ id) => (this.moderation?.isOwner(id) ? "owner, " : "");
    this._roster.show([
      { id: "me", name: this._name || "You", state: "connected", words: `${owner(this._room.me)}you` },
      ...this._room.roster.map((peer) => ({
        id: peer.id,
        name: this._names.of(peer),
        state: peer.state,
        words: `${owner(peer.id)}${wordsForPeer(peer)}`,
        deeds: this.moderation?.deedsFor(peer),
      })),
    ]);
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
