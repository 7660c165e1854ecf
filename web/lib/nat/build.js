/** From what was seen to what is said about it. */

import { behaviours } from "./behaviour.js";
import { expectations } from "./expectations.js";
import { complete } from "./observations.js";
import { SCHEMA } from "./report.js";
import { sections } from "./sections.js";
import { verdict } from "./verdict.js";

/**
 * Never throws, whatever was seen.
 *
 * @param {import("./observations.js").Noted} noted
 * @returns {import("./report.js").Report}
 */
export function report(noted) {
  const observations = complete(noted);
  const found = behaviours(observations);
  const expected = expectations(observations, found);
  return {
    schema: SCHEMA,
    verdict: verdict(observations, found, expected),
    behaviour: found,
    sections: sections(observations, found),
    expectations: expected,
    observations,
  };
}
