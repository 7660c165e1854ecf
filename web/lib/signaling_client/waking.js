/** The moments at which a page should look whether its link still lives, and the one at which it goes for good. */

/** Of the NetworkInformation API, which not every browser has. @typedef {EventTarget & {type?: string}} NetworkInformation */

/**
 * @param {object} handlers
 * @param {() => void} handlers.woke the page is seen again, or the device has slept
 * @param {(isPathGone: boolean) => void} handlers.networkChanged the device is online again, or on another
 *   network: what was open is gone; or the browser has only noticed that something has changed
 * @param {() => void} handlers.leaving the page is being unloaded, not put aside
 * @param {AbortSignal} handlers.signal ends the watch
 */
export function watchWaking({ woke, networkChanged, leaving, signal }) {
  // Outside a page, in a worker or under Node, there is nothing to watch.
  if (typeof document === "undefined") return;
  const options = { signal };
  globalThis.addEventListener("online", () => networkChanged(true), options);
  watchNetwork(networkChanged, options);
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

/** @param {(isPathGone: boolean) => void} networkChanged @param {{signal: AbortSignal}} options */
function watchNetwork(networkChanged, options) {
  const network = /** @type {Navigator & {connection?: NetworkInformation}} */ (navigator).connection;
  if (!network) return;
  let { type } = network;
  const changed = () => {
    // It also fires whenever the estimated speed changes, which is no reason to leave a path that works.
    const isPathGone = network.type !== type && network.type !== "none";
    ({ type } = network);
    networkChanged(isPathGone);
  };
  network.addEventListener("change", changed, options);
}
