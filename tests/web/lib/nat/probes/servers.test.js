import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_SERVERS, sorted, typed } from "../../../../../web/lib/nat/probes/servers.js";

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
    { urls: ["turns:a.example", "http://a.example", "stun:", "stun:a:0", "stun:[a", ""] },
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

test("a TURN server over UDP is asked plain questions too, unless it is asked already", () => {
  const credentials = { username: "ana", credential: "secret" };
  const { stun } = sorted([
    { urls: ["turn:a.example", "turn:b.example?transport=udp", "turn:c.example?transport=tcp"], ...credentials },
    { urls: "stun:a.example" },
  ]);
  assert.deepEqual(stun, [
    { url: "stun:a.example", endpoint: "a.example:3478" },
    { url: "turn:b.example?transport=udp", endpoint: "b.example:3478" },
  ]);
});

test("there are never too many", () => {
  const urls = Array.from({ length: 100 }, (_, index) => `stun:${index}.example`);
  assert.equal(sorted([{ urls }]).stun.length, MAX_SERVERS);
});
