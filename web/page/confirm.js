/** One question before something that cannot be undone. */

import { byId } from "./dom.js";

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} words what will happen
 * @property {string} yes what the button says that does it
 * @property {string} [also] something that can be done besides
 */

/**
 * Null: no. Otherwise whether the other thing is wished, too.
 *
 * @param {Question} question
 * @returns {Promise<{also: boolean} | null>}
 */
export function confirm({ title, words, yes, also = "" }) {
  const dialog = byId("confirm-dialog", HTMLDialogElement);
  const box = byId("confirm-also", HTMLInputElement);
  byId("confirm-title", HTMLElement).textContent = title;
  byId("confirm-words", HTMLElement).textContent = words;
  byId("confirm-yes", HTMLButtonElement).textContent = yes;
  byId("confirm-option", HTMLLabelElement).hidden = also === "";
  byId("confirm-also-words", HTMLSpanElement).textContent = also;
  box.checked = false;
  dialog.returnValue = "";
  dialog.showModal();
  // Whoever presses Enter without reading has done nothing.
  byId("confirm-no", HTMLButtonElement).focus();
  return new Promise((resolve) => {
    const answer = () => resolve(dialog.returnValue === "yes" ? { also: also !== "" && box.checked } : null);
    dialog.addEventListener("close", answer, { once: true });
  });
}
