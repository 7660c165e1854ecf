import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointOf, MAX_SERVERS, sorted, typed } from "../../../../../web/lib/nat/probes/servers.js";

test("what was typed is taken with blanks and commas between", () => {
  assert.deepEqual(typed("stun:a.example, stun:b.example:9\nturns:c.example:443?transport=tcp", "ana", "secret"), {
    servers: [
      { urls: ["stun:a.example"] },
      { urls: ["stun:b.example:9"] },
      { urls: ["turns:c.example:443?transport=tcp"], username: "ana", credential: "secret" },
    ],
    problems: [],
  });
  assert.deepEqual(typed(" ", "", ""), { servers: [], problems: [] });
});

test("one server that cannot be asked is named, and then none is asked", () => {
  for (const [url, words] of [
    ["https://a.example", /peerlane nat check https:\/\/a\.example$/],
    ["a.example", /a\.example is no server: write it like stun:/],
    ["stuns:a.example", /is no server/],
    ["stun:a.example:70000", /is no server/],
    ["stun:user@a.example", /is no server/],
    ["turn:a.example", /needs a user name and a password/],
  ]) {
    const { servers, problems } = typed(`stun:good.example ${url}`, "", "");
    assert.deepEqual(servers, []);
    assert.equal(problems.length, 1);
    assert.match(problems[0], words);
  }
});

test("servers are told apart by what is asked, not by how it is written", () => {
  const { stun, turn } = sorted([
    { urls: ["stun:A.example", "stun:a.example:3478", "stun:[2001:db8::1]"] },
    { urls: "turn:a.example", username: "ana", credential: "one" },
    { urls: ["turn:a.example?transport=udp", "turn:a.example?transport=tcp"], username: "ana", credential: "one" },
    { urls: "turn:a.example", username: "ana", credential: "two" },
    { urls: ["turns:a.example", "http://a.example", ""] },
  ]);
  assert.deepEqual(stun, [
    { url: "stun:A.example", endpoint: "a.example:3478" },
    { url: "stun:[2001:db8::1]", endpoint: "[2001:db8::1]:3478" },
  ]);
  assert.deepEqual(
    turn.map(({ endpoint, transport, credential }) => [endpoint, transport, credential]),
    [
      ["a.example:3478", "udp", "one"],
      ["a.example:3478", "tcp", "one"],
      ["a.example:3478", "udp", "two"],
      ["a.example:5349", "tls", ""],
    ],
  );
});

test("there are never too many", () => {
  const urls = Array.from({ length: 100 }, (_, index) => `stun:${index}.example`);
  assert.equal(sorted([{ urls }]).stun.length, MAX_SERVERS);
});

test("an endpoint has its port, and nonsense has none", () => {
  assert.equal(endpointOf("turns:a.example?transport=tcp"), "a.example:5349");
  assert.equal(endpointOf("stun:203.0.113.7:19302"), "203.0.113.7:19302");
  for (const url of ["", "stun:", "stun:a:0", "stun:[a", "javascript:alert(1)"]) assert.equal(endpointOf(url), "");
});
