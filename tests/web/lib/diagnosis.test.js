import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose } from "../../../web/lib/diagnosis.js";
import { Closed, Lost, Refused } from "../../../web/lib/errors.js";
import { NOTHING_KNOWN } from "../../../web/lib/facts.js";
import { WORDS } from "../../../web/lib/sentences.js";
import { seeded } from "../random.js";
import { vectors } from "../vectors.js";

const camel = (name) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** With the names of JavaScript, all the way down. */
function asHere(value) {
  if (Array.isArray(value)) return value.map(asHere);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [camel(name), asHere(each)]));
}

const { cases } = vectors("diagnosis");

for (const { name, facts, code, ...words } of cases) {
  test(`said alike: ${name}`, () => {
    for (const known of Object.keys(asHere(facts))) assert.ok(known in NOTHING_KNOWN, known);
    const said = diagnose(asHere(facts));
    assert.equal(said?.code ?? null, code);
    for (const [part, text] of Object.entries(words)) assert.equal(said[part], text);
  });
}

test("both languages have words for the same codes", () => {
  const written = cases.filter(({ advice }) => advice !== undefined).map(({ code }) => code);
  assert.deepEqual(Object.keys(WORDS).sort(), written.sort());
});

const URLS = ["stun:a", "stun:b:3478", "turn:a:3478", "TURN:b?transport=tcp", "turns:[::1]:443", "no url", ""];

test("whatever is known, something whole is said or nothing", () => {
  const random = seeded(3);
  const one = (/** @type {any[]} */ choices) => choices[Math.floor(random() * choices.length)];
  const some = (/** @type {() => any} */ make) => Array.from({ length: Math.floor(random() * 4) }, make);
  const candidate = () => ({ type: one(["host", "srflx", "prflx", "relay"]), family: one([0, 4, 6]), relayProtocol: one(["", "tls"]) });
  for (let round = 0; round < 3000; round += 1) {
    const connection = one(["connecting", "connected", "interrupted", "closed"]);
    const said = diagnose({
      connection,
      silence: one([0, 3, 7.5, NaN, Infinity, -1]),
      link: one(["open", "open", "interrupted"]),
      linkReason: one(["", "gone\nfar\u0000away"]),
      healing: one([null, "restart", "rebuild"]),
      ice: one(["new", "checking", "connected", "failed"]),
      hasAnswer: one([true, true, false]),
      isGathered: one([true, false]),
      local: some(candidate),
      remote: some(candidate),
      servers: some(() => one(URLS)),
      troubles: some(() => ({ url: one(URLS), code: one([0, 401, 486, 701]), text: one(["", "bad certificate"]) })),
      rtt: one([null, NaN, 9]),
      loss: one([null, NaN, 9]),
    });
    if (connection === "interrupted") assert.notEqual(said, null);
    if (said) assert.match(`${said.sentence} ${said.advice}`, /^[^\n{}]+\. [^\n{}]+[.?]$/);
  }
});

test("an error says what its diagnosis says", () => {
  const diagnosis = { code: "no-path", sentence: "Nothing works.", advice: "Try again." };
  assert.equal(new Lost("the peer is gone", "wait", 5, diagnosis).message, "the peer is gone: Nothing works. Try again.");
  assert.equal(new Lost("the peer is gone", "wait").message, "the peer is gone (wait)");
  const same = new Lost("Nothing works.", "", 0, diagnosis);
  assert.deepEqual([same.message, same.hint], ["Nothing works. (Try again.)", "Try again."]);
});

test("who is lost or refused always learns why", () => {
  assert.deepEqual(new Lost("gone", "wait").diagnosis, { code: "lost", sentence: "gone", advice: "wait" });
  assert.deepEqual(new Refused("room-full").diagnosis, { code: "room-full", sentence: "refused: room-full", advice: "" });
  assert.equal(new Closed("you have left").diagnosis, null);
});
