import assert from "node:assert/strict";
import { test } from "node:test";
import { Access } from "../../../web/lib/access.js";
import { Emitter } from "../../../web/lib/events.js";

function access() {
  const listeners = new Emitter();
  const told = [];
  for (const name of ["room-updated", "knocked", "knock-ended", "permitted"]) listeners.on(name, () => told.push(name));
  return { room: new Access(listeners, 4), told };
}

const settings = (owner, capacity = 4) => ({ owner, capacity, locked: false });

test("an owner may kick, and who is none may not", () => {
  const { room } = access();
  room.changed({ type: "room-updated", room: "garden", settings: settings("ana") });
  assert.ok(room.may("kick", { me: "ana", welcomed: [] }));
  assert.ok(!room.may("kick", { me: "ben", welcomed: [] }));
  assert.ok(room.may("kick", { me: "ben", welcomed: ["kick"] }));
});

test("a newer token holds until the next welcome", () => {
  const { room, told } = access();
  room.changed({ type: "permitted", can: ["join"], expires: 7 });
  assert.ok(!room.may("kick", { me: "ben", welcomed: ["kick"] }));
  room.welcomed();
  assert.ok(room.may("kick", { me: "ben", welcomed: ["kick"] }));
  assert.deepEqual(told, ["permitted"]);
});

test("who knocks waits until it is decided", () => {
  const { room, told } = access();
  room.changed({ type: "knocked", room: "garden", peer: { id: "ben", name: "Ben" } });
  assert.deepEqual([...room.waiting.keys()], ["ben"]);
  room.changed({ type: "knock-ended", room: "garden", id: "ben" });
  assert.equal(room.waiting.size, 0);
  assert.deepEqual(told, ["knocked", "knock-ended"]);
});

test("only a room that was made anew is told as updated", () => {
  const { room, told } = access();
  for (const owner of ["ana", "ben"]) {
    room.joined({ type: "joined", request: 1, room: "garden", peers: [], capacity: 8, settings: settings(owner, 8) });
  }
  assert.equal(room.capacity, 8);
  assert.deepEqual(told, ["room-updated"]);
});
