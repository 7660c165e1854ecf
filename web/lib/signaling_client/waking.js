/** The moments at which a page should look whether its link still lives, and the one at which it goes for good. */

/**
 * @param {object} handlers
 * @param {() => void} handlers.woke the page is seen again, the network is back, or the device has slept
 * @param {() => void} handlers.leaving the page is being unloaded, not put aside
 * @param {AbortSignal} handlers.signal ends the watch
 */
export function watchWaking({ woke, leaving, signal }) {
  // Outside a page, in a worker or under Node, there is nothing to watch.
  if (typeof document === "undefined") return;
  const options = { signal };
  globalThis.addEventListener("online", woke, options);
  globalThis.addEventListener("pageshow", woke, options);
  document.addEventListener("resume", woke, options);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && woke(), options);
  globalThis.addEventListener(
    "pagehide",
    (event) => {
      if (!event.persisted) leaving();
    },
    options,
  );
}
