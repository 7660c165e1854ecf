import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { NO_STATISTICS, qualityOf, summarize } from "../../../web/lib/stats.js";

const chromium = JSON.parse(readFileSync(new URL("chromium_reports.json", import.meta.url), "utf8"));
const asReport = (/** @type {any[]} */ entries) => new Map(entries.map((entry) => [entry.id, entry]));

/** A report in the shape of Chromium's, with figures of one's own. */
function report({ local = "host", remote = "host", relayProtocol, bytes = 0, received = 0, lost = 0 } = {}) {
  const entries = [
    { id: "T01", type: "transport", selectedCandidatePairId: "CP1" },
    {
      id: "CP1", type: "candidate-pair", nominated: true, state: "succeeded", localCandidateId: "L1", remoteCandidateId: "R1",
      currentRoundTripTime: 0.02, bytesReceived: bytes, bytesSent: 2 * bytes,
    },
    { id: "CP2", type: "candidate-pair", nominated: false, state: "waiting", localCandidateId: "L1", remoteCandidateId: "R2" },
    { id: "L1", type: "local-candidate", candidateType: local, protocol: "udp", relayProtocol },
    { id: "R1", type: "remote-candidate", candidateType: remote, protocol: "udp" },
    { id: "IT1", type: "inbound-rtp", kind: "audio", codecId: "C1", packetsReceived: received, packetsLost: lost, jitter: 0.004 },
    { id: "OT1", type: "outbound-rtp", kind: "video", codecId: "C2", packetsSent: bytes },
    { id: "C1", type: "codec", mimeType: "audio/opus" },
    { id: "C2", type: "codec", mimeType: "video/VP8" },
  ];
  return new Map(entries.map((entry) => [entry.id, entry]));
}

test("without a path there is nothing to say", () => {
  assert.deepEqual(summarize(null, new Map(), 1), NO_STATISTICS);
});

test("two reports give the route, the rates and the loss of the time between them", () => {
  const summary = summarize(report({ bytes: 1000, received: 100 }), report({ bytes: 3500, received: 190, lost: 10 }), 2);
  assert.deepEqual(summary, {
    route: "direct", protocol: "udp", rtt: 0.02, loss: 0.1, jitter: 0.004, bitrateIn: 10_000, bitrateOut: 20_000,
    codecs: ["VP8", "opus"], quality: "poor",
  });
});

test("a call between two real pages", () => {
  const before = asReport(chromium.before);
  const now = asReport(chromium.now);
  assert.deepEqual(summarize(before, now, 2), {
    route: "direct", protocol: "udp", rtt: 0.001, loss: 0, jitter: 0, bitrateIn: 560_972, bitrateOut: 728_272,
    codecs: ["VP8", "opus"], quality: "good",
  });
});

test("a path that has changed in between counts on with its transport", () => {
  const now = asReport(chromium.now);
  now.set("T01", { ...now.get("T01"), selectedCandidatePairId: "CPbdMgPcmR_yJbH3BCl" });
  assert.equal(summarize(asReport(chromium.before), now, 2).bitrateIn, 560_972);
});

test("the first report says nothing about an interval", () => {
  const { loss, bitrateIn, bitrateOut, quality } = summarize(null, report({ received: 10 }), 0);
  assert.deepEqual({ loss, bitrateIn, bitrateOut, quality }, { loss: null, bitrateIn: null, bitrateOut: null, quality: "good" });
});

test("a relay on either side makes the path a relayed one, and tells how it is reached", () => {
  assert.equal(summarize(null, report({ local: "relay", relayProtocol: "tls" }), 1).protocol, "tls");
  assert.equal(summarize(null, report({ local: "relay" }), 1).route, "relayed");
  assert.equal(summarize(null, report({ remote: "relay" }), 1).route, "relayed");
  assert.equal(summarize(null, report({ local: "prflx" }), 1).route, "reflexive");
});

test("Firefox marks the pair itself", () => {
  const entries = report();
  entries.delete("T01");
  entries.set("CP0", { ...entries.get("CP1"), id: "CP0", remoteCandidateId: "R0" });
  entries.set("CP1", { ...entries.get("CP1"), selected: true });
  assert.equal(summarize(null, entries, 1).route, "direct");
});

test("where checks tell no round trip, the other side's reports do", () => {
  const entries = report();
  entries.set("CP1", { ...entries.get("CP1"), currentRoundTripTime: undefined });
  entries.set("RI1", { id: "RI1", type: "remote-inbound-rtp", roundTripTime: 0.4 });
  const { rtt, quality } = summarize(null, entries, 1);
  assert.deepEqual([rtt, quality], [0.4, "fair"]);
});

test("a check that overtook its candidate is taken for that candidate", () => {
  const entries = report({ remote: "prflx" });
  const where = { address: "203.0.113.9", port: 5000 };
  entries.set("R1", { ...entries.get("R1"), ...where });
  assert.equal(summarize(null, entries, 1).route, "reflexive");
  entries.set("R9", { id: "R9", type: "remote-candidate", candidateType: "relay", protocol: "udp", ...where });
  assert.equal(summarize(null, entries, 1).route, "relayed");
});

test("what the other side loses counts too", () => {
  const now = report({ received: 100 });
  now.set("RI1", { id: "RI1", type: "remote-inbound-rtp", fractionLost: 0.05 });
  assert.equal(summarize(report(), now, 1).quality, "fair");
});

test("what the other side said long ago counts no more", () => {
  const now = report({ received: 100 });
  now.set("IT1", { ...now.get("IT1"), timestamp: 60_000 });
  now.set("RI1", { id: "RI1", type: "remote-inbound-rtp", timestamp: 51_000, fractionLost: 0.5 });
  assert.equal(summarize(report(), now, 1).loss, 0);
});

test("a handful of packets says nothing about loss", () => {
  assert.equal(summarize(report(), report({ received: 2, lost: 1 }), 1).loss, null);
});

test("a codec of which nothing comes any more is not in use", () => {
  const before = report({ received: 50 });
  assert.deepEqual(summarize(before, report({ received: 50 }), 1).codecs, []);
  assert.deepEqual(summarize(before, report({ received: 51 }), 1).codecs, ["opus"]);
});

test("a counter that starts again is no negative rate", () => {
  const { bitrateIn, loss } = summarize(report({ bytes: 5000, received: 50, lost: 5 }), report({ bytes: 10, received: 80 }), 1);
  assert.deepEqual([bitrateIn, loss], [0, 0]);
});

test("quality follows the worse of delay and loss", () => {
  assert.deepEqual(
    [qualityOf(0.1, 0), qualityOf(0.3, 0), qualityOf(0.8, 0), qualityOf(0.1, 0.02), qualityOf(0.1, 0.08), qualityOf(null, null)],
    ["good", "fair", "poor", "fair", "poor", "good"],
  );
});
