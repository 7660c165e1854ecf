/** The panel beside the call, with chat and people in it. */

import { byId } from "./dom.js";

/** @typedef {"chat" | "people"} Tab */
const TABS = /** @type {const} */ (["chat", "people"]);

export class Panel {
  /** @param {() => void} changed */
  constructor(changed) {
    this._changed = changed;
    this._panel = byId("panel", HTMLElement);
    /** @type {Tab} */
    this._tab = "chat";
    for (const tab of TABS) {
      const button = byId(`tab-${tab}`, HTMLButtonElement);
      button.addEventListener("click", () => this.open(tab));
      button.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        const other = tab === "chat" ? "people" : "chat";
        this.open(other);
        byId(`tab-${other}`, HTMLButtonElement).focus();
      });
    }
    byId("panel-close", HTMLButtonElement).addEventListener("click", () => this.close());
    this._panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** @param {Tab} tab */
  isOpen(tab) {
    return !this._panel.hidden && this._tab === tab;
  }

  /** @param {Tab} tab */
  toggle(tab) {
    if (this.isOpen(tab)) this.close();
    else this.open(tab);
  }

  /** @param {Tab} tab */
  open(tab) {
    this._tab = tab;
    this._panel.hidden = false;
    for (const each of TABS) {
      const isChosen = each === tab;
      const button = byId(`tab-${each}`, HTMLButtonElement);
      button.setAttribute("aria-selected", String(isChosen));
      button.tabIndex = isChosen ? 0 : -1;
      byId(`panel-${each}`, HTMLElement).hidden = !isChosen;
    }
    if (tab === "chat") byId("chat-input", HTMLInputElement).focus();
    this._changed();
  }

  close() {
    const hadFocus = this._panel.contains(document.activeElement);
    this._panel.hidden = true;
    if (hadFocus) byId(`${this._tab}-toggle`, HTMLButtonElement).focus();
    this._changed();
  }
}
