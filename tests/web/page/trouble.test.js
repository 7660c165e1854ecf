import assert from "node:assert/strict";
import { test } from "node:test";
import { troubleOf, wordsForReturn } from "../../../web/page/trouble.js";

const SILENT = { code: "peer-silent", sentence: "Nothing was heard.", advice: "Wait." };
const REFUSED = { code: "turn-refused", sentence: "The TURN server refused.", advice: "Tell it the password." };

/** @param {string} name @param {number} since @param {any} doing @param {any} diagnosis */
const lost = (name, since, doing = "restart", diagnosis = null) => ({ name, healing: { since, doing }, diagnosis });
/** @param {string} name @param {any} diagnosis */
const stuck = (name, diagnosis = null) => ({ name, healing: null, diagnosis });

test("what is being mended is said with whom, since when, and how", () => {
  assert.equal(troubleOf([lost("Ada", 4.4)], null, 1)?.shown, "Reconnecting to Ada… 4 s: a new path is being tried.");
  assert.equal(
    troubleOf([lost("Ada", 31, "rebuild")], null, 1)?.shown,
    "Reconnecting to Ada… 31 s: a new connection is being made.",
  );
  assert.equal(troubleOf([lost("Ada", 5, null)], null, 1)?.shown, "Reconnecting to Ada… 5 s.");
});

test("of several, the one that is silent for longest stands for all", () => {
  const two = [lost("Ada", 5), lost("Ben", 9, "rebuild")];
  assert.equal(troubleOf(two, null, 3)?.shown, "Reconnecting to Ben and Ada… 9 s: a new connection is being made.");
  assert.match(troubleOf([...two, lost("Eve", 1)], null, 3)?.shown ?? "", /^Reconnecting to Ben and 2 others… 9 s/);
});

test("why is said too, when it is known", () => {
  const { shown } = troubleOf([lost("Ada", 5, "restart", SILENT)], null, 1) ?? {};
  assert.equal(shown, "Reconnecting to Ada… 5 s: a new path is being tried. Nothing was heard.");
});

test("a lost server does not sound like a lost call", () => {
  assert.equal(
    troubleOf([], { retryIn: 4.2 }, 2)?.shown,
    "The server is out of reach; the call goes on. Trying again in 5 s.",
  );
  assert.equal(troubleOf([], { retryIn: 0 }, 0)?.shown, "The server is out of reach. Trying again now.");
});

test("without the server nobody is reconnected to, so both are said", () => {
  assert.equal(
    troubleOf([lost("Ada", 7, "waiting-for-server")], { retryIn: 2 }, 1)?.shown,
    "The server and Ada are out of reach… 7 s. Trying again in 2 s.",
  );
});

test("who never was connected is told of when there is something to say about it", () => {
  assert.equal(troubleOf([stuck("Ada")], null, 1), null);
  assert.equal(troubleOf([stuck("Ada", REFUSED)], null, 1)?.shown, "Connecting to Ada: The TURN server refused.");
  assert.match(troubleOf([stuck("Ada", REFUSED), lost("Ben", 5)], null, 2)?.shown ?? "", /^Reconnecting to Ben…/);
});

test("passing seconds are seen and not read out", () => {
  const [one, next] = [4, 5].map((since) => troubleOf([lost("Ada", since, "restart", SILENT)], null, 1));
  assert.notEqual(one?.shown, next?.shown);
  assert.equal(one?.key, next?.key);
  assert.equal(one?.said, "Reconnecting to Ada: a new path is being tried. Nothing was heard.");
  assert.notEqual(troubleOf([lost("Ada", 5, "rebuild", SILENT)], null, 1)?.key, one?.key);
  assert.equal(troubleOf([], { retryIn: 4 }, 1)?.key, troubleOf([], { retryIn: 3 }, 1)?.key);
});

test("who is back is named", () => {
  assert.equal(wordsForReturn(["Ada"]), "Ada is back");
  assert.equal(wordsForReturn(["The server", "Ada"]), "The server and Ada are back");
});
