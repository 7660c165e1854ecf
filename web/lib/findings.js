/** What a connection finds out while it is being made, for its diagnosis: candidates and troubles. Pure. */

import { fragmentsOf } from "./ice.js";

/** @typedef {import("./facts.js").CandidateFacts} CandidateFacts */
/** @typedef {import("./facts.js").Trouble} Trouble */
/** @typedef {import("./protocol.js").PeerPayload} PeerPayload */

/** Of each kind; what comes after them changes no diagnosis. */
export const MAX_FINDINGS = 64;
const TYPES = ["host", "srflx", "prflx", "relay"];

/** Of one attempt: new ICE credentials of a side replace what that side had. */
export class Findings {
  constructor() {
    /** @type {CandidateFacts[]} */
    this._local = [];
    /** @type {CandidateFacts[]} */
    this._remote = [];
    /** @type {Trouble[]} */
    this._troubles = [];
    this._isGathered = false;
    this._isRemoteGathered = false;
    this._hasAnswer = false;
    this._localFragment = "";
    this._remoteFragment = "";
  }

  /** @returns {Pick<import("./facts.js").Facts, "local" | "remote" | "troubles" | "isGathered" | "isRemoteGathered" | "hasAnswer">} */
  get facts() {
    return {
      local: [...this._local],
      remote: [...this._remote],
      troubles: [...this._troubles],
      isGathered: this._isGathered,
      isRemoteGathered: this._isRemoteGathered,
      hasAnswer: this._hasAnswer,
    };
  }

  /** @param {PeerPayload} payload */
  sent(payload) {
    if (payload.kind !== "description") return;
    const fragment = fragmentOf(payload.sdp);
    if (fragment === this._localFragment) return;
    this._localFragment = fragment;
    this._local = candidatesIn(payload.sdp);
    this._troubles = [];
    this._isGathered = false;
  }

  /** A candidate of this side; null is the end of them. @param {{candidate: string, relayProtocol?: string | null} | null} candidate */
  gathered(candidate) {
    if (!candidate) this._isGathered = true;
    else add(this._local, candidate.candidate, candidate.relayProtocol);
  }

  /** What the other side has said, which may be anything. @param {PeerPayload} payload */
  received(payload) {
    if (payload?.kind === "candidate") {
      const line = payload.candidate?.candidate;
      if (typeof line === "string") add(this._remote, line);
      else this._isRemoteGathered = true;
    }
    if (payload?.kind !== "description" || typeof payload.sdp !== "string") return;
    this._hasAnswer = true;
    const fragment = fragmentOf(payload.sdp);
    if (fragment === this._remoteFragment) return;
    this._remoteFragment = fragment;
    this._remote = candidatesIn(payload.sdp);
    this._isRemoteGathered = payload.sdp.includes("\na=end-of-candidates");
  }

  /** @param {Trouble} trouble */
  troubled(trouble) {
    if (this._troubles.length < MAX_FINDINGS) this._troubles.push(trouble);
  }
}

/** @param {string} sdp */
const fragmentOf = (sdp) => [...fragmentsOf(sdp)][0] ?? "";

/** @param {string} sdp */
function candidatesIn(sdp) {
  /** @type {CandidateFacts[]} */
  const found = [];
  for (const [, line] of sdp.matchAll(/^a=(candidate:.*)$/gm)) add(found, line);
  return found;
}

/**
 * When the line can be read (RFC 8839 section 5.1).
 *
 * @param {CandidateFacts[]} candidates
 * @param {string} line
 * @param {string | null} [relayProtocol]
 */
function add(candidates, line, relayProtocol) {
  const words = line.trim().split(/\s+/);
  const type = /** @type {CandidateFacts["type"]} */ (words[7]);
  if (candidates.length >= MAX_FINDINGS || !TYPES.includes(type)) return;
  const protocol = words[2].toLowerCase() === "tcp" ? "tcp" : "udp";
  const known = /** @type {CandidateFacts["relayProtocol"]} */ (relayProtocol ?? "");
  candidates.push({ type, protocol, relayProtocol: known, family: familyOf(words[4]) });
}

/** @param {string} host @returns {0 | 4 | 6} */
function familyOf(host) {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return 4;
  return host.includes(":") ? 6 : 0;
}
