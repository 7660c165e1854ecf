import assert from "node:assert/strict";
import { test } from "node:test";
import { delay } from "../../../web/lib/backoff.js";
import { CLOSE_REASONS } from "../../../web/lib/errors.js";
import { Negotiation } from "../../../web/lib/negotiation.js";
import { passwordProof } from "../../../web/lib/passwords.js";
import { decode, encode } from "../../../web/lib/protocol.js";
import { Allowance } from "../../../web/lib/signaling_client/allowance.js";
import { candidates, nearest } from "../../../web/lib/signaling_client/nearest.js";
import { Session } from "../../../web/lib/signaling_client/session.js";
import { vectors } from "../vectors.js";

test("the back-off of both languages is one", () => {
  for (const { attempt, fraction, delay: expected } of vectors("backoff")) {
    assert.equal(delay(attempt, fraction), expected);
  }
});

test("both languages know the same goodbyes", () => {
  assert.deepEqual(CLOSE_REASONS, vectors("errors").close_reasons);
});

test("what was said again is followed by the same pause in both languages", () => {
  for (const { messages_per_second: messagesPerSecond, steps } of vectors("allowance").cases) {
    const allowance = new Allowance();
    allowance.follow(messagesPerSecond);
    for (const [now, size, readyAt] of steps) {
      allowance.spend(size, now);
      assert.ok(Math.abs(allowance.readyAt - readyAt) < 1e-6);
    }
  }
});

test("a password has the same proof in both languages", async () => {
  for (const { password, room, proof } of vectors("passwords")) assert.equal(await passwordProof(password, room), proof);
});

/** Without what is only there because it was written out in full. */
function trimmed(value) {
  if (Array.isArray(value)) return value.map(trimmed);
  if (value === null || typeof value !== "object") return value;
  const isDefault = (each) => each === null || each === false || (typeof each === "object" && Object.keys(each).length === 0);
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, trimmed(each)]).filter(([, each]) => !isDefault(each)),
  );
}

for (const { name, you_offer: youOffer, steps } of vectors("negotiation").cases) {
  test(`negotiated alike: ${name}`, () => {
    const machine = new Negotiation(youOffer);
    for (const { input, effects } of steps) {
      const [method, ...rest] = input;
      const done = machine[method](...rest.map((each) => each ?? undefined));
      assert.deepEqual(trimmed(JSON.parse(JSON.stringify(done))), trimmed(effects), JSON.stringify(input));
    }
  });
}

const protocol = vectors("protocol");

test("every event is read, alone and in a batch", () => {
  for (const { json } of protocol.events) assert.deepEqual(decode(json), [JSON.parse(json)]);
});

test("what is no event is malformed in both languages", () => {
  for (const json of protocol.malformed_events) assert.equal(decode(json)[0].type, "malformed", json);
});

test("every request is written so that it can be read", () => {
  for (const { json } of protocol.requests) assert.deepEqual(JSON.parse(encode([JSON.parse(json)], 65_536)[0]), JSON.parse(json));
});

const FRACTION = 0.5;
const camel = (name) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const isDefault = (name, value) =>
  !value || (typeof value === "object" && Object.keys(value).length === 0) || (name === "version" && value === 1);

/** As on the wire, where defaults are left out, with the names of Python. */
const asWritten = (value) => {
  if (Array.isArray(value)) return value.map(asWritten);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([name, each]) => [snake(name), asWritten(each)]);
  return Object.fromEntries(entries.filter(([name, each]) => !isDefault(name, each)));
};

const session = vectors("session");

const HERE = { urls: ["ws://n1.example/v1/ws"] };

for (const { name, after_opening: afterOpening, addresses = HERE, steps } of session.cases) {
  test(`a session does alike: ${name}`, () => {
    const machine = new Session({ capabilities: { engine: "test" }, random: () => FRACTION, addresses });
    for (const { input, effects, wake_at: wakeAt } of [...(afterOpening ? session.opening : []), ...steps]) {
      const [method, ...rest] = input;
      assert.deepEqual(asWritten(machine[camel(method)](...rest)), asWritten(effects), JSON.stringify(input));
      if (wakeAt === null) assert.equal(machine.wakeAt, Infinity);
      else if (wakeAt !== undefined) assert.ok(Math.abs(machine.wakeAt - wakeAt) < 1e-6, `wake at ${machine.wakeAt}`);
    }
  });
}

const near = vectors("nearest");
const inOrder = (fractions) => () => fractions.shift();

for (const { name, measured, current, fractions, nodes, regions } of near.nearest) {
  test(`used alike: ${name}`, () => {
    const found = nearest(measured, current, inOrder(fractions));
    assert.deepEqual({ nodes: found.nodes.map(({ url }) => url), regions: found.regions }, { nodes, regions });
  });
}

for (const { name, answers, fractions, urls } of near.candidates) {
  test(`measured alike: ${name}`, () => {
    const found = candidates(new Map(Object.entries(answers)), inOrder(fractions));
    assert.deepEqual(found.map(({ url }) => url), urls);
  });
}
