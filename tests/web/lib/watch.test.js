import assert from "node:assert/strict";
import { test } from "node:test";
import { arrived, BUSY, growth, LOOK_EVERY, MAX_PROBES, Watch } from "../../../web/lib/watch.js";

const transport = { type: "transport", id: "T", selectedCandidatePairId: "P1", bytesReceived: 100, packetsReceived: 3 };
const pair = { type: "candidate-pair", id: "P1", bytesReceived: 90, requestsReceived: 2, responsesReceived: 5 };
const other = { type: "candidate-pair", id: "P2", bytesReceived: 7, requestsReceived: 8 };

test("what counts has come over the paths, and in all", () => {
  assert.deepEqual([...arrived([transport, pair, other, { type: "codec", id: "C" }])], [["T", 103], ["P1", 97], ["P2", 15]]);
});

test("what a path had brought that is gone is not missing, and a new path brings what it has", () => {
  assert.equal(growth(new Map(), arrived([pair])), 97);
  assert.equal(growth(arrived([transport, pair, other]), arrived([transport, other])), 0);
  assert.equal(growth(arrived([pair]), arrived([pair, other])), 15);
});

function watched(pc = {}) {
  const happened = [];
  const note = (word) => () => happened.push(word);
  const watch = new Watch(pc, { heard: note("heard"), stopped: note("stopped"), probe: note("probe") });
  return { watch, happened };
}

const at = (count) => new Map([["P1", count]]);

test("what grows is life, and what stands still is none", () => {
  const { watch, happened } = watched();
  const heard = [0, 5, 5, 6].map((count) => {
    happened.length = 0;
    watch.compare(at(count));
    return happened.includes("heard");
  });
  assert.deepEqual(heard, [false, true, false, true]);
});

test("each look gives a sign of life too", () => {
  const { watch, happened } = watched();
  for (const count of [1, 2]) watch.compare(at(count));
  assert.deepEqual(happened, ["heard", "probe", "heard", "probe"]);
});

test("much that stops all at once is told, once", () => {
  for (const rest of [0, 7]) {
    const { watch, happened } = watched();
    for (const count of [5, 5 + 2 * BUSY, 5 + 2 * BUSY + rest]) watch.compare(at(count));
    for (let look = 0; look < 5; look += 1) watch.compare(at(5 + 2 * BUSY + rest));
    assert.equal(happened.filter((word) => word === "stopped").length, 1, `${rest} more`);
  }
});

test("a little that stops is no bad sign, nor is much that becomes little first", () => {
  const { watch, happened } = watched();
  for (const count of [5, 10, 10, 10 + 2 * BUSY, 11 + 2 * BUSY, 12 + 2 * BUSY, 12 + 2 * BUSY]) watch.compare(at(count));
  assert.ok(!happened.includes("stopped"));
});

test("a path that is dead for long is not filled with probes", () => {
  const { watch, happened } = watched();
  for (let look = 0; look < 100; look += 1) watch.compare(at(0));
  assert.equal(happened.length, MAX_PROBES);
  watch.compare(at(6));
  assert.deepEqual(happened.slice(MAX_PROBES), ["heard", "probe"]);
});

test("it looks twice a second, and once at a time", async () => {
  let looks = 0;
  const { watch } = watched({
    getStats: async () => {
      looks += 1;
      return new Map([["T", transport]]);
    },
  });
  await Promise.all([watch.look(0), watch.look(10)]);
  assert.equal(looks, 1);
  await watch.look(LOOK_EVERY / 2);
  assert.equal(looks, 1);
  await watch.look(LOOK_EVERY);
  assert.equal(looks, 2);
});

test("a connection that is closed under it costs nothing", async () => {
  const { watch, happened } = watched({ getStats: () => Promise.reject(new Error("closed")) });
  await watch.look(0);
  assert.deepEqual(happened, []);
});
