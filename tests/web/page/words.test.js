import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsForAccess } from "../../../web/page/access.js";
import { randomRoomName } from "../../../web/page/room_names.js";
import { wordsForJoin, wordsForPeer, wordsForRoom } from "../../../web/page/words.js";

test("the state of a peer is said in words", () => {
  assert.equal(wordsForPeer({ state: "connecting", away: false }), "connecting");
  assert.equal(wordsForPeer({ state: "reconnecting", away: true }), "reconnecting (away)");
  assert.equal(wordsForPeer({ state: "lost", away: true }), "lost");
});

test("a lost server does not sound like a lost call", () => {
  assert.match(wordsForRoom("interrupted", 2), /call goes on/);
  assert.doesNotMatch(wordsForRoom("interrupted", 0), /call/);
});

test("each way to have no camera says what to do about it", () => {
  const words = ["NotAllowedError", "NotFoundError", "NotReadableError", "Whatever"].map((name) =>
    wordsForAccess(Object.assign(new Error(), { name }), "camera"),
  );
  assert.equal(new Set(words).size, words.length);
  for (const sentence of words) assert.match(sentence, /camera/);
});

test("a full room says so", () => {
  assert.match(wordsForJoin({ code: "room-full" }), /full/);
});

test("a new room cannot be guessed", () => {
  const names = new Set(Array.from({ length: 1000 }, randomRoomName));
  assert.equal(names.size, 1000);
  for (const name of names) assert.match(name, /^[a-z0-9]{4}(-[a-z0-9]{4}){3}$/);
});
