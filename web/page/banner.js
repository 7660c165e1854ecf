/** One line over the pictures that says what is being mended, since when, and that it is well again. */

import { byId } from "./dom.js";
import { wordsForHealing, wordsForLink } from "./words.js";

/** @typedef {import("../lib/room.js").Room} Room */

const LOOK_EVERY_MS = 1000;
const GOOD_NEWS_MS = 2000;

export class Banner {
  /** @param {Room} room @param {AbortSignal} signal ends it */
  constructor(room, signal) {
    this._room = room;
    this._line = byId("banner", HTMLElement);
    this._words = byId("banner-words", HTMLElement);
    this._time = byId("banner-time", HTMLElement);
    /** When the link to the server was lost, in seconds; null: it stands. @type {number | null} */
    this._linkLostAt = null;
    this._goodNewsUntil = 0;
    const look = () => this._look();
    const options = { signal };
    room.on("interrupted", () => ((this._linkLostAt ??= now()), look()), options);
    room.on("restored", () => this._well(this._linkLostAt === null ? "" : "The server is back"), options);
    room.on("peer-interrupted", look, options);
    room.on("peer-restored", ({ peer }) => this._well(`${peer.name || "Somebody"} is back`), options);
    room.on("peer-left", look, options);
    const timer = setInterval(look, LOOK_EVERY_MS);
    signal.addEventListener("abort", () => (clearInterval(timer), (this._line.hidden = true)));
    look();
  }

  /** @param {string} news */
  _well(news) {
    if (this._room.state === "open") this._linkLostAt = null;
    const trouble = this._trouble();
    if (!trouble && news !== "") {
      this._goodNewsUntil = now() + GOOD_NEWS_MS / 1000;
      this._say("well", news, "");
    }
    this._look();
  }

  _look() {
    const trouble = this._trouble();
    if (trouble) {
      this._goodNewsUntil = 0;
      this._say("trouble", trouble.words, `${Math.floor(trouble.seconds)} s`);
    } else if (now() >= this._goodNewsUntil) {
      this._line.hidden = true;
    }
  }

  /** Peers first: a call that stands still is worse than a server that is away. */
  _trouble() {
    const silent = this._room.roster.filter((peer) => peer.state === "reconnecting" && peer.healing !== null);
    if (silent.length > 0) {
      const seconds = Math.max(...silent.map((peer) => peer.healing?.since ?? 0));
      const names = silent.map((peer) => peer.name || "Somebody");
      const [{ healing, diagnosis }] = silent;
      return { seconds, words: wordsForHealing(names, healing?.doing ?? null, diagnosis?.sentence ?? "") };
    }
    if (this._linkLostAt === null || this._room.state !== "interrupted") return null;
    return { seconds: now() - this._linkLostAt, words: wordsForLink(this._room.roster.length) };
  }

  /** @param {"trouble" | "well"} kind @param {string} words @param {string} time */
  _say(kind, words, time) {
    this._line.hidden = false;
    this._line.dataset.kind = kind;
    // Set only when it changes, or a screen reader says it again. The seconds are for the eye alone.
    if (this._words.textContent !== words) this._words.textContent = words;
    this._time.textContent = time;
  }
}

const now = () => performance.now() / 1000;
