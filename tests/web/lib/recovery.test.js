import assert from "node:assert/strict";
import { test } from "node:test";
import { BROKEN_AFTER, Recovery, TICK } from "../../../web/lib/recovery.js";
import { seeded } from "../random.js";
import { vectors } from "../vectors.js";

const camel = (name) => name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase());

for (const { name, can_restart: canRestart, steps } of vectors("recovery").cases) {
  test(`it recovers as Python does: ${name}`, () => {
    const recovery = new Recovery(() => 0.5, { canRestart });
    for (const { input, act = null, state, wake_at: wakeAt } of steps) {
      const [method, ...rest] = input;
      const done = recovery[camel(method)](...rest);
      assert.equal(method === "wake" ? done : null, act, JSON.stringify(input));
      assert.equal(recovery.state, state, JSON.stringify(input));
      if (wakeAt !== undefined) assert.equal(recovery.wakeAt, wakeAt ?? Infinity, JSON.stringify(input));
    }
  });
}

/** Every act with its time, while nothing is heard. */
function listen(recovery, from, seconds, isHeard = false) {
  const acts = [];
  for (let now = from + TICK; now <= from + seconds; now += TICK) {
    if (isHeard) recovery.heard(now);
    const act = now >= recovery.wakeAt ? recovery.wake(now) : null;
    if (act) acts.push([now, act]);
  }
  return acts;
}

function standing() {
  const recovery = new Recovery(() => 0.5);
  recovery.connected(0);
  return recovery;
}

test("a doubt of the browser is acted upon at once, and told to nobody", () => {
  const recovery = standing();
  recovery.suspect(0.1);
  assert.equal(recovery.wakeAt, 0.1);
  assert.equal(recovery.wake(0.1), "restart");
  assert.equal(recovery.state, "connected");
  assert.equal(recovery.doing(0.1), "restart");
  recovery.heard(0.2);
  assert.equal(recovery.doing(0.3), null);
  recovery.suspect(0.3);
  assert.equal(recovery.wake(0.3), null, "the restarts keep their pauses");
});

test("a doubt makes no loss out of a short silence", () => {
  const recovery = standing();
  recovery.suspect(0.5);
  listen(recovery, 0.25, 3.5);
  assert.equal(recovery.state, "connected");
  recovery.wake(4);
  assert.equal(recovery.state, "interrupted");
});

test("a path that the browser has given up is rebuilt when one restart does not help", () => {
  const recovery = standing();
  recovery.broke(1);
  assert.equal(recovery.wake(1), "restart");
  const acts = listen(recovery, 1, 20);
  assert.deepEqual(acts.find(([, act]) => act === "rebuild"), [1 + BROKEN_AFTER, "rebuild"]);
  assert.equal(recovery.doing(10), "rebuild");
});

test("a path that the browser has given up and that a restart mends is kept", () => {
  const recovery = standing();
  recovery.broke(1);
  assert.equal(recovery.wake(1), "restart");
  recovery.connected(3);
  assert.deepEqual(listen(recovery, 3, 20, true), []);
});

test("without signaling a broken path waits, and then is restarted before it is rebuilt", () => {
  const recovery = standing();
  recovery.setReachable(false);
  recovery.broke(1);
  assert.deepEqual(listen(recovery, 1, 40), []);
  assert.equal(recovery.doing(41), "waiting-for-server");
  recovery.setReachable(true);
  assert.equal(recovery.wake(41.1), "restart");
});

test("a connection that has not stood yet has nothing to doubt", () => {
  const recovery = new Recovery(() => 0.5);
  recovery.began(0);
  recovery.suspect(1);
  recovery.broke(1);
  assert.equal(recovery.wakeAt, 20);
  assert.equal(recovery.wake(2), null);
});

test("timers that come once a second, as in a hidden tab, make no death out of a short silence", () => {
  const recovery = standing();
  for (let now = 1; now <= 4; now += 1) assert.equal(recovery.wake(now), null);
  assert.equal(recovery.state, "connected");
});

for (let seed = 1; seed <= 100; seed += 1) {
  test(`it never asks to be woken in the past for ever (${seed})`, () => {
    const chance = seeded(seed);
    const recovery = new Recovery(chance);
    const happen = [
      (now) => recovery.heard(now),
      (now) => recovery.failed(now),
      (now) => recovery.began(now),
      (now) => recovery.connected(now),
      (now) => recovery.restarted(now),
      (now) => recovery.suspect(now),
      (now) => recovery.broke(now),
      () => recovery.networkChanged(true),
      () => recovery.setReachable(false),
      () => recovery.setReachable(true),
    ];
    for (let step = 0, now = 0; step < 80; step += 1) {
      now += chance() * 20;
      happen[Math.floor(chance() * happen.length)](now);
      recovery.wake(now);
      assert.ok(recovery.wakeAt > now, `wake at ${recovery.wakeAt}, now ${now}`);
    }
  });
}
