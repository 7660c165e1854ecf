/** Before the call: name, room, devices, and a look in the mirror. */

import { byId, icon } from "./dom.js";
import { INSECURE } from "./access.js";
import { LevelMeter } from "./level_meter.js";
import { recall, remember } from "./remember.js";
import { randomRoomName } from "./room_names.js";

/** @typedef {import("./local_media.js").LocalMedia} LocalMedia */
/** @typedef {{room: string, name: string}} Wish */

export class Lobby {
  /**
   * @param {LocalMedia} media
   * @param {{room: string, name: string}} asked by the address; empty where it says nothing
   * @param {(wish: Wish) => Promise<void>} enter
   */
  constructor(media, asked, enter) {
    this._media = media;
    this._main = byId("lobby", HTMLElement);
    this._video = byId("preview-video", HTMLVideoElement);
    this._room = byId("room-input", HTMLInputElement);
    this._name = byId("name-input", HTMLInputElement);
    this._notice = byId("lobby-notice", HTMLParagraphElement);
    this._meter = new LevelMeter((level) => this._showLevel(level));
    this._room.value = asked.room || randomRoomName();
    this._name.value = asked.name || recall("name");
    byId("shuffle", HTMLButtonElement).addEventListener("click", () => {
      this._room.value = randomRoomName();
    });
    byId("preview-camera", HTMLButtonElement).addEventListener("click", () => void media.toggleCamera());
    byId("preview-microphone", HTMLButtonElement).addEventListener("click", () => void media.toggleMicrophone());
    byId("entry-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this._submit(enter);
    });
    media.on("changed", () => this._show());
    media.on("problem", (words) => this._explain(words));
    if (!window.isSecureContext) this._explain(INSECURE);
  }

  /** @returns {Wish} */
  get wish() {
    return { room: this._room.value.trim(), name: this._name.value.trim() };
  }

  /** @param {string} [notice] why we are here again */
  open(notice = "") {
    this._main.hidden = false;
    this.tell(notice);
    this._show();
  }

  /** @param {string} notice */
  tell(notice) {
    this._notice.textContent = notice;
    this._notice.hidden = notice === "";
  }

  close() {
    this._main.hidden = true;
    this._meter.stop();
    this._video.srcObject = null;
  }

  /** @param {(wish: Wish) => Promise<void>} enter */
  async _submit(enter) {
    const button = byId("join-button", HTMLButtonElement);
    remember("name", this.wish.name);
    button.disabled = true;
    button.textContent = "Joining…";
    try {
      await enter(this.wish);
    } finally {
      button.disabled = false;
      button.textContent = "Join the room";
    }
  }

  /** @param {string} words */
  _explain(words) {
    const note = byId("access-note", HTMLParagraphElement);
    note.textContent = words;
    note.hidden = false;
  }

  _show() {
    if (this._main.hidden) return;
    const camera = this._media.track("camera");
    this._video.hidden = !camera;
    byId("preview-empty", HTMLParagraphElement).hidden = Boolean(camera);
    this._video.srcObject = camera ? new MediaStream([camera]) : null;
    this._button("preview-camera", this._media.hasCamera, "camera");
    this._button("preview-microphone", this._media.isHeard, "microphone");
    if (this._media.hasCamera || this._media.hasMicrophone) byId("access-note", HTMLParagraphElement).hidden = true;
    this._meter.listenTo(this._media.track("microphone"));
    const words = this._media.isMuted ? "Microphone muted" : "Say something to test";
    byId("level-words", HTMLSpanElement).textContent = this._media.hasMicrophone ? words : "Microphone off";
  }

  /** @param {string} id @param {boolean} isOn @param {string} name */
  _button(id, isOn, name) {
    const button = byId(id, HTMLButtonElement);
    button.replaceChildren(icon(isOn ? name : `${name}-off`));
    button.classList.toggle("is-off", !isOn);
    button.setAttribute("aria-pressed", String(isOn));
  }

  /** @param {number} level */
  _showLevel(level) {
    const bars = byId("level-bars", HTMLDivElement);
    bars.style.setProperty("--level", level.toFixed(3));
    bars.setAttribute("aria-valuenow", String(Math.round(level * 100)));
  }
}
