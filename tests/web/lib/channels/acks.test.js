import assert from "node:assert/strict";
import { test } from "node:test";
import { Acks } from "../../../../web/lib/channels/acks.js";
import { Incoming } from "../../../../web/lib/channels/incoming.js";
import { RELIABLE, UNRELIABLE } from "../../../../web/lib/channels/kinds.js";

const START = Uint8Array.of(4, 0, 0, 0, 0, 0, 0);

/** What says acknowledgements, a channel that something has arrived on, and what was said. */
function acks(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const said = [];
  const held = [];
  const incoming = new Incoming(RELIABLE);
  incoming.beginLane();
  incoming.receive(START);
  const carrier = { id: "a", kind: RELIABLE, incoming };
  const say = ({ received: { a, ...others } }) => {
    assert.deepEqual(others, {});
    held.push(a[2]);
    return said.push({ a: a.slice(0, 2) }) > 0;
  };
  return { acks: new Acks(say), held, carrier, said, timers: context.mock.timers };
}

test("what has arrived is acknowledged a little later, all of it at once", (context) => {
  const { acks: machine, carrier, said, timers } = acks(context);
  machine.came(carrier, 1);
  carrier.incoming.receive(Uint8Array.of(1, 120));
  machine.came(carrier, 1.05);
  timers.tick(99);
  assert.deepEqual(said, []);
  timers.tick(1);
  assert.deepEqual(said, [{ a: [1, 9] }]);
  timers.tick(1000);
  assert.equal(said.length, 1);
});

test("much is acknowledged at once", (context) => {
  const { acks: machine, carrier, said } = acks(context);
  carrier.incoming.receive(new Uint8Array(16_377));
  machine.came(carrier, 1);
  assert.deepEqual(said, [{ a: [1, 16_384] }]);
});

test("it is said for how many milliseconds the last byte has waited", (context) => {
  const { acks: machine, carrier, held } = acks(context);
  carrier.incoming.receive(Uint8Array.of(1));
  machine.came(carrier, 1);
  machine.sayAll([carrier], 1.05);
  carrier.incoming.receive(new Uint8Array(16_384));
  machine.came(carrier, 2);
  assert.deepEqual(held, [50, 0]);
});

test("a timer that is late is not waited for", (context) => {
  const { acks: machine, carrier, said } = acks(context);
  machine.came(carrier, 1);
  machine.came(carrier, 1.09);
  assert.deepEqual(said, []);
  machine.came(carrier, 1.1);
  assert.deepEqual(said, [{ a: [0, 7] }]);
});

test("when the other side can hear again it is told of everything that was had", (context) => {
  const { acks: machine, carrier, said } = acks(context);
  machine.sayAll([carrier], 1);
  assert.deepEqual(said, []);
  carrier.incoming.receive(Uint8Array.of(1));
  carrier.incoming.beginLane();
  machine.sayAll([carrier, { id: "u", kind: UNRELIABLE, incoming: null }], 1);
  assert.deepEqual(said, [{ a: [1, 0] }]);
});

test("nothing is said of a lane that is gone, nor after the end", (context) => {
  const { acks: machine, carrier, said, timers } = acks(context);
  machine.came(carrier, 1);
  machine.forget(carrier);
  timers.tick(200);
  machine.came(carrier, 2);
  machine.stop();
  timers.tick(200);
  assert.deepEqual(said, []);
});
