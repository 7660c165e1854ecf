import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Healing } from "../../../web/lib/healing.js";

/** With a clock of its own, which stands still between the ticks. */
function watched(test, canRestart = true) {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let milliseconds = 0;
  const { performance } = globalThis;
  globalThis.performance = { now: () => milliseconds };
  test.after(() => {
    healing.stop();
    globalThis.performance = performance;
    mock.timers.reset();
  });
  const happened = [];
  const life = { isHeard: true };
  const healing = new Healing({
    canRestart,
    watch: () => life.isHeard && healing.heard(),
    act: (act) => happened.push(act),
    told: () => happened.push(`${healing.state}: ${healing.doing}`),
  });
  const pass = (seconds) => {
    for (const end = milliseconds + seconds * 1000; milliseconds < end; ) {
      milliseconds += 50;
      mock.timers.tick(50);
    }
  };
  return { healing, happened, life, pass };
}

test("a peer that falls silent is told of once, and once when it is back", (t) => {
  const { healing, happened, life, pass } = watched(t);
  healing.connected();
  pass(20);
  assert.deepEqual(happened, ["connected: null"]);
  life.isHeard = false;
  pass(5);
  assert.ok(happened.includes("restart"));
  assert.equal(happened.filter((each) => each === "interrupted: restart").length, 1);
  assert.ok(healing.silence > 4);
  life.isHeard = true;
  pass(1);
  assert.equal(happened.at(-1), "connected: null");
});

test("without the server nothing is tried, and with it at once", (t) => {
  const { healing, happened, life, pass } = watched(t);
  healing.connected();
  healing.setReachable(false);
  life.isHeard = false;
  pass(8);
  assert.deepEqual(happened, ["connected: null", "interrupted: waiting-for-server"]);
  healing.setReachable(true);
  assert.deepEqual(happened.slice(2), ["restart", "interrupted: restart"]);
});

test("what was begun on a network that is gone is given up soon", (t) => {
  const { healing, happened, pass } = watched(t);
  healing.began();
  healing.networkChanged(true);
  pass(1);
  assert.deepEqual(happened, ["rebuild"]);
});

test("nothing is done for a peer that has said goodbye", (t) => {
  const { healing, happened, pass } = watched(t);
  healing.connected();
  healing.gone();
  pass(60);
  assert.deepEqual(happened, ["connected: null", "interrupted: null"]);
});

test("before it stands, the silence counts from the beginning", (t) => {
  const { healing, pass } = watched(t);
  healing.began();
  pass(3);
  assert.ok(Math.abs(healing.silence - 3) < 0.01);
});
