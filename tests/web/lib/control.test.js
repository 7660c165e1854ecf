import assert from "node:assert/strict";
import { test } from "node:test";
import { fragment, toRaw } from "../../../web/lib/channels/chunking.js";
import { RELIABLE } from "../../../web/lib/channels/kinds.js";
import { Control } from "../../../web/lib/control.js";
import { parseControl } from "../../../web/lib/wire.js";
import { seeded } from "../random.js";

function control() {
  const lane = { readyState: "open", bufferedAmount: 0, sent: [], send: (data) => lane.sent.push(data) };
  const [received, violations] = [[], []];
  const machine = new Control(
    { createDataChannel: () => lane },
    { opened() {}, closed() {}, received: (message) => received.push(message), violated: (why) => violations.push(why) },
  );
  const hear = (text) => {
    for (const { buffer } of fragment(RELIABLE, toRaw(RELIABLE, text))) lane.onmessage({ data: buffer });
  };
  return { machine, lane, received, violations, hear };
}

test("what one says the other reads", () => {
  const [mine, theirs] = [control(), control()];
  const message = { type: "ack", received: Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`${n}`, [n, n]])) };
  assert.equal(mine.machine.say(message), true);
  for (const { buffer } of mine.lane.sent) theirs.lane.onmessage({ data: buffer });
  assert.deepEqual(theirs.received, [message]);
});

test("nothing is said while it is not open, nor to somebody who does not read", () => {
  const { machine, lane } = control();
  lane.readyState = "connecting";
  assert.equal(machine.say({ type: "bye" }), false);
  Object.assign(lane, { readyState: "open", bufferedAmount: 2 ** 21 });
  assert.equal(machine.say({ type: "bye" }), false);
  assert.equal(lane.sent.length, 0);
});

test("what is no message is ignored", () => {
  const { received, violations, hear, lane } = control();
  for (const text of ["", "{", "null", "[]", '"bye"', '{"type":"sing"}', '{"type":"close"}', '{"type":"close","label":1}']) hear(text);
  lane.onmessage({ data: "text" });
  hear('{"type":"close","label":"x"}');
  assert.deepEqual(received, [{ type: "close", label: "x", id: "" }]);
  assert.deepEqual(violations, []);
});

test("words without their parts are none", () => {
  for (const text of [
    '{"type":"open","label":"x"}',
    '{"type":"open","label":"x","kind":"bulk","id":null}',
    '{"type":"ack"}',
    '{"type":"ack","received":[]}',
    '{"type":"ack","received":null}',
    '{"type":"media","slots":{"camera":"loud"}}',
    '{"type":"media"}',
  ]) {
    assert.equal(parseControl(text), undefined, text);
  }
  assert.equal(parseControl(new Uint8Array(3)), undefined);
});

test("a word that is too long is a violation, and so are too many; acknowledgements may be as many as they like", () => {
  const long = control();
  long.hear("x".repeat(64 * 1024 + 1));
  assert.equal(long.violations.length, 1);
  const many = control();
  for (let n = 0; n < 3000; n += 1) many.hear('{"type":"ack","received":{}}');
  assert.deepEqual([many.received.length, many.violations.length], [3000, 0]);
  for (let n = 0; n < 3000; n += 1) many.hear('{"type":"probe"}');
  assert.ok(many.violations.length > 0);
  assert.ok(many.received.length < 3000 + 1300);
});

test("no text whatsoever makes it throw", () => {
  const chance = seeded(23);
  const words = ['{"type":"', "open", "close", "ack", '","', "label", '":', '"id"', "null", "{", "}", "[1,2]", "received", "1e999"];
  for (let n = 0; n < 5000; n += 1) {
    let text = "";
    for (let m = chance() * 12; m > 0; m -= 1) text += words[Math.floor(chance() * words.length)];
    parseControl(text);
  }
});
