/** Asking nodes how far they are, once, before the first link: a few small requests to each. */

import { regionsUrl, signalingUrl } from "./address.js";
import { candidates, nearest } from "./nearest.js";

/** @typedef {import("./nearest.js").Answer} Answer */

/** To each node. The first request opens the connection, so it is the slowest. */
export const REQUESTS = 3;
/** Seconds until a request counts as failed; whoever needs longer is not near. */
export const TIMEOUT = 1;

/**
 * Where to look for a server that somebody has named; measured when there are several addresses, or when it is one of
 * many nodes. Throws TypeError for what is no address.
 *
 * @param {string | URL | (string | URL)[]} server
 * @param {boolean} [isOneOfMany]
 * @returns {Promise<import("./nearest.js").Addresses>}
 */
export async function addressesOf(server, isOneOfMany = false) {
  const urls = [...new Set([server].flat().map(signalingUrl))];
  if (urls.length === 0) throw new TypeError("no address of a server was given");
  return urls.length > 1 || isOneOfMany ? findNearest(urls) : { urls };
}

/**
 * The addresses of a server, the nearest first; when all nodes are in one region they stay in their order, but for
 * those that do not answer. Takes 4 s at the most.
 *
 * @param {string[]} urls as signalingUrl makes them
 * @param {() => number} [random] from 0 up to 1
 * @returns {Promise<import("./nearest.js").Addresses>}
 */
export async function findNearest(urls, random = Math.random) {
  const told = await Promise.all(urls.map(answerOf));
  /** @type {Map<string, Answer>} */
  const answers = new Map();
  for (const [index, answer] of told.entries()) if (answer) answers.set(urls[index], answer);
  const known = candidates(answers, random);
  if (new Set(known.map(({ region = "" }) => region)).size < 2) return { urls: [...new Set([...answers.keys(), ...urls])] };
  const measured = await Promise.all(known.map(async (node) => ({ node, rtts: await measure(node.url) })));
  const { nodes, regions } = nearest(measured, urls[0], random);
  return { urls: [...new Set([...nodes.map(({ url }) => url), ...urls])], regions };
}

/** Null when there is none in time, or it makes no sense. @param {string} url @returns {Promise<Answer | null>} */
async function answerOf(url) {
  try {
    const response = await fetch(regionsUrl(url), { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT * 1000) });
    const { region, node, nodes } = await response.json();
    if (!response.ok || typeof region !== "string" || typeof node !== "string" || !Array.isArray(nodes)) return null;
    return { region, node, nodes: nodes.filter((each) => typeof each === "object" && each) };
  } catch {
    return null;
  }
}

/** @param {string} url @returns {Promise<(number | null)[]>} */
async function measure(url) {
  const rtts = [];
  for (let request = 0; request < REQUESTS; request += 1) {
    const before = performance.now();
    const answer = await answerOf(url);
    rtts.push(answer && (performance.now() - before) / 1000);
    // Who does not answer is not near, and nobody waits for it three times.
    if (!answer) break;
  }
  return rtts;
}
