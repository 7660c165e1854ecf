import assert from "node:assert/strict";
import { test } from "node:test";
import { hasChannels, sendingMids } from "../../../web/lib/sections.js";

const section = (kind, mid, ...lines) => [`m=${kind} 9 X`, `a=mid:${mid}`, ...lines, ""].join("\r\n");

test("whoever has a section for data channels says there what it sends", () => {
  assert.ok(hasChannels(`v=0\r\n${section("audio", 0)}${section("application", 1)}`));
  assert.ok(!hasChannels(`v=0\r\n${section("audio", 0, "a=x:m=application 9")}`));
});

test("the other side sends where it does not say that it only listens", () => {
  const sdp = `v=0\r\n${section("audio", "a", "a=sendonly")}${section("video", "v")}${section("video", "w", "a=recvonly")}`;
  assert.deepEqual(sendingMids(sdp), ["a", "v"]);
  assert.deepEqual(sendingMids("v=0\r\nm=video 0 X\r\na=mid:v\r\nm=audio 9 X\r\na=inactive\r\n"), []);
});
