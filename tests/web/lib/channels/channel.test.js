import assert from "node:assert/strict";
import { test } from "node:test";
import { Inbox, MAX_UNREAD_BYTES, MAX_UNREAD_MESSAGES } from "../../../../web/lib/channels/inbox.js";
import { BULK, LATEST, RELIABLE, UNRELIABLE } from "../../../../web/lib/channels/kinds.js";
import { Closed, Full, Lost, Refused } from "../../../../web/lib/errors.js";
import { seeded } from "../../random.js";
import { exchangeAll, FakeLane, listen, opened, pair, steps, stopped, Two } from "./lanes.js";

const KIB = 1024;

const isDone = async (promise) => (await Promise.race([promise.then(() => true, () => true), steps()])) === true;

/** All that is handed over until nothing more may be, however long that takes. */
function allTaken(lane, pass) {
  const taken = [];
  for (let quiet = 0; quiet < 10; quiet += 1) {
    if (lane.sent.length > 0) quiet = 0;
    taken.push(...lane.taken());
    pass(20);
  }
  return taken.reduce((sum, framed) => sum + framed.length, 0);
}

test("a channel opens with what is under it", async () => {
  const two = new Two();
  const channel = two.offerer.register.open("label", RELIABLE);
  const opening = channel.waitOpen();
  assert.equal(await isDone(opening), false);
  two.exchange();
  await opening;
  assert.equal(channel.state, "open");
});

test("a lane that is open when it comes is written to in a task of its own", async () => {
  const { answerer } = new Two();
  const lane = new FakeLane("chat", "peerlane.v1.reliable.0123abcd");
  lane.readyState = "open";
  const channel = answerer.register.open("chat", RELIABLE);
  const sending = channel.send("x");
  answerer.pc.adopt(lane);
  lane.open();
  await Promise.resolve();
  assert.equal(lane.sent.length, 0);
  await sending;
  assert.equal(lane.sent.length, 2);
});

test("what is acknowledged has left the buffer, whatever the browser says", () => {
  const { channel, lane, side } = opened(RELIABLE);
  channel.sendNow(new Uint8Array(200 * KIB));
  let sent = 0;
  for (let round = 0; round < 30; round += 1) {
    sent = lane.bufferedAmount;
    side.hear({ type: "ack", received: { [channel.carrier.id]: [sent > 200 * KIB ? 1 : 0, sent, 0] } });
  }
  assert.ok(sent > 200 * KIB);
});

test("what is told twice by a browser begins once", () => {
  const { channel, lane } = opened(RELIABLE);
  channel.sendNow("x");
  lane.dispatchEvent(new Event("open"));
  channel.sendNow("y");
  assert.deepEqual(lane.taken().map((framed) => framed[0]), [4, 1, 1]);
});

for (const [kind, keptBytes] of [[RELIABLE, 1024 * KIB], [BULK, 4096 * KIB]]) {
  test(`send waits while too much of ${kind.name} is unacknowledged`, async (context) => {
    const pass = stopped(context);
    const { channel, lane, side } = opened(kind);
    const half = new Uint8Array(keptBytes / 2 - 64);
    const sending = [channel.send(half), channel.send(half), channel.send(half)];
    assert.deepEqual(await Promise.all(sending.map(isDone)), [true, true, false]);
    assert.throws(() => channel.sendNow("me first"), Full);
    let taken = 0;
    for (let round = 0; channel.statistics().sent < 1; round += 1) {
      taken += allTaken(lane, pass);
      side.hear({ type: "ack", received: { [channel.carrier.id]: [0, taken, 0] } });
    }
    assert.equal(await isDone(sending[2]), false);
    side.hear({ type: "ack", received: { [channel.carrier.id]: [1, taken, 0] } });
    await sending[2];
  });
}

test("a long message is taken when nothing else is kept", () => {
  const { channel } = opened(RELIABLE);
  assert.equal(channel.sendNow(new Uint8Array(16 * KIB * KIB)), "sent");
  assert.throws(() => channel.sendNow(""), Full);
  assert.equal(channel.statistics().waitingMessages, 1);
});

test("before it has opened nothing but a value can be sent at once", () => {
  const { register } = new Two().offerer;
  for (const kind of [RELIABLE, BULK, UNRELIABLE]) assert.throws(() => register.open(kind.name, kind).sendNow("x"), Full);
  const latest = register.open("latest", LATEST);
  assert.deepEqual([latest.sendNow("old"), latest.sendNow("new")], ["sent", "replaced"]);
});

test("what was sent before a channel has opened arrives", async () => {
  const two = new Two();
  const kinds = [RELIABLE, BULK, UNRELIABLE, LATEST];
  const sending = kinds.map((kind) => two.answerer.register.open(kind.name, kind).send("early"));
  two.exchange();
  await Promise.all(sending);
  two.exchange();
  const heard = two.offerer.opened.map(listen);
  assert.deepEqual(heard, kinds.map(() => ["early"]));
});

test("what is too long for a kind is the caller's mistake", async () => {
  const { channel } = opened(UNRELIABLE);
  await assert.rejects(channel.send(new Uint8Array(1101)), RangeError);
  assert.throws(() => channel.sendNow(new Uint8Array(1101)), RangeError);
});

test("without a connection what is unreliable is dropped and counted, and what is reliable waits", () => {
  const two = new Two();
  const [unreliable, theirs] = pair(two, "u", UNRELIABLE);
  const [reliable, ordered] = pair(two, "r", RELIABLE);
  const [mine, values] = pair(two, "l", LATEST);
  two.cut();
  assert.equal(unreliable.sendNow("lost"), "dropped");
  assert.equal(reliable.sendNow("kept"), "sent");
  assert.deepEqual([mine.sendNow("old"), mine.sendNow("new")], ["sent", "replaced"]);
  two.connect();
  two.exchange();
  assert.deepEqual([theirs, ordered, values].map(listen), [[], ["kept"], ["new"]]);
  assert.equal(unreliable.statistics().dropped, 1);
});

test("bulk waits for acknowledgements", (context) => {
  const pass = stopped(context);
  const { channel, lane, side } = opened(BULK);
  channel.sendNow(new Uint8Array(1000 * KIB));
  const taken = allTaken(lane, pass);
  assert.ok(taken >= 16 * KIB && taken < 16 * KIB + 16_001, `${taken} bytes`);
  side.hear({ type: "ack", received: { [channel.carrier.id]: [0, taken, 0] } });
  assert.ok(lane.taken().length > 0);
});

test("an old value that waits is replaced, and the newest goes out when there is room", () => {
  const { channel, lane } = opened(LATEST);
  const outcomes = Array.from({ length: 40 }, () => channel.sendNow(new Uint8Array(1000)));
  assert.deepEqual([outcomes[0], outcomes.at(-1)], ["sent", "replaced"]);
  channel.sendNow("newest");
  assert.equal(Buffer.from(lane.taken().at(-1).subarray(3)).toString(), "newest");
  const { sent, replaced, waitingMessages } = channel.statistics();
  assert.deepEqual([sent + replaced, waitingMessages], [41, 0]);
});

test("a lane that throws because it is about to close loses nothing", () => {
  const two = new Two();
  const [mine, theirs] = pair(two, "chat", RELIABLE);
  const heard = listen(theirs);
  const [[lane]] = two.lanes;
  lane.send = () => {
    lane.readyState = "closing";
    throw new DOMException("closing", "InvalidStateError");
  };
  mine.sendNow("one");
  mine.sendNow("two");
  two.cut();
  two.connect();
  two.exchange();
  assert.deepEqual(heard, ["one", "two"]);
  assert.deepEqual(two.offerer.violations, []);
});

test("a lane that takes no fragments is of somebody who does not speak our protocol", () => {
  const { channel, lane, side } = opened(RELIABLE);
  lane.send = () => {
    throw new TypeError("too long");
  };
  channel.sendNow("x");
  assert.equal(side.violations.length, 1);
});

test("whatever is cut, messages arrive once and in order", (context) => {
  const pass = stopped(context);
  const chance = seeded(5);
  for (let run = 0; run < 20; run += 1) {
    const two = new Two();
    const ends = [...pair(two, "r", RELIABLE), ...pair(two, "b", BULK)];
    const other = [1, 0, 3, 2];
    const sent = ends.map(() => []);
    const heard = ends.map(listen);
    for (let turn = 0; turn < 120; turn += 1) {
      const which = Math.floor(chance() * 4);
      const message = `${turn} `.padEnd(chance() < 0.1 ? 50_000 : 10, "x");
      if (chance() < 0.6) {
        ends[which].sendNow(message);
        sent[which].push(message);
      }
      for (let n = chance() * 4; n > 1; n -= 1) two.step();
      pass(10);
      if (chance() < 0.1) {
        two.cut();
        if (chance() < 0.5) ends[which].sendNow(message) && sent[which].push(message);
        two.connect();
      }
    }
    exchangeAll(two, pass);
    for (const index of other.keys()) assert.deepEqual(heard[other[index]], sent[index]);
    for (const side of two.sides) assert.deepEqual(side.violations, []);
  }
});

test("messages are read from the first on, by listening or by iterating", async () => {
  const two = new Two();
  const [mine, theirs] = pair(two, "chat", RELIABLE);
  for (const text of ["one", "two"]) mine.sendNow(text);
  two.exchange();
  const iterator = theirs[Symbol.asyncIterator]();
  assert.deepEqual(await iterator.next(), { value: "one", done: false });
  const heard = listen(theirs);
  mine.sendNow("three");
  two.exchange();
  assert.deepEqual(heard, ["two", "three"]);
});

test("what is not a message is counted", () => {
  const { channel, lane } = opened(UNRELIABLE);
  for (const data of ["text", [], [255], [1, 255], [2, 1]]) lane.receive(data);
  assert.equal(channel.statistics().dropped, 5);
});

test("a reliable channel that nobody reads ends and says why, after all that came before", async () => {
  const two = new Two();
  const [mine, theirs] = pair(two, "chat", RELIABLE);
  for (let n = 0; n <= MAX_UNREAD_MESSAGES; n += 1) {
    mine.sendNow("x");
    two.exchange();
  }
  assert.deepEqual([mine.state, theirs.state], ["closed", "closed"]);
  let read = 0;
  const reading = async () => {
    for await (const message of theirs) read += message.length;
  };
  await assert.rejects(reading(), Full);
  assert.equal(read, MAX_UNREAD_MESSAGES);
});

test("unread data is bounded by bytes too, and one message always fits", () => {
  const inbox = new Inbox(BULK);
  assert.equal(inbox.put("long", MAX_UNREAD_BYTES + 1), true);
  assert.equal(inbox.put("", 0), false);
  inbox.take();
  assert.equal(inbox.put("long", MAX_UNREAD_BYTES), true);
  assert.equal(inbox.put("", 0), true);
  assert.equal(inbox.put("x", 1), false);
});

test("of values that nobody has read only the newest is kept, of datagrams the newest 1,024", async () => {
  const two = new Two();
  const [values, newest] = pair(two, "l", LATEST);
  const [datagrams, last] = pair(two, "u", UNRELIABLE);
  for (let n = 0; n < 1030; n += 1) {
    values.sendNow(String(n));
    datagrams.sendNow(String(n));
    two.exchange();
  }
  assert.deepEqual(listen(newest), ["1029"]);
  assert.equal(listen(last)[0], "6");
  assert.deepEqual([newest, last].map((channel) => channel.statistics().dropped), [1029, 6]);
});

test("reading ends when the channel is closed", async () => {
  const two = new Two();
  const [mine, theirs] = pair(two, "chat", RELIABLE);
  mine.sendNow("last");
  mine.close();
  mine.close();
  two.exchange();
  const read = [];
  for await (const message of theirs) read.push(message);
  assert.deepEqual(read, ["last"]);
  for (const channel of [mine, theirs]) {
    await assert.rejects(channel.send("x"), Closed);
    await assert.rejects(channel.waitOpen(), Closed);
    assert.throws(() => channel.sendNow("x"), Closed);
  }
});

test("a message without end closes the channel", async () => {
  const { channel, lane, side } = opened(BULK);
  lane.receive([4, 0, 0, 0, 0, 0, 0]);
  const part = new Uint8Array(KIB * KIB + 1).fill(2, 0, 1);
  for (let n = 0; n < 17; n += 1) lane.receive(part);
  await assert.rejects(channel.send("x"), Refused);
  assert.deepEqual(side.words(), [{ type: "close", label: "label", id: channel.carrier.id }]);
});

test("a channel whose messages are missing ends", async () => {
  const { channel, lane } = opened(RELIABLE);
  lane.receive([4, 0, 0, 0, 0, 0, 1]);
  await assert.rejects(channel.waitOpen(), Lost);
});

test("a lane that is not started as it should be is a violation", () => {
  for (const nonsense of ["text", [], [0, 1], [4, 0, 0]]) {
    const { lane, side } = opened(RELIABLE);
    lane.receive(nonsense);
    assert.equal(side.violations.length, 1);
  }
});

test("what an older lane says is not heard", () => {
  const two = new Two();
  const [, theirs] = pair(two, "chat", UNRELIABLE);
  const heard = listen(theirs);
  const [[, lane]] = two.lanes;
  two.cut();
  two.connect();
  two.exchange();
  lane.receive([1, 120]);
  lane.closed();
  assert.deepEqual([heard, theirs.state], [[], "open"]);
});

test("statistics count messages and the bytes of their content", () => {
  const two = new Two();
  const [mine, theirs] = pair(two, "chat", RELIABLE);
  mine.sendNow("grüße");
  mine.sendNow(new Uint8Array(20_000));
  two.exchange();
  const { sent, sentBytes, waitingBytes, waitingMessages } = mine.statistics();
  assert.deepEqual([sent, sentBytes, waitingBytes, waitingMessages], [2, 20_007, 0, 0]);
  const { received, receivedBytes, duplicates, dropped } = theirs.statistics();
  assert.deepEqual([received, receivedBytes, duplicates, dropped], [2, 20_007, 0, 0]);
});
