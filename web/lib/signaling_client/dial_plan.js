/**
 * Where the next link goes, and when: from node to node, until one says welcome. Pure.
 *
 * A tour begins when a link is lost. It goes to the address of before, then to the other nodes, and round
 * again; a node that says that it leaves comes last. Every node sees the same back-off as if it were the
 * only one: the waits grow with each round, not with each attempt.
 */

import { afterAdvice, believed } from "../backoff.js";
import { namedUrl } from "./address.js";
import { byWeight, MAX_NODES } from "./nearest.js";

/** @typedef {import("../protocol.js").NodeAddress} NodeAddress */

/** A link that has no welcome by then is given up; a captive portal can leave one hanging for minutes. */
export const CONNECT_TIMEOUT = 10;
/** The same in the first round, where there is another node to go to. It doubles with each round. */
export const IMPATIENCE = 3;

export class DialPlan {
  /**
   * @param {import("./nearest.js").Addresses} addresses
   * @param {() => number} random from 0 up to 1
   */
  constructor({ urls, regions = [] }, random) {
    /** Where the link is, or goes next. */
    this.url = urls[0];
    this._given = urls;
    this._regions = regions;
    this._random = random;
    this._node = "";
    this._region = "";
    /** @type {NodeAddress[]} */
    this._nodes = [];
    /** Empty while there is a link. @type {string[]} */
    this._tour = [];
    this._place = 0;
    this._failures = 0;
    this._hasReturned = false;
    /** What each address has asked for, in this tour. @type {Map<string, number>} */
    this._notBefore = new Map();
  }

  /** How long the attempt that begins may take. */
  get patience() {
    const count = this._tour.length || this._given.length;
    if (count === 1) return CONNECT_TIMEOUT;
    const rounds = Math.floor(Math.max(0, this._failures - 1) / count);
    return Math.min(CONNECT_TIMEOUT, IMPATIENCE * 2 ** rounds);
  }

  /** There is a link again. @param {import("../protocol.js").Welcome} welcome */
  welcomed({ node = "", region = "", nodes = [] }) {
    this._node = node;
    this._region = region;
    this.told(nodes);
    this._tour = [];
    this._place = 0;
    this._failures = 0;
    this._hasReturned = false;
    this._notBefore.clear();
  }

  /** There are these nodes now. @param {unknown} nodes which a server may have got wrong, even in type */
  told(nodes) {
    this._nodes = Array.isArray(nodes) ? nodes.slice(0, MAX_NODES).filter((node) => typeof node === "object" && node) : [];
  }

  /** Something has changed here, so that what failed says little: all begins anew. */
  hurry() {
    this._failures = 0;
    if (this._tour.length === 0) return;
    this.url = this._tour[0];
    this._place = 1;
  }

  /**
   * A link has opened: whether to leave it for the front of the tour, which is `url` then.
   *
   * When nobody could be reached for a whole round it was our own network that was away. The first that answers now
   * is so by chance, and may be far; it is come back to, should the front still be lost.
   */
  returns() {
    if (this._hasReturned || this._failures <= this._tour.length || this.url === this._tour[0]) return false;
    this._hasReturned = true;
    this._place -= 1;
    this.url = this._tour[0];
    return true;
  }

  /**
   * A link has ended, or none came about: how many seconds to wait before going to `url`.
   *
   * @param {number} now
   * @param {number} after what the server has said: for this client when it leaves, for its own address otherwise
   * @param {{wasOpen: boolean, isLeaving: boolean}} how
   */
  lost(now, after, { wasOpen, isLeaving }) {
    this._notBefore.set(this.url, now + believed(after));
    if (this._tour.length === 0) {
      const others = this._others();
      this._tour = isLeaving ? [...others, this.url] : [this.url, ...others];
      this._place = wasOpen || isLeaving ? 0 : 1;
    }
    this.url = this._tour[this._place % this._tour.length];
    const due = isLeaving ? after : (this._notBefore.get(this.url) ?? 0) - now;
    const wait = afterAdvice(due, Math.floor(this._failures / this._tour.length), this._random());
    this._place += 1;
    this._failures += 1;
    return wait;
  }

  /** All addresses but this one and those of nodes that leave, the best first. */
  _others() {
    const ranks = this._regions.length > 0 ? this._regions : [this._region];
    /** @param {NodeAddress} node */
    const rank = ({ region = "" }) => (ranks.includes(region) ? ranks.indexOf(region) : ranks.length);
    const nodes = byWeight(this._nodes, this._random).sort((one, other) => rank(one) - rank(other));
    const usable = nodes.map((node) => ({ node, url: namedUrl(node.url, this.url) })).filter(({ url }) => url);
    const unwanted = usable.filter(({ node }) => node.draining || this._isHere(node)).map(({ url }) => url);
    const urls = new Set([...usable.map(({ url }) => url), ...this._given]);
    return [...urls].filter((url) => url !== this.url && !unwanted.includes(url));
  }

  /** @param {NodeAddress} node */
  _isHere({ id }) {
    return Boolean(id) && id === this._node;
  }
}
