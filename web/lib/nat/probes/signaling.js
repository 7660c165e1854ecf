/** The page's own server over HTTP and WebSocket, and the STUN and TURN servers that it names. */

import { now } from "../../clock.js";
import { JSON_SUBPROTOCOL } from "../../protocol.js";

/** @typedef {Partial<import("../observations.js").SignalingAnswer>} SignalingAnswer */

const UNTOLD = "the server has not told them";

/**
 * @param {string} origin
 * @param {number} deadline as of `now()`
 * @returns {Promise<SignalingAnswer>}
 */
export async function signalingAnswer(origin, deadline) {
  const [http, websocket] = await Promise.all([info(origin, deadline), upgrade(origin, deadline)]);
  const trouble = http.trouble ?? (websocket === null ? "the upgrade has failed" : "");
  return { ...http, url: origin, websocket_rtt: websocket, trouble };
}

/** @param {string} origin @param {number} deadline @returns {Promise<SignalingAnswer>} */
async function info(origin, deadline) {
  const url = `${origin}/v1/info`;
  const began = now();
  try {
    const response = await ask(url, deadline);
    const answer = { http_rtt: measured(url) ?? now() - began, http_status: response.status };
    const { server } = await response.json().catch(() => ({}));
    if (server === "peerlane") return answer;
    const is_portal = response.type === "opaqueredirect" || /html/.test(response.headers.get("Content-Type") ?? "");
    const trouble = is_portal ? "something else answers" : `no Peerlane server (HTTP ${response.status})`;
    return { ...answer, is_portal, trouble };
  } catch {
    return { trouble: "the server cannot be reached" };
  }
}

/** Seconds from the request to its answer, without what the page was busy with; null: the browser does not tell. @param {string} url */
function measured(url) {
  const timings = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByName(url, "resource"));
  const { requestStart = 0, responseStart = 0 } = timings.at(-1) ?? {};
  return requestStart > 0 && responseStart > requestStart ? (responseStart - requestStart) / 1000 : null;
}

/** Seconds until a WebSocket is open; null: it does not open. @param {string} origin @param {number} deadline */
function upgrade(origin, deadline) {
  const began = now();
  const socket = new WebSocket(`${origin.replace(/^http/, "ws")}/v1/ws`, JSON_SUBPROTOCOL);
  return new Promise((/** @type {(rtt: number | null) => void} */ resolve) => {
    const timer = setTimeout(() => socket.close(), Math.max(0, deadline - now()) * 1000);
    socket.onopen = () => {
      resolve(now() - began);
      socket.close();
    };
    socket.onclose = () => {
      clearTimeout(timer);
      resolve(null);
    };
  });
}

/**
 * What the server tells its clients to use.
 *
 * @param {string} origin
 * @param {number} deadline
 * @returns {Promise<{ servers: RTCIceServer[], refused: boolean, trouble: string }>} `trouble`: why there are none
 */
export async function iceServers(origin, deadline) {
  try {
    // Of its own pages a server knows only those that post: a GET names no origin.
    const response = await ask(`${origin}/v1/ice-servers`, deadline, "POST");
    if (response.ok) return { ...read(await response.json()), refused: false };
    if (response.status === 429) {
      const after = response.headers.get("Retry-After");
      const again = after ? `try again in ${after} s` : "try again later";
      return { servers: [], refused: false, trouble: `the server tells them only so often: ${again}` };
    }
    const refused = response.status === 401 || response.status === 403;
    return { servers: [], refused, trouble: `the server does not tell them (error ${response.status})` };
  } catch {
    return { servers: [], refused: false, trouble: UNTOLD };
  }
}

/** @param {{ iceServers?: unknown }} body */
const read = ({ iceServers }) =>
  Array.isArray(iceServers) ? { servers: iceServers, trouble: "" } : { servers: [], trouble: UNTOLD };

/** @param {string} url @param {number} deadline @param {string} [method] */
function ask(url, deadline, method = "GET") {
  const signal = AbortSignal.timeout(Math.max(0, deadline - now()) * 1000);
  return fetch(url, { method, cache: "no-store", redirect: "manual", signal });
}
