/** Which of several nodes to use, by what was measured: the nearest region, and in it by weight. Pure. */

import { namedUrl } from "./address.js";

/** @typedef {import("../protocol.js").NodeAddress} NodeAddress */

/**
 * Where to look for the server.
 *
 * @typedef {object} Addresses
 * @property {string[]} urls those that the application knows, the one to try first at the front; at least one
 * @property {string[]} [regions] as far as they were measured, the nearest first
 */

/**
 * A node, and how long it took to answer: seconds, one for each request; null: no answer.
 *
 * @typedef {{node: NodeAddress, rtts: (number | null)[]}} Measured
 */

/** Seconds by which another region must be nearer before it is preferred to where one is: less is chance. */
export const LEAST_GAIN = 0.01;
/** Of a list; more are not looked at. */
export const MAX_NODES = 256;
/** One may be down, and one is as far as the other. */
export const MEASURED_PER_REGION = 2;
export const MAX_MEASURED = 16;

/** What `/v1/regions` of one node says. @typedef {{region: string, node: string, nodes: NodeAddress[]}} Answer */

/**
 * Which nodes to measure, by what those at the known addresses say: these, and a few of each region by weight, each
 * once, and none that leaves. Their urls are what a link dials, as the keys are.
 *
 * @param {Map<string, Answer>} answers
 * @param {() => number} random from 0 up to 1
 * @returns {NodeAddress[]}
 */
export function candidates(answers, random) {
  /** @type {Map<string, NodeAddress>} */
  const known = new Map();
  /** @type {Map<string, number>} */
  const counts = new Map();
  const count = (/** @type {string} */ region) => counts.get(region) ?? 0;
  const leaving = new Set();
  /** @param {string} url @param {NodeAddress} node */
  const take = (url, node) => {
    known.set(url, { ...node, url });
    counts.set(regionOf(node), count(regionOf(node)) + 1);
  };
  for (const [url, { region, node }] of answers) take(url, { url, region, id: node });
  for (const [url, { nodes }] of answers) {
    for (const node of byWeight(nodes.slice(0, MAX_NODES), random)) {
      const named = namedUrl(node.url, url);
      if (node.draining) leaving.add(named).add(node.id ?? "");
      else if (named && !known.has(named) && count(regionOf(node)) < MEASURED_PER_REGION) take(named, node);
    }
  }
  leaving.delete("");
  return [...known.values()].filter(({ url, id }) => !leaving.has(url) && !leaving.has(id)).slice(0, MAX_MEASURED);
}

/**
 * The nodes, the best first, and the regions that answered, the nearest first.
 *
 * @param {Measured[]} measured
 * @param {string} current the url of the node that one is at, or would use: it stays at the front unless another
 *   region is nearer by LEAST_GAIN. Nodes that leave are left out; those that do not answer are last
 * @param {() => number} random from 0 up to 1
 * @returns {{nodes: NodeAddress[], regions: string[]}}
 */
export function nearest(measured, current, random) {
  const usable = measured.filter(({ node }) => !node.draining).map(({ node, rtts }) => ({ node, rtt: median(rtts) }));
  /** @type {Map<string, number>} */
  const rtts = new Map();
  for (const { node, rtt } of usable) rtts.set(regionOf(node), Math.min(rtts.get(regionOf(node)) ?? Infinity, rtt));
  const at = usable.find(({ node, rtt }) => node.url === current && rtt < Infinity);
  if (at) rtts.set(regionOf(at.node), (rtts.get(regionOf(at.node)) ?? 0) - LEAST_GAIN);
  // Sorting keeps the order of what is equal: that in which they were named.
  const answered = [...rtts].filter(([, rtt]) => rtt < Infinity).sort(([, one], [, other]) => one - other);
  const regions = answered.map(([region]) => region);
  const place = new Map(byWeight(usable.map(({ node }) => node), random).map((node, index) => [node.url, index]));
  /** @param {{node: NodeAddress, rtt: number}} each */
  const goodness = ({ node, rtt }) => {
    const rank = regions.indexOf(regionOf(node));
    return [Number(rtt === Infinity), rank < 0 ? regions.length : rank, Number(node.url !== current), place.get(node.url) ?? 0];
  };
  return { nodes: usable.sort((one, other) => compared(goodness(one), goodness(other))).map(({ node }) => node), regions };
}

/**
 * In an order of chance, in which a node with twice the weight is twice as often the first: each draws an
 * exponentially distributed number (Efraimidis and Spirakis 2006).
 *
 * @param {NodeAddress[]} nodes
 * @param {() => number} random from 0 up to 1
 * @returns {NodeAddress[]}
 */
export function byWeight(nodes, random) {
  const drawn = nodes.map((node) => ({ node, drawn: -Math.log(1 - random()) / weightOf(node) }));
  return drawn.sort((one, other) => one.drawn - other.drawn).map(({ node }) => node);
}

/** @param {NodeAddress} node */
const regionOf = (node) => node.region ?? "";

/** What a server may have got wrong, even in type: without a good weight a node is used when there is no other. @param {NodeAddress} node */
function weightOf({ weight = 1 }) {
  return weight > 0 && weight < Infinity ? weight : 1e-9;
}

/** Infinity when most requests failed. @param {(number | null)[]} rtts */
function median(rtts) {
  const sorted = rtts.map((rtt) => rtt ?? Infinity).sort((one, other) => (one < other ? -1 : Number(one > other)));
  const half = sorted.length >> 1;
  if (sorted.length === 0) return Infinity;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** @param {number[]} one @param {number[]} other */
function compared(one, other) {
  const index = one.findIndex((each, at) => each !== other[at]);
  return index < 0 ? 0 : one[index] - other[index];
}
