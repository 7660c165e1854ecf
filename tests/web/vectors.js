import { readFileSync } from "node:fs";

/** The examples that Python and JavaScript both keep to. @param {string} name */
export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
}

/** Bytes written as a list of [hex, how many times]. @param {[string, number][]} written */
export function bytes(written) {
  return Buffer.concat(written.map(([hex, times]) => Buffer.from(hex.repeat(times), "hex")));
}
