import assert from "node:assert/strict";
import { test } from "node:test";
import { Requests } from "../../../web/lib/requests.js";

test("each is answered by its own number", async () => {
  const requests = new Requests(() => {});
  const [first, second] = [requests.ask(1, () => []), requests.ask(2, () => [])];
  assert.ok(requests.answer(2));
  assert.ok(requests.answer(1, new Error("not-allowed")));
  await second;
  await assert.rejects(first, /not-allowed/);
});

test("an answer that nobody waits for is known as such", async () => {
  const requests = new Requests(() => {});
  const asked = requests.ask(1, () => []);
  assert.ok(requests.answer(1));
  assert.ok(!requests.answer(1));
  assert.ok(!requests.answer(7));
  await asked;
});

test("what cannot be asked leaves nobody waiting", () => {
  const requests = new Requests(() => {});
  const tooLarge = () => {
    throw new RangeError("too large");
  };
  assert.throws(() => requests.ask(1, tooLarge), RangeError);
  assert.ok(!requests.answer(1));
});

test("at the end nobody waits for ever", async () => {
  const requests = new Requests(() => {});
  const asked = requests.ask(1, () => []);
  requests.end(new Error("you have left the room"));
  await assert.rejects(asked, /you have left/);
});
