import assert from "node:assert/strict";
import { test } from "node:test";
import { Statistics } from "../../../web/lib/statistics.js";

const reports = () =>
  new Map([
    ["T", { type: "transport", id: "T", selectedCandidatePairId: "P" }],
    ["P", { type: "candidate-pair", id: "P", localCandidateId: "L", remoteCandidateId: "R", currentRoundTripTime: 0.02, bytesReceived: 9 }],
    ["L", { type: "local-candidate", id: "L", candidateType: "host", protocol: "udp" }],
    ["R", { type: "remote-candidate", id: "R", candidateType: "srflx", protocol: "udp" }],
  ]);

test("all who ask at once share one look, and those who ask soon after it too", async () => {
  let looks = 0;
  const statistics = new Statistics(async () => {
    looks += 1;
    return reports();
  });
  const [first, second] = await Promise.all([statistics.look(), statistics.look()]);
  assert.equal(first, second);
  assert.equal(first.route, "reflexive");
  assert.equal(first.bitrateIn, null, "of one look there is no rate");
  assert.equal(await statistics.look(), first);
  assert.equal(looks, 1);
  statistics.reset();
  assert.equal(statistics.latest.route, null);
  await statistics.look();
  assert.equal(looks, 2);
});

test("a connection that is closed has no figures", async () => {
  const closed = new Statistics(() => Promise.reject(new Error("closed")));
  assert.equal((await closed.look()).quality, "none");
  const none = new Statistics(async () => undefined);
  assert.equal((await none.look()).quality, "none");
});
