/** Where a server is: what people write, and what a WebSocket wants. */

const PATH = "/v1/ws";

/**
 * The WebSocket address of a server: `http(s)` and `ws(s)`, with or without `/v1/ws`; throws TypeError for anything else.
 *
 * @param {string | URL} address
 * @returns {string}
 */
export function signalingUrl(address) {
  const url = new URL(address, globalThis.location?.href);
  url.protocol = { "http:": "ws:", "https:": "wss:" }[url.protocol] ?? url.protocol;
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new TypeError(`a server's address begins with ws://, wss://, http:// or https://, not ${url.protocol}//`);
  }
  if (url.pathname === "/") url.pathname = PATH;
  url.hash = "";
  return url.href;
}

/**
 * What a link to an address dials that a server has named; empty when it is none. From where links are encrypted,
 * nobody is led to where they are not.
 *
 * @param {unknown} address
 * @param {string} current
 */
export function namedUrl(address, current) {
  // Nothing that a page would complete with its own address.
  if (typeof address !== "string" || !/^(ws|http)s?:\/\//i.test(address)) return "";
  try {
    const url = signalingUrl(address);
    return current.startsWith("wss:") && !url.startsWith("wss:") ? "" : url;
  } catch {
    return "";
  }
}

/**
 * Where the server of this WebSocket address tells of all nodes.
 *
 * @param {string} signaling as signalingUrl makes it
 * @returns {string}
 */
export function regionsUrl(signaling) {
  const url = new URL(signaling);
  url.protocol = url.protocol === "wss:" ? "https:" : "http:";
  const base = url.pathname.endsWith(PATH) ? url.pathname.slice(0, -PATH.length) : "";
  url.pathname = `${base}/v1/regions`;
  url.search = "";
  return url.href;
}
