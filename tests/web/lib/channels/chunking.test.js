import assert from "node:assert/strict";
import { test } from "node:test";
import { Assembler, fragment, isNewer, toRaw } from "../../../../web/lib/channels/chunking.js";
import { KINDS, LATEST, RELIABLE, UNRELIABLE } from "../../../../web/lib/channels/kinds.js";
import { FRAGMENT_BYTES } from "../../../../web/lib/wire.js";
import { seeded } from "../../random.js";

const pass = (kind, data, sequence) => {
  const assembler = new Assembler(kind);
  return fragment(kind, toRaw(kind, data), sequence).map((part) => assembler.receive(part));
};

test("text and bytes come back as they were", () => {
  for (const kind of KINDS) {
    assert.deepEqual(pass(kind, "grüße\u0000"), [{ is: "message", data: "grüße\u0000", bytes: 8 }]);
    assert.deepEqual(pass(kind, new Uint8Array([0, 255])), [{ is: "message", data: new Uint8Array([0, 255]), bytes: 2 }]);
    assert.deepEqual(pass(kind, ""), [{ is: "message", data: "", bytes: 0 }]);
  }
});

test("bytes arrive in a buffer of their own, so that they may be read as numbers", () => {
  for (const kind of KINDS) {
    const [{ data }] = pass(kind, Float32Array.of(1, 2));
    assert.deepEqual(new Float32Array(data.buffer), Float32Array.of(1, 2));
  }
});

test("what is sent stays as it was, whatever becomes of the buffer", () => {
  const mine = new Uint8Array([1, 2, 3]);
  for (const data of [mine, mine.buffer, new DataView(mine.buffer, 1)]) {
    const { bytes } = toRaw(RELIABLE, data);
    const before = [...bytes];
    mine.fill(9);
    assert.deepEqual([...bytes], before);
    mine.set([1, 2, 3]);
  }
});

test("numbers, nothing and plain objects are no messages", () => {
  for (const data of [7, null, undefined, {}, [1]]) assert.throws(() => toRaw(RELIABLE, data), TypeError);
});

test("a byte order mark is part of the text", () => {
  assert.deepEqual(pass(RELIABLE, "\ufeffx"), [{ is: "message", data: "\ufeffx", bytes: 4 }]);
});

test("messages of every size around a fragment come back whole", () => {
  const chance = seeded(3);
  for (const size of [1, FRAGMENT_BYTES - 1, FRAGMENT_BYTES, FRAGMENT_BYTES + 1, 3 * FRAGMENT_BYTES, 100_003]) {
    const data = Uint8Array.from({ length: size }, () => chance() * 256);
    const results = pass(RELIABLE, data);
    assert.equal(results.length, Math.ceil(size / FRAGMENT_BYTES));
    assert.deepEqual(results.at(-1), { is: "message", data, bytes: size });
  }
});

test("a message that grows past the limit ends the channel", () => {
  const assembler = new Assembler(RELIABLE);
  let last = { is: "part" };
  const part = new Uint8Array(FRAGMENT_BYTES + 1);
  part[0] = 2;
  for (let n = 0; n < 1100 && last.is === "part"; n += 1) last = assembler.receive(part);
  assert.equal(last.is, "too-large");
});

test("unknown flags, bad UTF-8 and nothing at all are dropped", () => {
  const assembler = new Assembler(RELIABLE);
  for (const bad of [[], [4], [128, 1], [1, 0xff], [1, 0xed, 0xa0, 0x80]]) {
    assert.deepEqual(assembler.receive(new Uint8Array(bad)), { is: "dropped" });
  }
  assert.equal(new Assembler(UNRELIABLE).receive(new Uint8Array([2, 1])).is, "dropped");
  assert.equal(new Assembler(LATEST).receive(new Uint8Array([0, 1])).is, "dropped");
});

test("an older value is dropped, also around the wrap", () => {
  const assembler = new Assembler(LATEST);
  const receive = (sequence) => assembler.receive(fragment(LATEST, toRaw(LATEST, "x"), sequence)[0]).is;
  assert.deepEqual([65_534, 65_535, 0, 65_535, 1, 1].map(receive), [
    "message", "message", "message", "dropped", "message", "dropped",
  ]);
  assert.ok(isNewer(0, 0xffff));
  assert.ok(!isNewer(0xffff, 0));
});

test("what a kind does not carry is refused at the sender", () => {
  assert.throws(() => toRaw(UNRELIABLE, new Uint8Array(1101)), RangeError);
  assert.throws(() => toRaw(RELIABLE, new Uint8Array(16 * 1024 * 1024 + 1)), RangeError);
});

test("no bytes whatsoever make it throw", () => {
  const chance = seeded(11);
  for (const kind of KINDS) {
    const assembler = new Assembler(kind);
    for (let n = 0; n < 3000; n += 1) {
      const size = Math.floor(chance() * 12);
      assembler.receive(Uint8Array.from({ length: size }, () => (chance() < 0.5 ? chance() * 4 : chance() * 256)));
    }
  }
});
