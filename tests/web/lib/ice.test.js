import assert from "node:assert/strict";
import { test } from "node:test";
import { fragmentsOf, isCurrent, isRestart } from "../../../web/lib/ice.js";

const sdp = (...fragments) => `v=0\r\n${fragments.map((each) => `m=audio 9\r\na=ice-ufrag:${each}\r\na=ice-pwd:x\r\n`).join("")}`;
const line = "candidate:1 1 udp 2 192.0.2.1 9 typ host";

test("a description tells the rounds of ICE that it belongs to", () => {
  assert.deepEqual([...fragmentsOf(sdp("a+/b", "a+/b", "c"))], ["a+/b", "c"]);
  assert.deepEqual([...fragmentsOf(undefined)], []);
});

test("new credentials are a restart; the first ones, and the same ones again, are not", () => {
  assert.ok(isRestart(sdp("old"), sdp("new")));
  assert.ok(!isRestart(sdp("old"), sdp("old", "more")));
  assert.ok(!isRestart(undefined, sdp("new")));
});

test("a candidate of an earlier round is not for this description", () => {
  assert.ok(isCurrent({ candidate: line, usernameFragment: "new" }, sdp("new")));
  assert.ok(!isCurrent({ candidate: line, usernameFragment: "old" }, sdp("new")));
  assert.ok(!isCurrent({ candidate: `${line} ufrag old` }, sdp("new")));
  assert.ok(isCurrent({ candidate: line }, sdp("new")), "one that does not say so may be");
  assert.ok(isCurrent(undefined, sdp("new")), "the end of candidates is for all");
});
