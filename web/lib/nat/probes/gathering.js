/** One RTCPeerConnection that looks for its own addresses, and what it finds, with the times. */

import { now } from "../../clock.js";

/** @typedef {4 | 6 | 0} Family 0: not told, or hidden behind a name */
/**
 * @typedef {object} Found
 * @property {RTCIceCandidateType} type
 * @property {Family} family
 * @property {string} endpoint
 * @property {string} related the address behind it; empty: hidden
 * @property {string} base the same for all that come from the same socket
 * @property {string} url of the server that told it, as far as the browser says so
 * @property {number} priority
 * @property {number} after seconds since gathering began
 */
/** @typedef {{ url: string, family: Family, code: number, text: string }} Failure `family` of the socket that has failed */
/**
 * @typedef {object} Gathered
 * @property {Found[]} found
 * @property {Failure[]} failures
 * @property {number | null} took seconds until there was no more to come; null: it was not waited for so long
 */

export class Gathering {
  /** @param {RTCIceServer[]} iceServers @param {RTCIceTransportPolicy} [policy] */
  constructor(iceServers, policy = "all") {
    this.pc = new RTCPeerConnection({ iceServers, iceTransportPolicy: policy });
    /** @type {Gathered} */
    this.gathered = { found: [], failures: [], took: null };
    /** To be told of each new one. @type {(candidate: RTCIceCandidate) => void} */
    this.oncandidate = () => {};
    this._began = now();
    this._changed = () => {};
    this.pc.onicegatheringstatechange = () => this._stateChanged();
    this.pc.onicecandidateerror = (event) => this._failed(event);
    this.pc.onicecandidate = ({ candidate }) => this._candidate(candidate);
  }

  /**
   * Wait until `isEnough`, nothing more comes, or the time is over.
   *
   * @param {number} deadline as of `now()`
   * @param {(gathered: Gathered) => boolean} [isEnough]
   * @returns {Promise<Gathered>}
   */
  async until(deadline, isEnough = () => false) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    await new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
      timer = setTimeout(resolve, Math.max(0, deadline - now()) * 1000);
      this._changed = () => {
        if (this.gathered.took !== null || isEnough(this.gathered)) resolve();
      };
      this._changed();
    });
    clearTimeout(timer);
    this._changed = () => {};
    return this.gathered;
  }

  close() {
    this.pc.onicegatheringstatechange = this.pc.onicecandidateerror = this.pc.onicecandidate = null;
    this.pc.close();
  }

  _stateChanged() {
    if (this.pc.iceGatheringState === "gathering") this._began = now();
    if (this.pc.iceGatheringState === "complete") this.gathered.took = now() - this._began;
    this._changed();
  }

  /** @param {RTCIceCandidate | null} candidate */
  _candidate(candidate) {
    if (!candidate?.address || candidate.protocol !== "udp") return;
    this.gathered.found.push(foundIn(candidate, now() - this._began));
    this.oncandidate(candidate);
    this._changed();
  }

  /** @param {RTCPeerConnectionIceErrorEvent} event */
  _failed({ url, address, errorCode, errorText }) {
    // Of the address only the beginning is told, as 192.0.2.x and [fd00:0:0:x:x:x:x:x].
    const family = address ? (address.includes(":") ? 6 : 4) : 0;
    this.gathered.failures.push({ url, family, code: errorCode, text: errorText });
    this._changed();
  }
}

/**
 * Offer one data channel and gather with these servers; everything is closed afterwards.
 *
 * @param {RTCIceServer[]} iceServers
 * @param {number} deadline
 * @param {(gathered: Gathered) => boolean} [isEnough]
 * @returns {Promise<Gathered>}
 */
export async function gather(iceServers, deadline, isEnough) {
  const gathering = new Gathering(iceServers);
  try {
    gathering.pc.createDataChannel("nat");
    await gathering.pc.setLocalDescription();
    return await gathering.until(deadline, isEnough);
  } finally {
    gathering.close();
  }
}

/** @param {RTCIceCandidate} candidate @param {number} after @returns {Found} */
export function foundIn(candidate, after) {
  const { address, port, type, priority, foundation, relatedAddress, relatedPort } = candidate;
  // A page without camera or microphone is told 0.0.0.0 and port 0 in the place of its own address.
  const related = relatedAddress && relatedPort ? endpoint(relatedAddress, relatedPort) : "";
  return {
    type: type ?? "host",
    family: familyOf(address ?? ""),
    endpoint: endpoint(address ?? "", port ?? 0),
    related,
    // RFC 8445 section 5.1.1.3: of the same type, base, server and protocol. Browsers leave the server out.
    base: related || (foundation ?? ""),
    url: /** @type {{ url?: string | null }} */ (candidate).url ?? "",
    priority: priority ?? 0,
    after,
  };
}

/** @param {string} address */
function familyOf(address) {
  if (address.includes(":")) return 6;
  return /^[0-9.]+$/.test(address) ? 4 : 0;
}

/** Some browsers give IPv6 addresses in brackets, some without. @param {string} address @param {number} port */
const endpoint = (address, port) =>
  address.includes(":") ? `[${address.replaceAll(/[[\]]/g, "")}]:${port}` : `${address}:${port}`;
