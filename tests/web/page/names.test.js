import assert from "node:assert/strict";
import { test } from "node:test";
import { Names, shapeOf } from "../../../web/page/names.js";

test("whoever was here first keeps the bare name", () => {
  const names = new Names("Ana");
  assert.equal(names.of({ id: "1", name: "Ben" }), "Ben");
  assert.equal(names.of({ id: "2", name: "Ana" }), "Ana (2)");
  assert.equal(names.of({ id: "3", name: "Ben" }), "Ben (2)");
  assert.equal(names.of({ id: "4", name: "ben" }), "ben (3)");
});

test("nobody takes over a bare name while being here, and whoever comes later may have it", () => {
  const names = new Names("Ana");
  names.of({ id: "1", name: "Ben" });
  names.of({ id: "2", name: "Ben" });
  names.forget("1");
  assert.equal(names.of({ id: "2", name: "Ben" }), "Ben (2)");
  assert.equal(names.of({ id: "3", name: "Ben" }), "Ben");
});

test("a new name is judged anew", () => {
  const names = new Names("Ana");
  assert.equal(names.of({ id: "1", name: "Ben" }), "Ben");
  assert.equal(names.of({ id: "1", name: "ANA" }), "ANA (2)");
  assert.equal(names.of({ id: "2", name: "Ben" }), "Ben");
});

test("a number that somebody has written is not given a second time", () => {
  const names = new Names("Ana");
  assert.equal(names.of({ id: "1", name: "Ana (2)" }), "Ana (2)");
  assert.equal(names.of({ id: "2", name: "Ana" }), "Ana (3)");
});

test("those without a name are told apart, too", () => {
  const names = new Names("");
  assert.equal(names.of({ id: "1" }), "Somebody");
  assert.equal(names.of({ id: "2", name: "" }), "Somebody (2)");
});

test("what looks the same has one shape", () => {
  for (const [name, other] of [
    ["Ana", "\u0410\u043d\u0430".replace("\u043d", "n")],
    ["paypal", "\u0440\u0430ypal"],
    ["Alice", "AIice"],
    ["Bob", "B0b"],
    ["modern", "modem"],
    ["Ana Lee", "Ana\u00a0Lee"],
    ["Ana", "A\u200bn\u00ada"],
    ["ANA", "ana"],
    ["Omar", "\u039fmar"],
    ["Ana", "\uff21na"],
  ]) {
    assert.equal(shapeOf(name), shapeOf(other), `${name} ${other}`);
  }
  for (const [name, other] of [["Ana", "Anna"], ["Ben", "Bert"], ["名前", "名"], ["Zoë", "Zoe"], ["राम", "रमा"]]) {
    assert.notEqual(shapeOf(name), shapeOf(other));
  }
});
