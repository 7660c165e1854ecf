import assert from "node:assert/strict";
import { test } from "node:test";
import { delay } from "../../../web/lib/backoff.js";
import { Assembler, fragment, isNewer, toRaw } from "../../../web/lib/channels/chunking.js";
import { decodeLabel, encodeLabel, kindNamed } from "../../../web/lib/channels/kinds.js";
import { CLOSE_REASONS } from "../../../web/lib/errors.js";
import { Negotiation } from "../../../web/lib/negotiation.js";
import { decode, encode } from "../../../web/lib/protocol.js";
import { Session } from "../../../web/lib/signaling_client/session.js";
import { bytes, vectors } from "../vectors.js";

test("the back-off of both languages is one", () => {
  for (const { attempt, fraction, delay: expected } of vectors("backoff")) {
    assert.equal(delay(attempt, fraction), expected);
  }
});

test("both languages know the same goodbyes", () => {
  assert.deepEqual(CLOSE_REASONS, vectors("errors").close_reasons);
});

const labels = vectors("labels");

test("labels are written and read alike", () => {
  for (const { label, encoded } of labels.labels) {
    assert.equal(encodeLabel(label), encoded);
    assert.equal(decodeLabel(encoded), label);
  }
  for (const { label, why } of labels.refuse) assert.throws(() => encodeLabel(label), why);
  for (const { encoded, why } of labels.foreign) assert.equal(decodeLabel(encoded), null, why);
});

const framing = vectors("framing");
const contentOf = ({ is_text: isText, content }) => (isText ? bytes(content).toString() : bytes(content));
const plain = (data) => (typeof data === "string" ? data : Buffer.from(data));

for (const { name, kind, sequence, framed, ...message } of framing.send) {
  test(`framed alike: ${name}`, () => {
    const sent = fragment(kindNamed(kind), toRaw(kindNamed(kind), contentOf(message)), sequence);
    assert.deepEqual(sent.map(plain), framed.map(bytes));
  });
}

for (const { name, kind, content_bytes: count } of framing.refuse) {
  test(`refused alike: ${name}`, () => {
    assert.throws(() => toRaw(kindNamed(kind), new Uint8Array(count)), RangeError);
  });
}

for (const { name, kind, steps } of framing.receive) {
  test(`put together alike: ${name}`, () => {
    const assembler = new Assembler(kindNamed(kind));
    for (const step of steps) {
      const made = assembler.receive(bytes(step.framed));
      assert.equal(made.is, step.is);
      if (made.is === "message") assert.deepEqual(plain(made.data), plain(contentOf(step)));
    }
  });
}

test("newer is newer in both languages", () => {
  for (const [a, b, expected] of framing.newer) assert.equal(isNewer(a, b), expected, `${a} ${b}`);
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

for (const { name, after_opening: afterOpening, steps } of session.cases) {
  test(`a session does alike: ${name}`, () => {
    const machine = new Session({ capabilities: { engine: "test" }, random: () => FRACTION });
    for (const { input, effects, wake_at: wakeAt } of [...(afterOpening ? session.opening : []), ...steps]) {
      const [method, ...rest] = input;
      assert.deepEqual(asWritten(machine[camel(method)](...rest)), asWritten(effects), JSON.stringify(input));
      if (wakeAt === null) assert.equal(machine.wakeAt, Infinity);
      else if (wakeAt !== undefined) assert.ok(Math.abs(machine.wakeAt - wakeAt) < 1e-6, `wake at ${machine.wakeAt}`);
    }
  });
}
