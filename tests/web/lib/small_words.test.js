import assert from "node:assert/strict";
import { test } from "node:test";
import { afterAdvice, delay } from "../../../web/lib/backoff.js";
import { Stream } from "../../../web/lib/events.js";
import { roomName, shortRoomName } from "../../../web/lib/ids.js";
import { decode, encode, MAX_BATCH_MESSAGES } from "../../../web/lib/protocol.js";
import { signalingUrl } from "../../../web/lib/signaling_client/address.js";
import { permits } from "../../../web/lib/moderation.js";

test("the back-off grows, is spread, and ends at its cap", () => {
  assert.equal(delay(0, 0.5), 0.25);
  assert.equal(delay(3, 1), 4);
  assert.equal(delay(5000, 1), 30);
  assert.equal(delay(9, 0), 0);
});

test("the advice of the server is the least one waits, within reason", () => {
  assert.equal(afterAdvice(5, 0, 0.5), 5.25);
  assert.equal(afterAdvice(-5, 0, 0.5), 0.25);
  assert.equal(afterAdvice(1e300, 0, 0.5), 600.25);
  assert.equal(afterAdvice("soon", 0, 0.5), 0.25);
});

test("room names are normalised as the server does", () => {
  assert.equal(roomName(" arena "), "default/arena");
  assert.equal(roomName("game/arena"), "game/arena");
  assert.equal(roomName("ﬁ"), "default/fi");
  for (const bad of ["", "  ", "a/b/c", "/a", "a/", "a\u0007b", "x".repeat(121), "a\u2028b", "a\u200bb", "a\u202eb"]) {
    assert.equal(roomName(bad), null, JSON.stringify(bad));
  }
  assert.equal(shortRoomName("default/arena"), "arena");
  assert.equal(shortRoomName("game/arena"), "game/arena");
});

test("messages are batched within both limits", () => {
  const ping = { type: "ping", received: 1 };
  assert.deepEqual(encode([ping], 1000), ['{"type":"ping","received":1}']);
  const many = encode(Array(100).fill(ping), 65_536).map((frame) => JSON.parse(frame).length);
  assert.deepEqual(many, [MAX_BATCH_MESSAGES, 36]);
  for (const frame of encode(Array(50).fill(ping), 200)) assert.ok(frame.length < 200);
});

test("a frame that cannot be read is malformed and nothing is thrown", () => {
  for (const frame of [new ArrayBuffer(2), "", "{", "[]", "null", "7", '[{"type":"hello"}]', '{"type":1}', '"x"']) {
    assert.equal(decode(frame)[0].type, "malformed", String(frame));
  }
  assert.equal(decode(JSON.stringify(Array(65).fill({ type: "ping" })))[0].type, "malformed");
  assert.deepEqual(decode('[{"type":"ping"},{"type":"pong"}]').length, 2);
});

test("a server may be named by its page or by its door", () => {
  assert.equal(signalingUrl("http://localhost:8080"), "ws://localhost:8080/v1/ws");
  assert.equal(signalingUrl("https://example.org/"), "wss://example.org/v1/ws");
  assert.equal(signalingUrl("wss://example.org/v1/ws"), "wss://example.org/v1/ws");
  assert.throws(() => signalingUrl("ftp://example.org"), TypeError);
});

test("a full stream loses its oldest and says how many", async () => {
  const stream = new Stream(2);
  for (const item of [1, 2, 3]) stream.put(item);
  stream.end();
  const read = [];
  for await (const item of stream) read.push(item);
  assert.deepEqual(read, [2, 3]);
  assert.equal(stream.dropped, 1);
});

test("an owner may do more in the own room, and an admin everything", () => {
  assert.ok(permits([], true, "kick"));
  assert.ok(!permits([], true, "admin"));
  assert.ok(!permits(["join"], false, "lobby"));
  assert.ok(permits(["lobby"], false, "lobby"));
  assert.ok(permits(["admin"], false, "lock"));
});
