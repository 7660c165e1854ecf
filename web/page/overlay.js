/** The table of connections: how each one goes, and how well. Key S. */

import { byId, element } from "./dom.js";
import { COLUMNS, figures, wordsForPeer } from "./words.js";

/** @typedef {import("../lib/room.js").Room} Room */
/** @typedef {import("../lib/remote_peer.js").RemotePeer} RemotePeer */

const LOOK_EVERY_MS = 1000;

export class Overlay {
  /** @param {() => void} changed it was opened or closed */
  constructor(changed) {
    this._changed = changed;
    this._panel = byId("connections", HTMLElement);
    this._rows = byId("connections-rows", HTMLTableSectionElement);
    /** @type {Room | null} */
    this._room = null;
    /** @type {import("./names.js").Names | null} */
    this._names = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._timer = undefined;
    byId("connections-head", HTMLTableRowElement).append(
      ...["Who", ...COLUMNS].map((words) => element("th", { scope: "col", role: "columnheader" }, words)),
    );
    byId("connections-close", HTMLButtonElement).addEventListener("click", () => this.close());
    this._panel.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  get isOpen() {
    return !this._panel.hidden;
  }

  /** @param {Room | null} room null: the call is over @param {import("./names.js").Names | null} [names] */
  enter(room, names = null) {
    this._room = room;
    this._names = names;
    if (!room) this.close();
  }

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  }

  open() {
    if (this.isOpen) return;
    this._panel.hidden = false;
    this._timer = setInterval(() => void this._show(), LOOK_EVERY_MS);
    void this._show();
    this._changed();
  }

  close() {
    const hadFocus = this._panel.contains(document.activeElement);
    clearInterval(this._timer);
    this._panel.hidden = true;
    // On a phone only the list of people leads here.
    const openers = ["connections-toggle", "people-toggle"].map((id) => byId(id, HTMLButtonElement));
    if (hadFocus) openers.find((each) => each.checkVisibility())?.focus();
    this._changed();
  }

  async _show() {
    const peers = this._room?.roster ?? [];
    const lines = await Promise.all(peers.map(async (peer) => ({ peer, texts: [this._names?.of(peer) ?? "", ...(await textsOf(peer))] })));
    byId("connections-empty", HTMLElement).hidden = lines.length > 0;
    byId("connections-table", HTMLTableElement).hidden = lines.length === 0;
    for (const row of [...this._rows.rows]) if (!peers.some(({ id }) => id === row.dataset.peer)) row.remove();
    for (const { peer, texts } of lines) this._write(peer, texts);
  }

  /** Cells are kept, so that what is being read or selected stays. @param {RemotePeer} peer @param {string[]} texts */
  _write({ id }, texts) {
    let row = [...this._rows.rows].find((each) => each.dataset.peer === id);
    if (!row) {
      const cells = COLUMNS.map((words) => element("td", { role: "cell", "data-label": words }));
      const name = element("th", { scope: "row", role: "rowheader" });
      row = element("tr", { role: "row", "data-peer": id }, name, ...cells);
      this._rows.append(row);
    }
    [...row.cells].forEach((cell, index) => {
      if (cell.textContent !== texts[index]) cell.textContent = texts[index];
    });
  }
}

/** @param {RemotePeer} peer @returns {Promise<string[]>} */
async function textsOf(peer) {
  const statistics = await peer.statistics();
  const state = wordsForPeer(peer);
  const why = peer.diagnosis?.sentence;
  return [why ? `${state}. ${why}` : state, ...figures(statistics)];
}
