/** The dashboard: figures every two seconds, and events as they happen. */

import { byId } from "../page/dom.js";
import { Feed } from "./feed.js";
import { Rooms } from "./rooms.js";
import { View } from "./view.js";
import { refusal, sentence } from "./words.js";

/** @typedef {import("./rooms.js").FeedEvent} FeedEvent */

const EVERY = 2;
const PATIENCE = 10;
const ALOUD_EVERY = 10;
const KEPT_AS = "peerlane-admin-token";
/** While the list is paused; older ones are not shown any more. */
const MOST_HELD = 100;

class Board {
  /** @param {string} token */
  constructor(token) {
    this._token = token;
    this._rooms = new Rooms();
    this._view = new View();
    this._feed = new Feed(token, {
      heard: (events) => this._heard(events),
      changed: (isOpen) => tellLine(isOpen ? "" : "The server cannot be reached now. This page goes on by itself when it is back."),
      refused: ({ status }) => leave(refusal(status)),
    });
    /** @type {FeedEvent[]} */
    this._held = [];
    /** @type {FeedEvent[]} */
    this._unspoken = [];
    this._isPaused = false;
    this._isOver = false;
  }

  run() {
    void this._feed.run();
    void this._ask();
    this._speaking = setInterval(() => this._speak(), ALOUD_EVERY * 1000);
  }

  stop() {
    this._isOver = true;
    this._feed.stop();
    clearInterval(this._speaking);
  }

  /** @param {boolean} isPaused */
  pause(isPaused) {
    this._isPaused = isPaused;
    this._view.showEvents(this._held);
    this._held = [];
  }

  async _ask() {
    while (!this._isOver) {
      try {
        const told = await statistics(this._token);
        if (this._isOver) return;
        if (typeof told === "number") return leave(refusal(told));
        this._view.showStatistics(told);
      } catch {
        // The feed tells that the server is away, and comes back with it.
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY * 1000));
    }
  }

  /** @param {FeedEvent[]} events */
  _heard(events) {
    if (this._isOver) return;
    for (const event of events) {
      // Who leaves is named by id alone, and we have the name only until then.
      if (event.type === "member-left") event.member = this._rooms.byName.get(event.room ?? "")?.members.get(event.id ?? "");
      this._rooms.apply(event);
    }
    this._view.showRooms(this._rooms);
    const news = events.filter(({ type }) => type !== "room");
    this._unspoken = [...this._unspoken, ...news].slice(-MOST_HELD);
    if (this._isPaused) this._held = [...this._held, ...news].slice(-MOST_HELD);
    else this._view.showEvents(news);
  }

  _speak() {
    const { length } = this._unspoken;
    const last = this._unspoken.at(-1);
    this._unspoken = [];
    if (!last || !byId("aloud", HTMLInputElement).checked) return;
    byId("spoken", HTMLElement).textContent = length === 1 ? sentence(last) : `${length} events, the last one: ${sentence(last)}`;
  }
}

/** @type {Board | null} */
let board = null;

/**
 * The figures, or the status of an answer that will not get better by waiting.
 *
 * @param {string} token
 * @returns {Promise<import("./words.js").Statistics | number>}
 */
async function statistics(token) {
  const answer = await fetch("/v1/admin/stats", {
    headers: { Authorization: `Bearer ${token}` },
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE * 1000),
  });
  if (answer.ok) return answer.json();
  if ([401, 404, 429].includes(answer.status)) return answer.status;
  throw new Error(`${answer.status}`);
}

/** @param {string} token */
async function enter(token) {
  tellGate("");
  /** @type {number | object} */
  let told;
  try {
    // Headers are ASCII; what is not would be an error that nobody understands.
    told = /^[\x21-\x7e ]+$/.test(token) ? await statistics(token) : 401;
  } catch {
    return tellGate("The server does not answer. Is it running, and is this its address?");
  }
  if (typeof told === "number") return leave(refusal(told));
  sessionStorage.setItem(KEPT_AS, token);
  byId("gate", HTMLElement).hidden = true;
  byId("board", HTMLElement).hidden = false;
  byId("forget", HTMLElement).hidden = false;
  board?.stop();
  board = new Board(token);
  board.run();
}

/** @param {string} why */
function leave(why) {
  board?.stop();
  board = null;
  sessionStorage.removeItem(KEPT_AS);
  byId("board", HTMLElement).hidden = true;
  byId("forget", HTMLElement).hidden = true;
  byId("gate", HTMLElement).hidden = false;
  for (const id of ["events", "rooms", "nodes"]) byId(id, HTMLElement).replaceChildren();
  byId("token", HTMLInputElement).focus();
  tellGate(why);
}

/** @param {string} problem */
function tellGate(problem) {
  const note = byId("gate-problem", HTMLElement);
  note.textContent = problem;
  note.hidden = problem === "";
}

/** @param {string} problem */
function tellLine(problem) {
  const note = byId("line", HTMLElement);
  note.textContent = problem;
  note.hidden = problem === "";
}

byId("gate", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("token", HTMLInputElement);
  const token = field.value.trim();
  field.value = "";
  void enter(token);
});
byId("forget", HTMLButtonElement).addEventListener("click", () => leave(""));
const pause = byId("pause", HTMLButtonElement);
pause.addEventListener("click", () => {
  const isPaused = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", `${isPaused}`);
  board?.pause(isPaused);
});

const kept = sessionStorage.getItem(KEPT_AS);
if (kept) void enter(kept);
