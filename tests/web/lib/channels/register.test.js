import assert from "node:assert/strict";
import { test } from "node:test";
import { BULK, LATEST, RELIABLE, UNRELIABLE } from "../../../../web/lib/channels/kinds.js";
import { MAX_CHANNELS } from "../../../../web/lib/channels/register.js";
import { Closed, Full, Refused } from "../../../../web/lib/errors.js";
import { FakeLane, listen, pair, Side, steps, Two } from "./lanes.js";

const statesOf = (channels) => channels.map(({ state }) => state);

test("a channel of the offerer shows up at the answerer", () => {
  const two = new Two();
  const mine = two.offerer.register.open("größe", LATEST);
  two.exchange();
  const [theirs] = two.answerer.opened;
  assert.deepEqual([theirs.label, theirs.kind, theirs.state, mine.state], ["größe", LATEST, "open", "open"]);
  assert.equal(two.offerer.opened.length, 0);
});

test("a channel of the answerer is made by the offerer", () => {
  const two = new Two();
  const mine = two.answerer.register.open("chat", RELIABLE);
  two.exchange();
  assert.equal(mine.state, "open");
  assert.deepEqual(two.offerer.opened.map(({ label }) => label), ["chat"]);
  assert.equal(two.answerer.opened.length, 0);
});

test("both at once is one channel", () => {
  const two = new Two();
  assert.deepEqual(statesOf(pair(two, "chat", BULK)), ["open", "open"]);
  assert.equal(two.offerer.opened.length + two.answerer.opened.length, 0);
});

test("the same label is the same channel and another kind is refused", () => {
  const { register } = new Two().offerer;
  const channel = register.open("chat", RELIABLE);
  assert.equal(register.open("chat", RELIABLE), channel);
  assert.throws(() => register.open("chat", LATEST), Refused);
});

test("who asks for another kind is refused and gets the one there is", () => {
  const two = new Two();
  const mine = two.offerer.register.open("chat", RELIABLE);
  const wrong = two.answerer.register.open("chat", UNRELIABLE);
  two.exchange();
  assert.deepEqual(statesOf([wrong, mine]), ["closed", "open"]);
  assert.deepEqual(two.answerer.opened.map(({ kind }) => kind), [RELIABLE]);
});

for (const closing of [0, 1]) {
  const name = ["offerer", "answerer"][closing];

  test(`the ${name} closes: both are closed, what was sent has arrived, and the label is free again`, () => {
    const two = new Two();
    const ends = pair(two, "chat", RELIABLE);
    const heard = listen(ends[1 - closing]);
    ends[closing].sendNow(new Uint8Array(100_000));
    ends[closing].sendNow("last");
    ends[closing].close();
    two.exchange();
    assert.deepEqual(statesOf(ends), ["closed", "closed"]);
    assert.equal(heard.at(-1), "last");
    const again = pair(two, "chat", RELIABLE);
    assert.deepEqual(statesOf(again), ["open", "open"]);
    assert.notEqual(again[closing], ends[closing]);
  });

  test(`what the ${name} closes during an interruption does not come back`, () => {
    const two = new Two();
    const ends = pair(two, "chat", RELIABLE);
    two.cut();
    ends[closing].close();
    two.connect();
    two.exchange();
    assert.deepEqual(statesOf(ends), ["closed", "closed"]);
    assert.equal(two.offerer.opened.length + two.answerer.opened.length, 0);
  });

  test(`what the ${name} closes and opens again during an interruption is a new channel`, () => {
    const two = new Two();
    const ends = pair(two, "chat", RELIABLE);
    two.cut();
    ends[closing].close();
    const again = two.sides[closing].register.open("chat", RELIABLE);
    two.connect();
    two.exchange();
    assert.deepEqual(statesOf(ends), ["closed", "closed"]);
    const [theirs] = two.sides[1 - closing].opened;
    assert.deepEqual(statesOf([again, theirs]), ["open", "open"]);
  });
}

test("what the answerer closes before it was made is closed on both sides", () => {
  const two = new Two();
  const mine = two.answerer.register.open("chat", RELIABLE);
  mine.close();
  const again = two.answerer.register.open("chat", RELIABLE);
  two.exchange();
  assert.deepEqual(statesOf([mine, again]), ["closed", "open"]);
  assert.deepEqual(statesOf(two.offerer.opened), ["closed", "open"]);
});

test("channels come back with the next connection, under the same id", () => {
  const two = new Two();
  const channels = [two.offerer.register.open("a", LATEST), two.answerer.register.open("b", RELIABLE)];
  two.exchange();
  const before = two.offerer.register.open("a", LATEST).carrier.id;
  two.cut();
  assert.deepEqual(statesOf(channels), ["opening", "opening"]);
  two.connect();
  two.exchange();
  assert.deepEqual(statesOf(channels), ["open", "open"]);
  assert.equal(channels[0].carrier.id, before);
  assert.equal(two.offerer.opened.length + two.answerer.opened.length, 2);
});

test("what is opened between connections is made in the next", () => {
  const two = new Two();
  two.cut();
  const channels = [two.offerer.register.open("a", LATEST), two.answerer.register.open("b", BULK)];
  two.connect();
  two.exchange();
  assert.deepEqual(statesOf(channels), ["open", "open"]);
});

test("256 channels are enough for anybody, and who asks for one more is told", () => {
  const two = new Two();
  for (let n = 0; n < MAX_CHANNELS; n += 1) two.answerer.register.open(String(n), RELIABLE);
  assert.throws(() => two.answerer.register.open("one more", RELIABLE), Full);
  two.exchange();
  two.offerer.hear({ type: "open", label: "one more", kind: "reliable" });
  assert.deepEqual(two.offerer.words(), [{ type: "close", label: "one more", id: "" }]);
  assert.equal(two.offerer.opened.length, MAX_CHANNELS);
  const lane = new FakeLane("one%20more", "peerlane.v1.reliable.0123abcd");
  two.answerer.pc.adopt(lane);
  assert.equal(lane.readyState, "closed");
});

test("what cannot be made is answered so that nobody waits", () => {
  const { offerer } = new Two();
  for (const [label, kind] of [["", "reliable"], ["x".repeat(129), "reliable"], ["\ud800", "bulk"], ["x", "express"]]) {
    offerer.hear({ type: "open", label, kind });
    assert.deepEqual(offerer.words(), [{ type: "close", label, id: "" }]);
  }
  assert.equal(offerer.opened.length, 0);
});

test("an answerer whose wish cannot be fulfilled hears that its channel is closed", async () => {
  const { answerer } = new Two();
  const channel = answerer.register.open("x", RELIABLE);
  answerer.hear({ type: "close", label: "x", id: "" });
  await assert.rejects(channel.waitOpen(), Closed);
});

test("an open with an id that nobody carries is answered with a close of it", () => {
  const { offerer } = new Two();
  offerer.hear({ type: "open", label: "x", kind: "bulk", id: "0123abcd" });
  assert.deepEqual(offerer.words(), [{ type: "close", label: "x", id: "0123abcd" }]);
});

test("a close of another id than ours is ignored", () => {
  const two = new Two();
  const ends = pair(two, "chat", RELIABLE);
  for (const side of two.sides) side.hear({ type: "close", label: "chat", id: "ffffffff" });
  two.exchange();
  assert.deepEqual(statesOf(ends), ["open", "open"]);
});

test("lanes that are not ours are closed, and so are those that the offerer gets", () => {
  const two = new Two();
  const foreign = [["a b", "peerlane.v1.latest.0123abcd"], ["chat", ""], ["chat", "peerlane.v1.latest"]];
  const lanes = foreign.map((words) => new FakeLane(...words));
  for (const lane of lanes) two.answerer.pc.adopt(lane);
  const atOfferer = new FakeLane("chat", "peerlane.v1.latest.0123abcd");
  two.offerer.pc.adopt(atOfferer);
  for (const lane of [...lanes, atOfferer]) assert.equal(lane.readyState, "closed");
  assert.equal(two.answerer.opened.length + two.offerer.opened.length, 0);
});

test("a lane of a channel that was closed here is refused, and the other side is told", () => {
  const two = new Two();
  const [, theirs] = pair(two, "chat", RELIABLE);
  const { id } = theirs.carrier;
  theirs.close();
  two.exchange();
  two.answerer.words();
  const lane = new FakeLane("chat", `peerlane.v1.reliable.${id}`);
  two.answerer.pc.adopt(lane);
  assert.equal(lane.readyState, "closed");
  assert.deepEqual(two.answerer.words(), [{ type: "close", label: "chat", id }]);
});

test("a lane with another id has replaced the channel of its label", () => {
  const two = new Two();
  const [, theirs] = pair(two, "chat", RELIABLE);
  const lane = new FakeLane("chat", "peerlane.v1.reliable.ffffffff");
  two.answerer.pc.adopt(lane);
  lane.open();
  const [newer] = two.answerer.opened;
  assert.equal(newer.state, "open");
  for (const [, end] of two.lanes) end.closed();
  assert.equal(theirs.state, "closed");
});

test("closes that cannot be said are kept, and said before anything else", () => {
  const two = new Two();
  const [mine] = pair(two, "chat", RELIABLE);
  two.cut();
  const { id } = mine.carrier;
  mine.close();
  two.offerer.connect();
  two.offerer.register.ask();
  assert.deepEqual(two.offerer.said, [{ type: "close", label: "chat", id }]);
});

test("more lanes that have to be refused than there is a reason for are a violation", () => {
  const { answerer } = new Two();
  for (let n = 0; n < 3000; n += 1) answerer.pc.adopt(new FakeLane("x", "other"));
  assert.ok(answerer.violations.length > 0);
});

test("more acknowledgements of nothing than there is a reason for are a violation", () => {
  const { answerer } = new Two();
  for (let n = 0; n < 3000; n += 1) answerer.hear({ type: "ack", received: { "0123abcd": [1, 2, 0] } });
  assert.ok(answerer.violations.length > 0);
});

test("no acknowledgement whatsoever makes it throw, or lets go what has not arrived", () => {
  const two = new Two();
  const [mine] = pair(two, "chat", RELIABLE);
  mine.sendNow("x");
  const { id } = mine.carrier;
  const nonsense = [null, 1, "1", [], [1], [1, 2], ["1", "2", 0], [-1, 0, 0], [0, -1, 0], [1.5, 0, 0], [2, 0, 0], [1, 999, 0], [{}, [], 0], [null, 0, 0], [1, 8, -1], [1, 8, "0"], [1, 8, null], [1, 8, true]];
  for (const value of nonsense) two.offerer.hear({ type: "ack", received: { [id]: value, __proto__: [1, 2] } });
  assert.equal(mine.statistics().unacknowledgedMessages, 1);
});

test("all end with the connection, and what was sent goes out first", async () => {
  const two = new Two();
  const [mine, theirs] = pair(two, "chat", BULK);
  const heard = listen(theirs);
  mine.sendNow(new Uint8Array(200_000));
  mine.sendNow("bye");
  two.offerer.register.close();
  await assert.rejects(mine.waitOpen(), Closed);
  two.exchange();
  assert.equal(heard.at(-1), "bye");
  assert.deepEqual(two.offerer.words(), []);
});

test("what all channels keep of unfinished messages is bounded", async () => {
  const two = new Two();
  const megabyte = new Uint8Array(1024 * 1024 + 1);
  megabyte[0] = 2;
  for (let n = 0; n < 5; n += 1) {
    const [, theirs] = pair(two, String(n), BULK);
    const [, lane] = two.lanes.at(-1);
    lane.receive([4, 0, 0, 0, 0, 0, 0]);
    for (let m = 0; m < 15 && n < 4; m += 1) lane.receive(megabyte);
    assert.equal(theirs.state, "open");
  }
  const last = two.answerer.register.open("4", BULK);
  for (let m = 0; m < 5; m += 1) two.lanes.at(-1)[1].receive(megabyte);
  assert.equal(last.state, "closed");
  await assert.rejects(last.waitOpen(), ({ code }) => code === "too-large");
});

test("a label that cannot be one is the caller's mistake", () => {
  assert.throws(() => new Side(true).register.open("", RELIABLE), RangeError);
});

test("nothing is lost or doubled by lanes that only close", async () => {
  const two = new Two();
  const [mine, theirs] = pair(two, "chat", RELIABLE);
  const heard = listen(theirs);
  mine.sendNow("one");
  const [lane] = two.lanes[0];
  lane.readyState = "closing";
  mine.sendNow("two");
  lane.closed();
  assert.equal(mine.state, "opening");
  mine.sendNow("three");
  two.cut();
  two.connect();
  two.exchange();
  await steps();
  assert.deepEqual(heard, ["one", "two", "three"]);
});
