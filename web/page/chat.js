/** The chat: one reliable channel to each peer, browser or program; what is said goes to those who are here. */

import { RELIABLE } from "../lib/channels/kinds.js";
import { element } from "./dom.js";

/** @typedef {import("../lib/remote_peer.js").RemotePeer} RemotePeer */

const LABEL = "chat";
const MAX_SHOWN_MESSAGES = 500;

export class Chat {
  /**
   * @param {HTMLElement} log
   * @param {HTMLFormElement} form
   * @param {HTMLInputElement} input
   * @param {(from: string, text: string) => void} arrived
   */
  constructor(log, form, input, arrived) {
    this._log = log;
    this._arrived = arrived;
    /** @type {Map<string, import("../lib/channels/channel.js").Channel>} */
    this._channels = new Map();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (!text) return;
      input.value = "";
      this.say(text);
    });
  }

  /** @param {RemotePeer} peer @param {() => string} nameOf what it is called here */
  add(peer, nameOf) {
    const channel = peer.open(LABEL, RELIABLE);
    this._channels.set(peer.id, channel);
    channel.on("message", (message) => this._received(nameOf(), message));
  }

  /** @param {RemotePeer} peer */
  remove(peer) {
    this._channels.delete(peer.id);
  }

  clear() {
    this._channels.clear();
    this._log.replaceChildren();
  }

  /** @param {string} text */
  say(text) {
    for (const channel of this._channels.values()) {
      // Whoever leaves before it arrives does not need it any more.
      channel.send(JSON.stringify({ text })).catch(() => {});
    }
    this._show("You", text, true);
  }

  /** @param {string} name @param {string | Uint8Array} message */
  _received(name, message) {
    let text;
    try {
      text = typeof message === "string" ? JSON.parse(message)?.text : undefined;
    } catch {
      return;
    }
    if (typeof text !== "string") return;
    this._show(name, text, false);
    this._arrived(name, text);
  }

  /** @param {string} who @param {string} text @param {boolean} isMine */
  _show(who, text, isMine) {
    const isAtEnd = this._log.scrollHeight - this._log.scrollTop - this._log.clientHeight < 80;
    this._log.append(
      element("li", isMine ? { class: "mine" } : {}, element("b", { dir: "auto" }, who), element("span", { dir: "auto" }, text)),
    );
    while (this._log.childElementCount > MAX_SHOWN_MESSAGES) this._log.firstElementChild?.remove();
    if (isAtEnd || isMine) this._log.scrollTop = this._log.scrollHeight;
  }
}
