import assert from "node:assert/strict";
import { test } from "node:test";
import { Findings, MAX_FINDINGS } from "../../../web/lib/findings.js";
import { seeded } from "../random.js";

const HOST = "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host";
const NAMED = "candidate:1 1 udp 2130706431 3e1d.local 50000 typ host";
const REFLEXIVE = "candidate:2 1 UDP 1694498815 2001:db8::1 50000 typ srflx raddr 0.0.0.0 rport 0";
const RELAYED = "candidate:3 1 udp 41885439 192.0.2.9 50000 typ relay";

function offer(fragment, ...lines) {
  const sdp = [`ice-ufrag:${fragment}`, ...lines].map((line) => `a=${line}\r\n`).join("");
  return { kind: "description", generation: 1, type: "offer", sdp: `v=0\r\n${sdp}` };
}

const candidate = (line) => ({ kind: "candidate", generation: 1, ...(line === null ? {} : { candidate: { candidate: line } }) });

test("candidates are known from descriptions and from those that follow", () => {
  const findings = new Findings();
  findings.sent(offer("one", HOST));
  findings.gathered({ candidate: REFLEXIVE });
  findings.gathered({ candidate: RELAYED, relayProtocol: "tls" });
  findings.received(offer("other"));
  findings.received(candidate(NAMED));
  const { local, remote, hasAnswer } = findings.facts;
  assert.deepEqual(local.map(({ type, family, relayProtocol }) => [type, family, relayProtocol]), [
    ["host", 4, ""],
    ["srflx", 6, ""],
    ["relay", 4, "tls"],
  ]);
  assert.deepEqual(remote, [{ type: "host", protocol: "udp", relayProtocol: "", family: 0 }]);
  assert.ok(hasAnswer);
});

test("the end of candidates is known of each side", () => {
  const findings = new Findings();
  findings.gathered(null);
  assert.deepEqual([findings.facts.isGathered, findings.facts.isRemoteGathered], [true, false]);
  findings.received(candidate(null));
  assert.ok(findings.facts.isRemoteGathered);
  findings.received(offer("new", HOST));
  assert.ok(!findings.facts.isRemoteGathered);
  findings.received(offer("newer", HOST, "end-of-candidates"));
  assert.ok(findings.facts.isRemoteGathered);
});

test("new credentials begin anew, and another round with the old ones does not", () => {
  const findings = new Findings();
  findings.sent(offer("one", HOST, REFLEXIVE));
  findings.troubled({ url: "stun:192.0.2.1", code: 701 });
  findings.sent(offer("one", HOST));
  assert.deepEqual([findings.facts.local.length, findings.facts.troubles.length], [2, 1]);
  findings.sent(offer("two", HOST));
  assert.deepEqual([findings.facts.local.length, findings.facts.troubles.length], [1, 0]);
});

test("findings are bounded", () => {
  const findings = new Findings();
  for (let number = 0; number < 1000; number += 1) {
    findings.received(candidate(HOST));
    findings.troubled({ url: "stun:192.0.2.1", code: 701 });
  }
  assert.deepEqual([findings.facts.remote.length, findings.facts.troubles.length], [MAX_FINDINGS, MAX_FINDINGS]);
});

test("whatever the other side says, nothing throws", () => {
  const findings = new Findings();
  for (const payload of [null, 7, {}, { kind: "description" }, { kind: "candidate", candidate: 7 }, { kind: "candidate", candidate: null }]) {
    findings.received(payload);
  }
  const chance = seeded(7);
  for (let round = 0; round < 200; round += 1) {
    const line = Array.from({ length: 40 }, () => String.fromCharCode(32 + Math.floor(chance() * 95))).join("");
    findings.received(candidate(line));
    findings.received(offer(line, line));
  }
  assert.deepEqual(findings.facts.remote, []);
});
