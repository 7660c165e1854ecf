/** Asking for a room's password: it stays in this form, and leaves it for the library that makes a proof of it. */

import { byId } from "./dom.js";

export class PasswordDialog {
  constructor() {
    this._dialog = byId("password-dialog", HTMLDialogElement);
    this._input = byId("password-input", HTMLInputElement);
    this._button = byId("password-button", HTMLButtonElement);
    /** @type {(password: string) => void} */
    this._answer = () => {};
    byId("password-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this._setBusy(true);
      this._answer(this._input.value);
    });
    byId("password-cancel", HTMLButtonElement).addEventListener("click", () => this._dialog.close());
    this._dialog.addEventListener("close", () => {
      this._input.value = "";
      this._answer("");
    });
  }

  /**
   * The password, or an empty text when the person has changed their mind. Stays open until `close`, so that a wrong one
   * can be mended where it stands.
   *
   * @param {string} note what was wrong with the one before; empty: this is the first
   * @returns {Promise<string>}
   */
  ask(note) {
    const paragraph = byId("password-note", HTMLParagraphElement);
    paragraph.textContent = note;
    paragraph.hidden = note === "";
    this._input.setAttribute("aria-invalid", String(note !== ""));
    this._setBusy(false);
    if (!this._dialog.open) this._dialog.showModal();
    this._input.focus();
    this._input.select();
    return new Promise((resolve) => (this._answer = resolve));
  }

  close() {
    this._answer = () => {};
    if (this._dialog.open) this._dialog.close();
  }

  /** @param {boolean} isBusy */
  _setBusy(isBusy) {
    this._button.disabled = isBusy;
    this._button.textContent = isBusy ? "Looking…" : "Come in";
  }
}
