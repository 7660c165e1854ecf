/** Keys that do what the buttons do, and the list of them. */

import { byId, element } from "./dom.js";

/** @typedef {{key: string, words: string, act: () => void}} Shortcut */

/** @param {EventTarget | null} target */
const isTyping = (target) => target instanceof HTMLInputElement || target instanceof HTMLSelectElement;

/**
 * @param {Shortcut[]} shortcuts
 * @param {AbortSignal} signal ends them
 */
export function listenForShortcuts(shortcuts, signal) {
  byId("keys-list", HTMLDListElement).replaceChildren(
    ...shortcuts.flatMap(({ key, words }) => [element("dt", {}, key), element("dd", {}, words)]),
  );
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      const shortcut = shortcuts.find(({ key }) => key === event.key.toUpperCase());
      if (!shortcut) return;
      event.preventDefault();
      shortcut.act();
    },
    { signal },
  );
}
