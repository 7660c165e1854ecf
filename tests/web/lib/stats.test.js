import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_STATISTICS, qualityOf, summarize } from "../../../web/lib/stats.js";

/** A report as Chromium gives it. */
function report({ local = "host", remote = "host", relayProtocol, bytes = 0, received = 0, lost = 0, rtt = 0.02 } = {}) {
  const entries = [
    { id: "T01", type: "transport", selectedCandidatePairId: "CP1" },
    {
      id: "CP1", type: "candidate-pair", nominated: true, state: "succeeded", localCandidateId: "L1", remoteCandidateId: "R1",
      currentRoundTripTime: rtt, bytesReceived: bytes, bytesSent: 2 * bytes,
    },
    { id: "CP2", type: "candidate-pair", nominated: false, state: "waiting", localCandidateId: "L1", remoteCandidateId: "R2" },
    { id: "L1", type: "local-candidate", candidateType: local, protocol: "udp", relayProtocol },
    { id: "R1", type: "remote-candidate", candidateType: remote, protocol: "udp" },
    { id: "IT1", type: "inbound-rtp", kind: "audio", codecId: "C1", packetsReceived: received, packetsLost: lost, jitter: 0.004 },
    { id: "OT1", type: "outbound-rtp", kind: "video", codecId: "C2", packetsSent: 9 },
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
  assert.equal(summarize(null, entries, 1).route, "direct");
});

test("what the other side loses counts too", () => {
  const now = report({ received: 100 });
  now.set("RI1", { id: "RI1", type: "remote-inbound-rtp", fractionLost: 0.05 });
  assert.equal(summarize(report(), now, 1).quality, "fair");
});

test("a counter that starts again is no negative rate", () => {
  const { bitrateIn, loss } = summarize(report({ bytes: 5000, received: 50, lost: 5 }), report({ bytes: 10, received: 60 }), 1);
  assert.deepEqual([bitrateIn, loss], [0, 0]);
});

test("quality follows the worse of delay and loss", () => {
  assert.deepEqual(
    [qualityOf(0.1, 0), qualityOf(0.3, 0), qualityOf(0.8, 0), qualityOf(0.1, 0.02), qualityOf(0.1, 0.08), qualityOf(null, null)],
    ["good", "fair", "poor", "fair", "poor", "good"],
  );
});
