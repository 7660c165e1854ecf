import assert from "node:assert/strict";
import { test } from "node:test";
import { path, roundUp, table } from "../../../web/dashboard/chart.js";
import { Rate, Series } from "../../../web/dashboard/series.js";
import { duration, levelOf, refusal, sentence, size, stateOf } from "../../../web/dashboard/words.js";

test("axes end at a round number that holds everything", () => {
  assert.deepEqual([0, 0.3, 1, 1.01, 7, 24, 26, 99, 1001].map(roundUp), [1, 0.5, 1, 2, 10, 25, 50, 100, 2000]);
});

test("a series keeps what is not too old, and no time that comes twice", () => {
  const series = new Series(10);
  for (const at of [0, 5, 11, 12, 12, 9]) series.add(at, at);
  assert.deepEqual(series.points.map(({ at }) => at), [5, 9]);
  assert.equal(series.most, 9);
});

test("a rate begins anew when its counter does", () => {
  const rate = new Rate(100);
  rate.add(0, 10, "one");
  rate.add(2, 30, "one");
  rate.add(4, 5, "two");
  rate.add(6, 7, "two");
  assert.deepEqual(rate.series.points, [{ at: 2, value: 10 }, { at: 6, value: 1 }]);
});

test("a line goes from the left end to the right, and up", () => {
  const series = new Series(10);
  series.add(0, 0);
  series.add(10, 4);
  assert.equal(path(series, 10, 4, 10), "M52.0 130.0L480.0 8.0");
});

test("the table has a mean for each part, and says where there is none", () => {
  const series = new Series(10);
  for (const [at, value] of [[9.2, 1], [9.8, 3], [8.5, 5]]) series.points.unshift({ at, value });
  const rows = table(series, 10);
  assert.deepEqual(rows.slice(0, 3).map(({ value }) => value), [2, 5, null]);
});

test("numbers are written for people", () => {
  assert.deepEqual([0, 1023, 1536, 5_242_880].map(size), ["0 B", "1,023 B", "1.5 KiB", "5 MiB"]);
  assert.deepEqual([5, 65, 3_700, 90_000].map(duration), ["5 s", "1 min", "1 h 1 min", "1 d 1 h"]);
});

test("the state of a node is a sentence, and the level fits", () => {
  const drain = { state: "serving", links: 3, sessions: 3, nodes: 1 };
  const told = { ready: "ready", degraded: false, drain };
  const said = (changed) => [stateOf({ ...told, ...changed }), levelOf({ ...told, ...changed })];
  assert.deepEqual(said({}), ["This node is ready.", "good"]);
  assert.equal(said({ degraded: true })[1], "warning");
  assert.deepEqual(said({ ready: "full" }), ["This node takes nobody in: it is full.", "bad"]);
  assert.deepEqual(said({ ready: "draining", drain: { ...drain, state: "leaving" } }), ["This node leaves: 3 links to go, 1 other node takes them.", "warning"]);
});

test("every event and every refusal has its sentence", () => {
  const member = { id: "x", name: "Ana", node: "" };
  assert.equal(sentence({ type: "member-joined", room: "a/b", member }), "Ana joined a/b");
  assert.equal(sentence({ type: "member-changed", room: "a/b", member: { ...member, away: true } }), "Ana has lost the link, in a/b");
  assert.equal(sentence({ type: "member-left", room: "a/b", id: "x", reason: "lost" }), "x left a/b (lost)");
  assert.equal(sentence({ type: "something-new" }), "something-new");
  for (const status of [401, 404, 429, 500]) assert.match(refusal(status), /\.$/);
});
