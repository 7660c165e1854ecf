import assert from "node:assert/strict";
import { test } from "node:test";
import { anonymized } from "../../../../web/lib/nat/anonymous.js";
import { report } from "../../../../web/lib/nat/build.js";
import { EXIT_CODES } from "../../../../web/lib/nat/verdict.js";
import { NETWORKS } from "../../../../web/lib/nat/words.js";
import { seeded } from "../../random.js";
import { vectors } from "../../vectors.js";

const { cases } = vectors("nat");

/** A report as the examples have it: without the observations, and with rows that fit on a line. */
function written({ observations: _, sections, expectations, ...said }) {
  const grouped = {};
  for (const { outcome, why, network } of expectations) (grouped[`${outcome}: ${why}`] ??= []).push(network);
  const rows = sections.map((each) => [
    each.title,
    each.rows.map(({ label, value, note, level }) => [label, value, note, level]),
  ]);
  return { ...said, sections: Object.fromEntries(rows), expectations: grouped };
}

for (const { name, observations, report: expected } of cases) {
  test(`said alike: ${name}`, () => assert.deepEqual(written(report(observations)), expected));
}

test("each network has its name", () => {
  const { expectations } = report(cases.find(({ name }) => name === "IPv4 and IPv6 at home").observations);
  assert.deepEqual(Object.fromEntries(expectations.map(({ network, name }) => [network, name])), NETWORKS);
});

test("a report may be read and said again", () => {
  for (const { observations } of cases) {
    const said = report(observations);
    assert.deepEqual(report(JSON.parse(JSON.stringify(said.observations))), said);
  }
});

test("without names the same is said, and no name", () => {
  for (const { name, observations } of cases) {
    const [said, hidden] = [report(observations), anonymized(report(observations))];
    const text = JSON.stringify(hidden.observations);
    assert.doesNotMatch(text, /203\.0\.113|198\.51\.100|192\.168|2001:db8|example\.|exmaple/);
    if (name === "a server that tells nonsense") continue;
    assert.deepEqual(hidden.behaviour, said.behaviour);
    assert.deepEqual(hidden.expectations, said.expectations);
    assert.deepEqual([hidden.verdict.code, hidden.verdict.sentence], [said.verdict.code, said.verdict.sentence]);
  }
});

test("names are hidden as in Python", () => {
  const { observations } = cases.find(({ name }) => name === "a port-restricted NAT");
  const { stun, interfaces, turn, signaling } = anonymized(
    report({ ...observations, stun: [{ ...observations.stun[0], trouble: "q@host said no to 203.0.113.10, wlan 2.5 s" }] }),
  ).observations;
  assert.deepEqual(
    [stun[0].url, stun[0].local, stun[0].mapped, stun[0].trouble],
    ["stun:server-1", "private-1.1:40000", "public-2:40000", "(hidden) said no to public-1, wlan 2.5 s"],
  );
  assert.deepEqual(interfaces?.map(({ name, address }) => [name, address]), [
    ["lo-1", "loopback-1"],
    ["eth-1", "private-1.1"],
  ]);
  assert.equal(turn[2].url, "turns:server-2:443?transport=tcp");
  assert.equal(signaling[0].url, "https://server-3");
});

const TEXTS = ["", "[::1]:5", "203.0.113.10:3478", "203.0.113.10:3479", "192.168.1.2:4", "stun:a:1", "x\u0000\n", "[[", "::", "a@b"];

test("whatever was seen, something whole is said", () => {
  const random = seeded(11);
  const one = (/** @type {any[]} */ choices) => choices[Math.floor(random() * choices.length)];
  const some = (/** @type {() => any} */ make) => Array.from({ length: Math.floor(random() * 3) }, make);
  const text = () => one(TEXTS);
  const number = () => one([null, 0.02, -1, NaN, Infinity, 1e300]);
  const family = () => one([4, 6]);
  const perhaps = () => one([null, true, false]);
  for (let round = 0; round < 2000; round += 1) {
    const said = report({
      observer: one(["python", "browser"]),
      interfaces: one([null, some(() => ({ name: one(["wg0", "eth0"]), address: text(), family: family(), scope: "private" }))]),
      stun: some(() => ({ url: text(), family: family(), local: text(), mapped: text(), rtt: number(), trouble: text() })),
      mapping: some(() => ({ family: family(), local: text(), mapped: { [text()]: text(), [text()]: text() }, silent: [text()] })),
      filtering: some(() => ({ family: family(), from_other_address: perhaps(), from_other_port: perhaps() })),
      knock: some(() => ({ family: family(), before: text(), after: one([null, text()]) })),
      lifetime: some(() => ({ family: family(), alive_after: number() ?? 0, gone_after: number() })),
      size: some(() => ({ family: family(), largest: number(), fragments: perhaps() })),
      port_mappers: some(() => ({ kind: one(["upnp", "pcp"]), is_there: one([true, false]), external: text() })),
      hops: some(() => ({ number: 1, address: text(), scope: one([null, "shared", "private", "global"]) })),
      turn: some(() => ({ url: text(), transport: one(["udp", "tcp", "tls"]), allocated: number(), permitted: perhaps(), code: one([0, 401, 701]) })),
      signaling: some(() => ({ url: text(), http_rtt: number(), is_portal: one([true, false]), refused: one([true, false]) })),
      skipped: { [text()]: text() },
    });
    assert.equal(said.verdict.exit_code, EXIT_CODES[said.verdict.code]);
    assert.match(said.verdict.sentence, /^[A-Z][^\n{}]+\.$/);
    assert.ok(said.verdict.advice.length > 0);
    for (const { label, value, note } of said.sections.flatMap(({ rows }) => rows)) {
      assert.doesNotMatch(label + value + note, /[\x00-\x1f]|undefined/);
    }
    assert.equal(anonymized(said).verdict.exit_code >= 0, true);
  }
});
