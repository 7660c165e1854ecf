import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsForAccess } from "../../../web/page/access.js";
import { randomRoomName } from "../../../web/page/room_names.js";
import { COLUMNS, figures, wordsForJoin, wordsForKick, wordsForNews, wordsForPeer, wordsForRoom, wordsForRules } from "../../../web/page/words.js";

test("the state of a peer is said in words", () => {
  assert.equal(wordsForPeer({ state: "connecting", away: false }), "connecting");
  assert.equal(wordsForPeer({ state: "reconnecting", away: true }), "reconnecting (away)");
  assert.equal(wordsForPeer({ state: "lost", away: true }), "lost");
});

test("how many are here is said as long as the server can tell", () => {
  assert.equal(wordsForRoom("open", 2), "Connected, 3 people");
  assert.equal(wordsForRoom("interrupted", 2), "Reconnecting…");
});

test("that the server does not reach everybody is said as long as it is so", () => {
  assert.match(wordsForRoom("open", 2, true), /^Connected, 3 people; some may be out of the server's reach$/);
  assert.equal(wordsForRoom("interrupted", 2, true), "Reconnecting…");
});

test("each way to have no camera says what to do about it", () => {
  const words = ["NotAllowedError", "NotFoundError", "NotReadableError", "Whatever"].map((name) =>
    wordsForAccess(Object.assign(new Error(), { name }), "camera"),
  );
  assert.equal(new Set(words).size, words.length);
  for (const sentence of words) assert.match(sentence, /camera/);
});

test("what is not known is not shown as nought", () => {
  const none = { route: null, protocol: null, rtt: null, loss: null, jitter: null, bitrateIn: null, bitrateOut: null, codecs: [], quality: "none" };
  assert.deepEqual(figures(none), ["–", "–", "–", "–", "–", "–", "–"]);
  assert.equal(figures(none).length, COLUMNS.length - 1);
  const some = { ...none, route: "relayed", protocol: "tls", rtt: 0.0123, loss: 0.021, bitrateIn: 64_000, bitrateOut: 0, codecs: ["VP8", "opus"] };
  assert.deepEqual(figures(some), ["relayed", "TLS", "VP8, opus", "12 ms", "2.1 %", "64 kbit/s", "0 kbit/s"]);
  const [route, , , rtt, , rate] = figures({ ...some, route: "reflexive", rtt: 0, bitrateIn: 1_260_000 });
  assert.deepEqual([route, rtt, rate], ["through a NAT", "< 1 ms", "1.3 Mbit/s"]);
});

test("a full room says so", () => {
  assert.match(wordsForJoin({ code: "room-full" }), /full/);
});

test("a new room cannot be guessed", () => {
  const names = new Set(Array.from({ length: 1000 }, randomRoomName));
  assert.equal(names.size, 1000);
  for (const name of names) assert.match(name, /^[a-z0-9]{4}(-[a-z0-9]{4}){3}$/);
});

const RULES = { capacity: 8, owner: "ana", locked: false, has_password: false, has_lobby: false };

test("who may come in is said in one sentence, and only changes are news", () => {
  const all = [{}, { locked: true }, { has_password: true }, { has_lobby: true }, { has_password: true, has_lobby: true }];
  assert.equal(new Set(all.map((rules) => wordsForRules({ ...RULES, ...rules }))).size, all.length);
  assert.equal(wordsForNews(RULES, { ...RULES, capacity: 4 }, "ana"), "");
  assert.match(wordsForNews(RULES, { ...RULES, locked: true }, "ana"), /locked/);
  assert.match(wordsForNews(RULES, { ...RULES, owner: "ben" }, "ben"), /owner/);
  assert.equal(wordsForNews(RULES, { ...RULES, owner: "ben" }, "cem"), "");
});

test("each way not to get in has a sentence of its own, and a reason that was given is told", () => {
  const codes = ["room-full", "room-locked", "bad-password", "turned-away", "banned", "not-allowed", "4505", "4506", "kicked"];
  assert.equal(new Set(codes.map((code) => wordsForJoin({ code, message: "x" }))).size, codes.length);
  assert.match(wordsForJoin({ code: "kicked", hint: "noise" }), /noise/);
  assert.doesNotMatch(wordsForJoin({ code: "kicked", hint: "you were thrown out of the room" }), /reason/);
});

test("what becomes of somebody who is thrown out depends on who may come in", () => {
  const words = [{ locked: true }, { has_lobby: true }, { has_password: true }, {}].map((rules) => wordsForKick({ ...RULES, ...rules }));
  assert.equal(new Set(words).size, words.length);
});
