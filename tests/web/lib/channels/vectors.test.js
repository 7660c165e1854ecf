import assert from "node:assert/strict";
import { test } from "node:test";
import { Assembler, fragment, isNewer, toRaw } from "../../../../web/lib/channels/chunking.js";
import { Incoming } from "../../../../web/lib/channels/incoming.js";
import { decodeLabel, encodeLabel, kindNamed, parseProtocol, protocolOf } from "../../../../web/lib/channels/kinds.js";
import { Outgoing } from "../../../../web/lib/channels/outgoing.js";
import { Pace } from "../../../../web/lib/channels/pace.js";
import { Realtime } from "../../../../web/lib/channels/realtime.js";
import { Scheduler } from "../../../../web/lib/channels/scheduler.js";
import { Window } from "../../../../web/lib/channels/window.js";
import { bytes, vectors } from "../../vectors.js";

const camel = (name) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const plain = (data) => (typeof data === "string" ? data : Buffer.from(data));
const contentOf = ({ is_text: isText, content }) => (isText ? bytes(content).toString() : bytes(content));

const counts = (machine, expected) => {
  for (const [name, count] of Object.entries(expected)) assert.equal(machine[camel(name)], count, name);
};

const labels = vectors("labels");

test("labels are written and read alike", () => {
  for (const { label, encoded } of labels.labels) {
    assert.equal(encodeLabel(label), encoded);
    assert.equal(decodeLabel(encoded), label);
  }
  for (const { label, why } of labels.refuse) assert.throws(() => encodeLabel(label), why);
  for (const { encoded, why } of labels.foreign) assert.equal(decodeLabel(encoded), null, why);
});

test("kind and id are written and read alike", () => {
  for (const { protocol, kind, id } of labels.protocols) {
    assert.equal(protocolOf(kindNamed(kind), id), protocol);
    assert.deepEqual(parseProtocol(protocol), { kind: kindNamed(kind), id });
  }
  for (const { protocol, why } of labels.foreign_protocols) assert.equal(parseProtocol(protocol), null, why);
});

const framing = vectors("framing");

for (const { name, kind, sequence, fragment_bytes: size, framed, ...message } of framing.send) {
  test(`framed alike: ${name}`, () => {
    const sent = fragment(kindNamed(kind), toRaw(kindNamed(kind), contentOf(message)), sequence, size);
    assert.deepEqual(sent.map(plain), framed.map(bytes));
  });
}

for (const { name, kind, content_bytes: count } of framing.refuse) {
  test(`refused alike: ${name}`, () => {
    assert.throws(() => toRaw(kindNamed(kind), new Uint8Array(count)), RangeError);
  });
}

function isMade(made, step) {
  assert.equal(made.is, step.is);
  if (made.is !== "message") return;
  assert.deepEqual(plain(made.data), plain(contentOf(step)));
  assert.equal(made.bytes, bytes(step.content).length);
}

for (const { name, kind, steps } of framing.receive) {
  test(`put together alike: ${name}`, () => {
    const assembler = new Assembler(kindNamed(kind));
    for (const step of steps) isMade(assembler.receive(bytes(step.framed)), step);
  });
}

for (const { name, kind, steps } of framing.incoming) {
  test(`lanes are read alike: ${name}`, () => {
    const incoming = new Incoming(kindNamed(kind));
    for (const step of steps) {
      if (step.lane) incoming.beginLane();
      else isMade(incoming.receive(bytes(step.framed)), step);
      if (step.ack) assert.deepEqual(incoming.acknowledged(), step.ack);
    }
  });
}

for (const { name, kind, fragment_bytes: size, steps } of framing.outgoing) {
  test(`lanes are written alike: ${name}`, () => {
    const outgoing = new Outgoing(kindNamed(kind), size);
    for (const step of steps) {
      if (step.put) outgoing.put({ isText: step.is_text, bytes: bytes(step.put) });
      if (step.lane === true) outgoing.beginLane();
      if (step.lane === false) outgoing.endLane();
      if (step.take === null) assert.equal(outgoing.nextBytes, 0);
      if (step.take) {
        assert.equal(outgoing.nextBytes, bytes(step.take).length);
        assert.deepEqual(plain(outgoing.take()), bytes(step.take));
      }
      if (step.ack) assert.equal(outgoing.acknowledge(...step.ack), step.is);
      counts(outgoing, step.counts ?? {});
    }
  });
}

test("channels are as wide in both languages", () => {
  for (const { kind, kept, bytes: count, has_room: expected } of framing.room.cases) {
    const outgoing = new Outgoing(kindNamed(kind));
    for (const each of kept) outgoing.put({ isText: false, bytes: new Uint8Array(each) });
    assert.equal(outgoing.hasRoom(count), expected, `${kind} ${kept} ${count}`);
  }
});

test("newer is newer in both languages", () => {
  for (const [a, b, expected] of framing.newer) assert.equal(isNewer(a, b), expected, `${a} ${b}`);
});

const scheduling = vectors("scheduler");

for (const { name, marks, steps } of scheduling.scheduler) {
  test(`scheduled alike: ${name}`, () => {
    const scheduler = new Scheduler({ realtimeBytes: marks.realtime_bytes, orderedBytes: marks.ordered_bytes });
    for (const [method, ...rest] of steps) {
      if (method === "waits") scheduler.waits(rest[0], kindNamed(rest[1]), rest[2]);
      else if (method === "begin_turn") scheduler.beginTurn();
      else assert.equal(scheduler.next(rest[0], rest[1], rest[2] === true), rest.at(-1));
    }
  });
}

for (const { name, steps } of scheduling.window) {
  test(`the window is steered alike: ${name}`, () => {
    const window = new Window();
    for (const [method, ...rest] of steps) {
      const expected = rest.pop();
      if (method === "sample") {
        window.sample(...rest);
        assert.equal(window.bytes, expected);
      } else {
        assert.equal(window.hasRoom(...rest), expected);
      }
    }
  });
}

for (const { name, steps } of scheduling.pace) {
  test(`bulk is paced alike: ${name}`, () => {
    const pace = new Pace();
    for (const [method, ...rest] of steps) {
      if (method === "spend") pace.spend(...rest);
      else assert.equal(pace.wait(rest[0], rest[1]), rest[2]);
    }
  });
}

for (const { name, kind, steps } of scheduling.realtime) {
  test(`what is late is dropped alike: ${name}`, () => {
    const realtime = new Realtime(kindNamed(kind));
    for (const [method, ...rest] of steps) {
      const expected = rest.pop();
      if (method === "put") assert.equal(realtime.put(toRaw(kindNamed(kind), rest[0]), rest[1]), expected);
      else if (method === "next_bytes") assert.equal(realtime.nextBytes(rest[0]), expected);
      else if (method === "take") assert.equal(Buffer.from(realtime.take()).toString("hex"), expected);
      else if (method === "clear") assert.equal(realtime.clear(), expected);
      else counts(realtime, expected);
    }
  });
}
