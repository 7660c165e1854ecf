/** The list of people. Lines are kept, so that a button in one keeps the focus while others change. */

import { element, icon } from "./dom.js";

/**
 * Something that can be done about somebody.
 *
 * @typedef {object} Deed
 * @property {string} id of the button, for tests
 * @property {string} icon
 * @property {string} label the whole sentence: the button shows no words
 * @property {() => void} act
 */

/** @typedef {{id: string, name: string, state: string, words: string, deeds?: Deed[]}} Line */

export class Roster {
  /** @param {HTMLElement} list */
  constructor(list) {
    this._list = list;
    this._list.replaceChildren();
    /** @type {Map<string, HTMLLIElement>} */
    this._lines = new Map();
  }

  /** @param {Line[]} lines in their order */
  show(lines) {
    const here = new Set(lines.map(({ id }) => id));
    for (const [id, line] of this._lines) {
      if (here.has(id)) continue;
      line.remove();
      this._lines.delete(id);
    }
    lines.forEach((line, index) => {
      const shown = this._lines.get(line.id) ?? this._add(line.id);
      if (this._list.children[index] !== shown) this._list.insertBefore(shown, this._list.children[index] ?? null);
      this._write(shown, line);
    });
  }

  /** @param {string} id */
  _add(id) {
    const line = element(
      "li",
      { "data-peer": id },
      element("span", { class: "dot", "aria-hidden": "true" }),
      element("span", { class: "who", dir: "auto" }),
      element("span", { class: "state" }),
      element("span", { class: "deeds" }),
    );
    this._lines.set(id, line);
    return line;
  }

  /** @param {HTMLLIElement} shown @param {Line} line */
  _write(shown, { name, state, words, deeds = [] }) {
    const [, who, how, buttons] = shown.children;
    shown.dataset.state = state;
    if (who.textContent !== name) who.textContent = name;
    if (how.textContent !== words) how.textContent = words;
    const isSame = buttons.childElementCount === deeds.length && deeds.every(({ id, label }, index) => {
      const button = buttons.children[index];
      return button.getAttribute("data-testid") === id && button.getAttribute("aria-label") === label;
    });
    if (!isSame) buttons.replaceChildren(...deeds.map(buttonFor));
  }
}

/** @param {Deed} deed */
function buttonFor({ id, icon: picture, label, act }) {
  const button = element("button", { class: "plain", type: "button", "data-testid": id, "aria-label": label, title: label });
  button.append(icon(picture));
  button.addEventListener("click", act);
  return button;
}
