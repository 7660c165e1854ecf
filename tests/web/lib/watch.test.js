import assert from "node:assert/strict";
import { test } from "node:test";
import { arrivals, LOOK_EVERY, MAX_PROBES, BUSY, Watch } from "../../../web/lib/watch.js";

const transport = { type: "transport", id: "T", selectedCandidatePairId: "P1", bytesReceived: 100, packetsReceived: 3 };
const pair = { type: "candidate-pair", id: "P1", bytesReceived: 90, requestsReceived: 2, responsesReceived: 5 };
const other = { type: "candidate-pair", id: "P2", bytesReceived: 7, requestsReceived: 8 };

test("what counts has come over the selected path", () => {
  assert.deepEqual(arrivals([transport, pair, other]), { path: "P1", count: 200 });
  assert.deepEqual(arrivals([{ ...pair, selected: true }, other]), { path: "P1", count: 97 });
  assert.deepEqual(arrivals([]), { path: "", count: 0 });
});

function watched(pc = {}) {
  const happened = [];
  const note = (word) => () => happened.push(word);
  const watch = new Watch(pc, { heard: note("heard"), stopped: note("stopped"), probe: note("probe") });
  return { watch, happened };
}

test("what grows is life, and so is what came over another path", () => {
  const { watch, happened } = watched();
  const heard = [["P1", 0], ["P1", 5], ["P1", 5], ["P2", 1], ["P2", 1]].map(([path, count]) => {
    happened.length = 0;
    watch.compare({ path, count });
    return happened.includes("heard");
  });
  assert.deepEqual(heard, [false, true, false, true, false]);
});

test("each look gives a sign of life too", () => {
  const { watch, happened } = watched();
  for (const count of [1, 2]) watch.compare({ path: "P1", count });
  assert.deepEqual(happened, ["heard", "probe", "heard", "probe"]);
});

test("much that stops all at once is told, once", () => {
  const { watch, happened } = watched();
  for (const count of [5, 5 + 2 * BUSY, 5 + 2 * BUSY, 5 + 2 * BUSY]) watch.compare({ path: "P1", count });
  assert.equal(happened.filter((word) => word === "stopped").length, 1);
});

test("a path that is dead for long is not filled with probes", () => {
  const { watch, happened } = watched();
  for (let look = 0; look < 100; look += 1) watch.compare({ path: "P1", count: 0 });
  assert.equal(happened.length, MAX_PROBES);
  watch.compare({ path: "P1", count: 6 });
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
