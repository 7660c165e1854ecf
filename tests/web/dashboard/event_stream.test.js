import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStream } from "../../../web/dashboard/event_stream.js";

const TEXT = ': now\n\nid: b-1\nevent: room-opened\ndata: {"a":\ndata: 1}\n\nretry: 1500\nid: b-2\r\nevent: gap\r\ndata: {}\r\n\r\ndata:x\n\n';
const EVENTS = [
  { type: "room-opened", data: '{"a":\n1}', id: "b-1" },
  { type: "gap", data: "{}", id: "b-2" },
  { type: "message", data: "x", id: "b-2" },
];

test("events are read, whatever pieces they come in", () => {
  for (let at = 0; at <= TEXT.length; at += 1) {
    for (const step of [1, 3, TEXT.length]) {
      const stream = new EventStream();
      const found = stream.push(TEXT.slice(0, at));
      for (let next = at; next < TEXT.length; next += step) found.push(...stream.push(TEXT.slice(next, next + step)));
      assert.deepEqual(found, EVENTS);
      assert.equal(stream.lastId, "b-2");
      assert.equal(stream.retry, 1500);
    }
  }
});

test("what was not whole when the line broke is not told", () => {
  const stream = new EventStream();
  assert.deepEqual(stream.push("id: b-7\nevent: gap\ndata: {"), []);
  stream.restart();
  assert.deepEqual(stream.push("data: 1\n\n"), [{ type: "message", data: "1", id: "b-7" }]);
});

test("what is no field, no number and no event is passed over", () => {
  const stream = new EventStream();
  assert.deepEqual(stream.push("colour: red\nretry: soon\nid: a\0b\nevent: gap\n\n"), []);
  assert.equal(stream.retry, null);
  assert.equal(stream.lastId, "");
});
