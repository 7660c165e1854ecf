/** How the next link travels: by WebSocket, and where that is blocked by plain HTTP. Pure. */

/** @typedef {"websocket" | "sse" | "long-poll"} Transport */

/** @type {Transport[]} */
export const ORDER = ["websocket", "sse", "long-poll"];
/** What has not opened by then may never do: a proxy can swallow an upgrade, or keep a stream to itself. */
export const OPEN_TIMEOUT = 4;

/** What works from here, learnt once and kept for the session. */
export class Transports {
  constructor() {
    /** @type {Transport} */
    this.current = "websocket";
    this._hasWorked = false;
  }

  /** What one attempt to open a link goes through: all that is left, until one has worked. */
  get attempts() {
    return this._hasWorked ? [this.current] : ORDER.slice(ORDER.indexOf(this.current));
  }

  /** A link has opened. @param {Transport} transport */
  opened(transport) {
    this.current = transport;
    this._hasWorked = true;
  }
}

/**
 * Where the server of this WebSocket address has another of its paths, such as `/v1/sse`.
 *
 * @param {string} signaling as signalingUrl makes it
 * @param {string} path
 */
export function httpUrl(signaling, path) {
  const url = new URL(signaling);
  url.protocol = url.protocol === "wss:" ? "https:" : "http:";
  const base = url.pathname.endsWith("/v1/ws") ? url.pathname.slice(0, -"/v1/ws".length) : url.pathname;
  url.pathname = `${base}${path}`;
  url.search = "";
  return url.href;
}
