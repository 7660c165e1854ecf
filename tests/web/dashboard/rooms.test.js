import assert from "node:assert/strict";
import { test } from "node:test";
import { Rooms } from "../../../web/dashboard/rooms.js";
import { vectors } from "../vectors.js";

/** @param {Rooms} rooms */
const plain = (rooms) => Object.fromEntries([...rooms.byName].map(([name, room]) => [name, { settings: room.settings, members: Object.fromEntries(room.members) }]));

for (const { name, events, rooms: expected } of vectors("feed").folds) {
  test(`rooms are the fold of their events: ${name}`, () => {
    const rooms = new Rooms();
    for (const event of events) rooms.apply(event);
    assert.deepEqual(plain(rooms), expected);
  });
}

test("after a gap nothing is believed but what is told anew", () => {
  const rooms = new Rooms();
  rooms.apply({ type: "room-opened", room: "a/b", settings: { capacity: 2 } });
  rooms.apply({ type: "gap" });
  assert.equal(rooms.byName.size, 0);
  rooms.apply({ type: "member-left", room: "a/b", id: "x", reason: "left" });
});

test("the fullest rooms come first", () => {
  const rooms = new Rooms();
  const members = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => ({ id: `${i}`, name: "", node: "" }));
  for (const [room, count] of [["a/x", 1], ["a/y", 3], ["a/a", 1]]) rooms.apply({ type: "room", room, settings: { capacity: 9 }, members: members(count) });
  assert.deepEqual(rooms.fullest(2).map(({ name }) => name), ["a/y", "a/a"]);
});
