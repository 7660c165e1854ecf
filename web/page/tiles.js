/** The grid of pictures: one tile for each person and each shared screen, one of them pinned if wished. */

import { element, icon } from "./dom.js";
import { wordsForQuality } from "./words.js";

/**
 * What a tile shows.
 *
 * @typedef {object} View
 * @property {string} name
 * @property {string} label the name as it stands in the tile
 * @property {string} state in words; empty when there is nothing to say
 * @property {boolean} isMuted
 * @property {MediaStreamTrack[]} tracks
 */

/** @param {string} name */
function initials(name) {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [];
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase() || "·";
}

class Tile {
  /** @param {string} peer @param {"person" | "screen"} what @param {(tile: Tile) => void} pinned */
  constructor(peer, what, pinned) {
    this.video = element("video", { "data-peer": peer, autoplay: "", playsinline: "" });
    if (what === "screen") this.video.setAttribute("data-slot", "screen");
    this._stream = new MediaStream();
    this.video.srcObject = this._stream;
    this._initials = element("span");
    this._who = element("span", { class: "who" });
    this._state = element("span", { class: "state" });
    this._muted = icon("microphone-off");
    this._quality = element("span", { class: "quality", role: "img", hidden: "" });
    this.pin = element("button", { class: "pin", type: "button", "aria-pressed": "false" }, icon("pin"));
    this.pin.addEventListener("click", () => pinned(this));
    const avatar = element("div", { class: "avatar", "aria-hidden": "true" }, this._initials);
    this.element = element("div", { class: "tile", role: "group" });
    this.element.classList.toggle("is-me", peer === "me");
    this.element.classList.toggle("is-screen", what === "screen");
    this.element.append(
      this.video,
      avatar,
      element("p", { class: "label" }, this._quality, this._muted, this._who, this._state),
      this.pin,
    );
    this.video.addEventListener("resize", () => this._showPicture());
  }

  /** @param {View} view */
  show({ name, label, state, isMuted, tracks }) {
    this._who.textContent = label;
    this._initials.textContent = initials(name);
    this._state.textContent = state;
    this._state.hidden = state === "";
    this._muted.toggleAttribute("hidden", !isMuted);
    const heard = isMuted ? ", muted" : "";
    this.element.setAttribute("aria-label", `${label}${heard}${state ? `, ${state}` : ""}`);
    this.pin.setAttribute("aria-label", `Pin ${label}`);
    this.video.setAttribute("aria-label", `Picture of ${label}`);
    for (const track of this._stream.getTracks()) if (!tracks.includes(track)) this._stream.removeTrack(track);
    for (const track of tracks) if (!this._stream.getTracks().includes(track)) this._stream.addTrack(track);
    this._showPicture();
  }

  /** @param {import("../lib/stats.js").Quality} quality */
  showQuality(quality) {
    const words = wordsForQuality(quality);
    this._quality.hidden = false;
    this._quality.dataset.quality = quality;
    this._quality.title = words;
    this._quality.setAttribute("aria-label", words);
  }

  _showPicture() {
    this.element.classList.toggle("has-picture", this._stream.getVideoTracks().length > 0);
  }
}

export class Tiles {
  /** @param {HTMLElement} grid @param {() => void} soundBlocked the browser wants a click before it plays sound */
  constructor(grid, soundBlocked) {
    this._grid = grid;
    this._soundBlocked = soundBlocked;
    /** @type {Map<string, Tile>} */
    this._tiles = new Map();
    /** @type {Tile | null} */
    this._pinned = null;
    this._speaker = "";
    new ResizeObserver(() => this.arrange()).observe(grid);
  }

  /**
   * @param {string} peer `me`, or an id
   * @param {"person" | "screen"} what
   * @param {View} view
   */
  show(peer, what, view) {
    const key = `${peer} ${what}`;
    let tile = this._tiles.get(key);
    if (!tile) {
      tile = new Tile(peer, what, (each) => this._pin(each));
      this._tiles.set(key, tile);
      this._grid.append(tile.element);
      tile.video.muted = peer === "me";
      this.setSpeaker(this._speaker);
      // A screen that is being shared is what people came to see.
      if (what === "screen" && peer !== "me") this._pin(tile);
      this.arrange();
    }
    tile.show(view);
    this._play(tile);
  }

  /** @param {string} peer @param {"person" | "screen"} [what] without it, all of this peer */
  remove(peer, what) {
    for (const each of what ? [what] : ["person", "screen"]) {
      const tile = this._tiles.get(`${peer} ${each}`);
      if (!tile) continue;
      this._tiles.delete(`${peer} ${each}`);
      tile.video.srcObject = null;
      tile.element.remove();
      if (this._pinned === tile) this._pin(tile);
    }
    this.arrange();
  }

  /** @param {string} peer @param {boolean} isSpeaking */
  setSpeaking(peer, isSpeaking) {
    this._tiles.get(`${peer} person`)?.element.classList.toggle("is-speaking", isSpeaking);
  }

  /** @param {string} peer @param {import("../lib/stats.js").Quality} quality */
  setQuality(peer, quality) {
    this._tiles.get(`${peer} person`)?.showQuality(quality);
  }

  /** Where everybody is heard. @param {string} id of the device; empty: the default */
  setSpeaker(id) {
    this._speaker = id;
    for (const { video } of this._tiles.values()) {
      // A speaker that was unplugged since: the browser falls back to the default.
      if (!video.muted && "setSinkId" in video && video.sinkId !== id) video.setSinkId(id).catch(() => {});
    }
  }

  /** After a click: play what the browser has held back. */
  playAll() {
    for (const tile of this._tiles.values()) this._play(tile);
  }

  clear() {
    for (const key of [...this._tiles.keys()]) {
      const [peer] = key.split(" ");
      this.remove(peer);
    }
  }

  /** @param {Tile} tile */
  _play(tile) {
    tile.video.play().catch((/** @type {Error} */ error) => {
      if (error.name === "NotAllowedError") this._soundBlocked();
    });
  }

  /** @param {Tile} tile pinned before: let go of it */
  _pin(tile) {
    this._pinned = this._pinned === tile ? null : tile;
    for (const each of this._tiles.values()) {
      const isPinned = each === this._pinned;
      each.element.classList.toggle("is-pinned", isPinned);
      each.pin.setAttribute("aria-pressed", String(isPinned));
    }
    this.arrange();
  }

  /** As many columns as leave the tiles largest. */
  arrange() {
    const count = [...this._grid.children].filter((each) => !each.hasAttribute("hidden")).length;
    const { clientWidth: width, clientHeight: height } = this._grid;
    let best = { columns: 1, area: 0 };
    for (let columns = 1; columns <= count; columns += 1) {
      const tileWidth = width / columns;
      const tileHeight = height / Math.ceil(count / columns);
      const shown = Math.min(tileWidth, (tileHeight * 16) / 9) * Math.min(tileHeight, (tileWidth * 9) / 16);
      if (shown > best.area) best = { columns, area: shown };
    }
    this._grid.classList.toggle("has-pin", this._pinned !== null && count > 1);
    this._grid.style.setProperty("--columns", String(best.columns));
    this._grid.style.setProperty("--rows", String(Math.ceil(count / best.columns)));
    this._grid.style.setProperty("--small", String(Math.max(2, Math.min(count - 1, Math.floor(width / 160)))));
  }
}
