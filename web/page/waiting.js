/** In front of the door: waiting until somebody in the room lets us in. */

import { byId } from "./dom.js";

export class WaitingView {
  constructor() {
    this._view = byId("waiting", HTMLElement);
    this._form = byId("entry-form", HTMLFormElement);
    /** @type {() => void} */
    this._leave = () => {};
    byId("waiting-leave", HTMLButtonElement).addEventListener("click", () => this._leave());
  }

  /** @param {string} room @param {() => void} leave */
  show(room, leave) {
    this._leave = leave;
    byId("waiting-room", HTMLElement).textContent = room;
    this._form.hidden = true;
    this._view.hidden = false;
    // Heard by those who cannot see that the form has gone.
    byId("waiting-title", HTMLElement).focus();
  }

  hide() {
    this._view.hidden = true;
    this._form.hidden = false;
  }
}
