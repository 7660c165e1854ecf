import assert from "node:assert/strict";
import { test } from "node:test";
import { foundIn } from "../../../../../web/lib/nat/probes/gathering.js";
import {
  interfacesIn,
  mappingTests,
  stunAnswers,
  withoutNoise,
} from "../../../../../web/lib/nat/probes/stun.js";
import { whyNoRelay } from "../../../../../web/lib/nat/probes/turn.js";

const ONE = "203.0.113.10:3478";
const TWO = "203.0.113.11:3478";
const SERVER = { url: "stun:203.0.113.10", endpoint: ONE };
const IDLE = 0.1;

/** A candidate as Chromium tells it. */
const candidate = (type, address, port, more = {}) =>
  foundIn({ type, address, port, priority: 1, foundation: "f", relatedAddress: null, relatedPort: null, url: "", ...more }, 0.03);
const hidden = candidate("host", "1b2c.local", 40000);
const shown = candidate("host", "192.168.1.5", 40000);
const seenAs = (port, more = {}) =>
  candidate("srflx", "198.51.100.7", port, { relatedAddress: "0.0.0.0", relatedPort: 0, url: `stun:${ONE}`, ...more });
const gathered = (found, more = {}) => ({ found, failures: [], took: null, ...more });

test("an answer is told with its time and the endpoint that the server saw", () => {
  assert.deepEqual(stunAnswers(SERVER, gathered([hidden, seenAs(50000)]), IDLE), [
    { url: SERVER.url, family: 4, local: "", mapped: "198.51.100.7:50000", rtt: 0.03 },
  ]);
});

test("the way out that the browser likes best counts", () => {
  const other = candidate("srflx", "198.51.100.99", 1, { priority: 9, relatedAddress: "10.0.0.9", relatedPort: 7 });
  const [{ local, mapped }] = stunAnswers(SERVER, gathered([seenAs(50000), other]), IDLE);
  assert.deepEqual([local, mapped], ["10.0.0.9:7", "198.51.100.99:1"]);
});

test("both families are told, when both have answered", () => {
  const six = candidate("srflx", "2001:db8::7", 40000, { relatedAddress: "::", relatedPort: 0 });
  const answers = stunAnswers({ url: "stun:a.example", endpoint: "a.example:3478" }, gathered([seenAs(5), six]), IDLE);
  assert.deepEqual(
    answers.map(({ family, mapped }) => [family, mapped]),
    [
      [4, "198.51.100.7:5"],
      [6, "[2001:db8::7]:40000"],
    ],
  );
});

test("no news at the end of gathering are good news where no NAT is", () => {
  const [{ local, mapped, rtt }] = stunAnswers(SERVER, gathered([shown], { took: 0.15 }), IDLE);
  assert.deepEqual([local, mapped], ["192.168.1.5:40000", "192.168.1.5:40000"]);
  assert.ok(Math.abs(rtt - 0.05) < 1e-9);
  const [silent] = stunAnswers(SERVER, gathered([hidden], { took: 0.15 }), IDLE);
  assert.equal(silent.rtt, undefined);
});

test("a server that is silent or has no address is told as such", () => {
  const [silent] = stunAnswers(SERVER, gathered([shown]), IDLE);
  assert.deepEqual(silent, { url: SERVER.url, family: 4, trouble: "nothing came back" });
  const failures = [{ url: "stun:x.invalid:3478", family: 4, code: 701, text: "STUN host lookup received error." }];
  const [nameless] = stunAnswers(SERVER, gathered([shown], { failures, took: 0.2 }), IDLE);
  assert.match(nameless.trouble, /lookup/);
  const [six] = stunAnswers({ url: "stun:[2001:db8::1]", endpoint: "[2001:db8::1]:3478" }, gathered([]), IDLE);
  assert.equal(six.family, 6);
});

test("where an answer could not be seen, silence is not told as such", () => {
  const open = [candidate("host", "203.0.113.99", 1), candidate("host", "2001:db8::9", 2)];
  const named = { url: "stun:a.example", endpoint: "a.example:3478" };
  assert.deepEqual(stunAnswers(named, gathered(open), IDLE), []);
  assert.equal(stunAnswers(named, gathered([open[0]]), IDLE).length, 1);
  assert.equal(stunAnswers(SERVER, gathered(open), IDLE).length, 1);
});

test("a machine without IPv6 asks nobody over it, and so nobody is silent there", () => {
  const six = { url: "stun:[2001:db8::1]", endpoint: "[2001:db8::1]:3478" };
  assert.deepEqual(stunAnswers(six, gathered([shown], { took: 0.1 }), IDLE), []);
  const failures = [{ url: "stun:[2001:db8::1]:3478", family: 6, code: 701, text: "STUN binding request timed out." }];
  assert.equal(stunAnswers(six, gathered([shown], { took: 9, failures }), IDLE)[0].family, 6);
});

test("silence over IPv4 is not told of a server that answers over IPv6, where nobody answers over IPv4", () => {
  const over6 = { url: "stun:a", family: 6, rtt: 0.1 };
  const not4 = { url: "stun:a", family: 4 };
  const other = { url: "stun:b", family: 4 };
  assert.deepEqual(withoutNoise([over6, not4, other]), [over6, other]);
  assert.deepEqual(withoutNoise([over6, not4, { ...other, rtt: 0.1 }]).length, 3);
});

test("one endpoint for all servers is one mapping", () => {
  assert.deepEqual(mappingTests([ONE, TWO], gathered([hidden, seenAs(50000)], { took: 0.2 })), [
    {
      family: 4,
      local: "",
      mapped: { [ONE]: "198.51.100.7:50000", [TWO]: "198.51.100.7:50000" },
      silent: [],
    },
  ]);
});

test("two endpoints of one socket are told with the servers that saw them", () => {
  const [{ mapped }] = mappingTests([ONE, TWO], gathered([seenAs(1), seenAs(2, { url: `stun:${TWO}` })]));
  assert.deepEqual(mapped, { [ONE]: "198.51.100.7:1", [TWO]: "198.51.100.7:2" });
});

test("where the browser does not say who saw what, it is still seen that they differ", () => {
  const [{ mapped }] = mappingTests([ONE, TWO], gathered([seenAs(1, { url: "" }), seenAs(2, { url: "", foundation: "g" })]));
  assert.deepEqual(new Set(Object.values(mapped)), new Set(["198.51.100.7:1", "198.51.100.7:2"]));
});

test("two sockets with an endpoint each are no NAT that changes ports", () => {
  const [{ mapped }] = mappingTests([ONE, TWO], gathered([seenAs(1), seenAs(2, { foundation: "g", priority: 9 })]));
  assert.deepEqual(new Set(Object.values(mapped)), new Set(["198.51.100.7:2"]));
});

test("a server that has failed has seen nothing", () => {
  const failures = [{ url: `stun:${TWO}`, family: 4, code: 701, text: "STUN binding error." }];
  const [{ mapped }] = mappingTests([ONE, TWO], gathered([seenAs(1)], { failures, took: 1 }));
  assert.deepEqual(mapped, { [ONE]: "198.51.100.7:1" });
});

test("addresses that the browser shows are those of this machine", () => {
  assert.equal(interfacesIn(gathered([hidden])), null);
  assert.deepEqual(interfacesIn(gathered([shown, shown, candidate("host", "[fd00::2]", 1)])), [
    { name: "network-1", address: "192.168.1.5", family: 4, scope: "private" },
    { name: "network-2", address: "fd00::2", family: 6, scope: "private" },
  ]);
});

test("why there is no relay is told as far as the browser knows", () => {
  const said = (code, text, url = "turn:a:3478?transport=udp") => ({ url, family: 4, code, text });
  const why = (failures, took = null, transport = "udp") => whyNoRelay(gathered([], { failures, took }), transport);
  assert.deepEqual(why([said(701, "timed out"), said(401, "Unauthorized.")]), { code: 401, trouble: "Unauthorized." });
  assert.match(why([said(701, "TURN host lookup received error.")]).trouble, /lookup/);
  assert.deepEqual(why([]), { code: 701, trouble: "nothing came back" });
  assert.match(why([], 0.1, "tcp").trouble, /^no connection/);
  assert.match(why([said(701, "Failed to establish connection")], 0.1, "tls").trouble, /TLS/);
  assert.equal(why([said(300, "x", "stun:a:3478")]).code, 701);
});
