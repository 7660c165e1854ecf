/** What ICE says in descriptions and candidates. Pure. */

/** More than any honest peer has for one description. */
export const MAX_REMOTE_CANDIDATES = 256;

/** The username fragments of a description: each stands for one round of ICE. @param {string | undefined} sdp */
export function fragmentsOf(sdp) {
  return new Set(Array.from((sdp ?? "").matchAll(/^a=ice-ufrag:(\S+)/gm), ([, fragment]) => fragment));
}

/**
 * Whether an offer begins a new round of ICE in the connection that it is applied to.
 *
 * @param {string | undefined} before the remote description until now
 * @param {string} sdp
 */
export function isRestart(before, sdp) {
  const known = fragmentsOf(before);
  return known.size > 0 && ![...fragmentsOf(sdp)].some((fragment) => known.has(fragment));
}

/**
 * Whether a candidate belongs to this description, as far as it says so; one of an earlier round does not.
 *
 * @param {RTCIceCandidateInit | undefined} candidate
 * @param {string | undefined} sdp
 */
export function isCurrent(candidate, sdp) {
  const fragment = candidate?.usernameFragment ?? / ufrag (\S+)/.exec(candidate?.candidate ?? "")?.[1];
  return !fragment || fragmentsOf(sdp).has(fragment);
}
