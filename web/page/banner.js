/** One line above the call that says what is being mended, and for two seconds that it is well again. */

import { byId } from "./dom.js";
import { troubleOf, wordsForReturn } from "./trouble.js";

/** @typedef {import("../lib/room.js").Room} Room */

const LOOK_EVERY_MS = 500;
const GOOD_NEWS_MS = 2000;

export class Banner {
  /** @param {Room} room @param {import("./names.js").Names} names @param {AbortSignal} signal ends it */
  constructor(room, names, signal) {
    this._room = room;
    this._names = names;
    this._line = byId("banner", HTMLElement);
    this._ears = byId("banner-said", HTMLElement);
    this._said = "";
    /** When the server is tried again. */
    this._retryAt = 0;
    /** Who is back, and until when that is news. @type {Map<string, number>} */
    this._back = new Map();
    const look = () => this._look();
    const options = { signal };
    room.on("interrupted", ({ retryIn }) => ((this._retryAt = now() + retryIn * 1000), look()), options);
    room.on("restored", () => this._returned("The server"), options);
    room.on("peer-interrupted", look, options);
    room.on("peer-restored", ({ peer }) => this._returned(names.of(peer)), options);
    room.on("peer-left", look, options);
    const timer = setInterval(look, LOOK_EVERY_MS);
    signal.addEventListener("abort", () => (clearInterval(timer), this._hide()));
    look();
  }

  /** @param {string} name */
  _returned(name) {
    this._back.set(name, now() + GOOD_NEWS_MS);
    setTimeout(() => this._look(), GOOD_NEWS_MS);
    this._look();
  }

  _look() {
    const { state, roster } = this._room;
    if (state === "closed") return;
    for (const [name, until] of this._back) if (until <= now()) this._back.delete(name);
    const apart = roster
      .filter((peer) => peer.state === "reconnecting" || peer.state === "connecting")
      .map((peer) => ({ name: this._names.of(peer), healing: peer.healing, diagnosis: peer.diagnosis }));
    const link = state === "interrupted" ? { retryIn: (this._retryAt - now()) / 1000 } : null;
    const trouble = troubleOf(apart, link, roster.length);
    if (trouble) {
      this._show("trouble", trouble.shown, trouble.said, trouble.key);
    } else if (this._back.size > 0) {
      const words = wordsForReturn([...this._back.keys()]);
      this._show("well", words, words, words);
    } else {
      this._hide();
    }
  }

  /** @param {"trouble" | "well"} kind @param {string} shown @param {string} said @param {string} key */
  _show(kind, shown, said, key) {
    this._line.hidden = false;
    this._line.dataset.kind = kind;
    if (this._line.textContent !== shown) this._line.textContent = shown;
    if (this._said === key) return;
    this._said = key;
    this._ears.textContent = said;
  }

  _hide() {
    this._line.hidden = true;
    this._said = this._line.textContent = this._ears.textContent = "";
  }
}

const now = () => performance.now();
