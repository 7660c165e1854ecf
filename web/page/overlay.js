/** The table of connections: how each one goes, and how well. Key S. */

import { byId, element } from "./dom.js";
import { figures, wordsForPeer } from "./words.js";

/** @typedef {import("../lib/room.js").Room} Room */

const LOOK_EVERY_MS = 1000;

export class Overlay {
  /** @param {() => void} changed it was opened or closed */
  constructor(changed) {
    this._changed = changed;
    this._panel = byId("connections", HTMLElement);
    /** @type {Room | null} */
    this._room = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._timer = undefined;
    byId("connections-close", HTMLButtonElement).addEventListener("click", () => this.close());
    this._panel.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  get isOpen() {
    return !this._panel.hidden;
  }

  /** @param {Room | null} room null: the call is over */
  enter(room) {
    this._room = room;
    if (!room) this.close();
  }

  toggle() {
    if (this.isOpen) this.close();
    else this._open();
  }

  close() {
    const hadFocus = this._panel.contains(document.activeElement);
    clearInterval(this._timer);
    this._panel.hidden = true;
    if (hadFocus) byId("connections-toggle", HTMLButtonElement).focus();
    this._changed();
  }

  _open() {
    this._panel.hidden = false;
    this._timer = setInterval(() => void this._show(), LOOK_EVERY_MS);
    void this._show();
    this._changed();
  }

  async _show() {
    const peers = this._room?.roster ?? [];
    const rows = await Promise.all(
      peers.map(async (peer) => {
        const cells = figures(await peer.statistics()).map((text) => element("td", {}, text));
        const name = element("th", { scope: "row" }, peer.name || "Somebody");
        return element("tr", { "data-peer": peer.id }, name, element("td", {}, wordsForPeer(peer)), ...cells);
      }),
    );
    byId("connections-empty", HTMLElement).hidden = rows.length > 0;
    byId("connections-rows", HTMLTableSectionElement).replaceChildren(...rows);
  }
}
