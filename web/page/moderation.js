/** What this person may do to the room and to who is in it; and what anybody may know about who comes in. */

import { confirm } from "./confirm.js";
import { byId, element, toast } from "./dom.js";
import { wordsForDeed, wordsForKick, wordsForNews, wordsForRules } from "./words.js";

/** @typedef {import("../lib/room.js").Room} Room */
/** @typedef {import("../lib/remote_peer.js").RemotePeer} RemotePeer */
/** @typedef {import("./names.js").Names} Names */
/** @typedef {import("./roster.js").Deed} Deed */

/** Seconds. It holds for whoever has a token; others can come back as somebody new, unless the room is locked. */
const BAN = 600;

export class ModerationView {
  /**
   * @param {Room} room
   * @param {Names} names
   * @param {() => void} changed who may do what, or who waits
   * @param {AbortSignal} signal ends it
   */
  constructor(room, names, changed, signal) {
    this._room = room;
    this._names = names;
    this._changed = changed;
    this._known = room.settings;
    this._lock = byId("rule-lock", HTMLInputElement);
    this._lobby = byId("rule-lobby", HTMLInputElement);
    this._password = byId("rule-password", HTMLInputElement);
    const options = { signal };
    const { moderation } = room;
    this._lock.addEventListener(
      "change",
      () => void this._try(this._lock.checked ? moderation.lock() : moderation.unlock()),
      options,
    );
    this._lobby.addEventListener("change", () => void this._try(moderation.setLobby(this._lobby.checked)), options);
    byId("rule-password-form", HTMLFormElement).addEventListener("submit", (event) => this._setPassword(event), options);
    byId("rule-password-away", HTMLButtonElement).addEventListener(
      "click",
      () => void this._try(moderation.setPassword("")),
      options,
    );
    room.on("room-updated", () => this._updated(), options);
    room.on("permitted", () => this.show(), options);
    room.on("restored", () => this.show(), options);
    room.on("knocked", (peer) => (this.show(), toast(`${peer.name || "Somebody"} waits to be let in`)), options);
    room.on("knock-ended", ({ id }) => (this._names.forget(`knock ${id}`), this.show()), options);
    signal.addEventListener("abort", () => {
      this._password.value = "";
      // A question about a call that is over.
      byId("confirm-dialog", HTMLDialogElement).close();
    });
    this.show();
  }

  /** How many wait for an answer of this person. */
  get waiting() {
    return this._room.may("lobby") ? this._room.waiting.size : 0;
  }

  /** @param {string} id */
  isOwner(id) {
    return this._room.settings?.owner === id;
  }

  /** What this person may do about somebody. @param {RemotePeer} peer @returns {Deed[]} */
  deedsFor(peer) {
    const name = this._names.of(peer);
    /** @type {Deed[]} */
    const deeds = [];
    if (this.isOwner(this._room.me)) {
      const act = () => void this._handOver(peer);
      deeds.push({ id: "hand-over", icon: "owner", label: `Make ${name} the owner`, act });
    }
    if (this._room.may("kick")) {
      deeds.push({ id: "kick", icon: "close", label: `Throw ${name} out`, act: () => void this._kick(peer) });
    }
    return deeds;
  }

  show() {
    const { settings } = this._room;
    byId("rules-words", HTMLElement).textContent = settings ? wordsForRules(settings) : "";
    byId("rules-controls", HTMLElement).hidden = !this._room.may("lock");
    this._lock.checked = settings?.locked ?? false;
    this._lobby.checked = settings?.has_lobby ?? false;
    byId("rule-password-words", HTMLElement).textContent = settings?.has_password ? "Another password" : "A password";
    byId("rule-password-away", HTMLElement).hidden = !settings?.has_password;
    this._showKnocks();
    this._changed();
  }

  _updated() {
    const { settings } = this._room;
    const news = settings && this._known ? wordsForNews(this._known, settings, this._room.me) : "";
    this._known = settings;
    this.show();
    if (news) toast(news);
  }

  _showKnocks() {
    const list = byId("knocks-list", HTMLUListElement);
    const waiting = this.waiting > 0 ? [...this._room.waiting.values()] : [];
    byId("knocks", HTMLElement).hidden = waiting.length === 0;
    for (const line of [...list.children]) {
      if (!waiting.some(({ id }) => id === line.getAttribute("data-peer"))) line.remove();
    }
    for (const peer of waiting) {
      if ([...list.children].some((line) => line.getAttribute("data-peer") === peer.id)) continue;
      // Whoever waits may be called as somebody who is in already.
      const name = this._names.of({ id: `knock ${peer.id}`, name: peer.name });
      list.append(this._knock(peer.id, name));
    }
  }

  /** @param {string} id @param {string} name */
  _knock(id, name) {
    const { moderation } = this._room;
    const admit = element("button", { class: "soft", type: "button", "data-testid": "admit", "aria-label": `Let in ${name}` }, "Let in");
    const refuse = element("button", { class: "soft", type: "button", "data-testid": "turn-away", "aria-label": `Turn away ${name}` }, "Turn away");
    admit.addEventListener("click", () => void this._try(moderation.admit(id)));
    refuse.addEventListener("click", () => void this._try(moderation.turnAway(id)));
    return element("li", { "data-peer": id }, element("span", { class: "who", dir: "auto" }, name), admit, refuse);
  }

  /** @param {SubmitEvent} event */
  _setPassword(event) {
    event.preventDefault();
    const password = this._password.value;
    this._password.value = "";
    if (password) void this._try(this._room.moderation.setPassword(password));
  }

  /** @param {RemotePeer} peer */
  async _kick(peer) {
    const name = this._names.of(peer);
    const answer = await confirm({
      title: `Throw ${name} out?`,
      words: wordsForKick(this._room.settings),
      yes: "Throw out",
      also: this._room.may("lock") && !this._room.settings?.locked ? "Lock the room, too, so that they stay out" : "",
    });
    if (!answer) return;
    if (answer.also) await this._try(this._room.moderation.lock());
    await this._try(this._room.moderation.kick(peer.id, { ban: BAN }));
  }

  /** @param {RemotePeer} peer */
  async _handOver(peer) {
    const name = this._names.of(peer);
    const words = `From then on it is ${name} who decides who may come in and who has to go.`;
    const answer = await confirm({ title: `Make ${name} the owner?`, words, yes: "Hand over" });
    if (answer) await this._try(this._room.moderation.handOver(peer.id));
  }

  /** What did not work is told, and the controls show again what holds. @param {Promise<void>} deed */
  async _try(deed) {
    try {
      await deed;
    } catch (error) {
      if (this._room.state === "closed") return;
      toast(wordsForDeed(error));
      this.show();
    }
  }
}
