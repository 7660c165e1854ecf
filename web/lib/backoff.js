/** How long to wait before the next attempt: full jitter, so that a crowd does not return at once. */

export const BASE = 0.5;
export const CAP = 30;
export const LONGEST_ADVICE = 600;

/**
 * Seconds to wait before attempt number `attempt` (the first is 0).
 *
 * @param {number} attempt
 * @param {number} fraction random, from 0 up to 1
 * @param {number} [base]
 * @param {number} [cap]
 */
export function delay(attempt, fraction, base = BASE, cap = CAP) {
  // 2 ** attempt overflows to Infinity, of which the minimum is still the cap.
  return fraction * Math.min(cap, base * 2 ** attempt);
}

/**
 * Seconds to wait when the server has said `after`; at most LONGEST_ADVICE is believed.
 *
 * The advice is spread too: all clients of a server hear the same number.
 *
 * @param {number} after which a server may have got wrong, even in type
 * @param {number} attempt
 * @param {number} fraction
 */
export function afterAdvice(after, attempt, fraction) {
  return believed(after) + delay(attempt, fraction);
}

/** What is believed of the seconds that a server has said. @param {number} after which it may have got wrong, even in type */
export function believed(after) {
  return after > 0 ? Math.min(LONGEST_ADVICE, after) : 0;
}
