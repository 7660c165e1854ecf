import assert from "node:assert/strict";
import { test } from "node:test";
import { BULK, RELIABLE, UNRELIABLE } from "../../../../web/lib/channels/kinds.js";
import { exchangeAll, opened, pair, stopped, Two } from "./lanes.js";

const KIB = 1024;

test("real-time overtakes what is reliable, and bulk yields to everything", (context) => {
  const pass = stopped(context);
  const two = new Two();
  const [bulk, reliable, unreliable] = [BULK, RELIABLE, UNRELIABLE].map((kind) => pair(two, kind.name, kind));
  bulk[0].sendNow(new Uint8Array(1000 * KIB));
  reliable[0].sendNow(new Uint8Array(100 * KIB));
  unreliable[0].sendNow("now");
  const order = [];
  for (const [, channel] of [bulk, reliable, unreliable]) channel.on("message", () => order.push(channel.kind));
  exchangeAll(two, pass);
  assert.deepEqual(order, [UNRELIABLE, RELIABLE, BULK]);
});

test("no more lies in the buffers than keeps them from running dry", (context) => {
  const pass = stopped(context);
  const two = new Two();
  const channels = [1, 2, 3, 4].map((n) => pair(two, String(n), n < 3 ? RELIABLE : BULK)[0]);
  for (const channel of channels) channel.sendNow(new Uint8Array(500 * KIB));
  let most = 0;
  for (let quiet = 0; quiet < 10; quiet += 1) {
    const buffered = two.lanes.reduce((sum, [lane]) => sum + lane.bufferedAmount, 0);
    most = Math.max(most, buffered);
    if (two.step()) quiet = 0;
    pass(20);
  }
  assert.ok(most >= 32 * KIB && most < 32 * KIB + 16_001, `${most} bytes`);
  assert.deepEqual(channels.map((channel) => channel.statistics().sent), [1, 1, 1, 1]);
});

for (const how of ["closes here", "is closed by the other side"]) {
  test(`who waits behind a lane that ${how} goes on`, () => {
    const { channel, lane, two } = opened(RELIABLE);
    const waiting = two.offerer.register.open("waiting", BULK);
    const behind = two.offerer.pc.made.at(-1);
    behind.open();
    channel.sendNow(new Uint8Array(100 * KIB));
    waiting.sendNow("x");
    if (how === "closes here") {
      channel.close();
      while (lane.readyState === "open") lane.take();
    } else {
      assert.equal(behind.sent.length, 0);
      lane.closed();
    }
    assert.equal(behind.sent.length, 2);
  });
}
