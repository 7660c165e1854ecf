import assert from "node:assert/strict";
import { test } from "node:test";
import { Negotiation } from "../../../web/lib/negotiation.js";
import { seeded } from "../random.js";

/** A side, the engine under it, and what it has said but the other has not heard. */
class Side {
  constructor(youOffer) {
    this.machine = new Negotiation(youOffer);
    this.outbox = [];
    this.todo = [];
    this.made = 0;
    this.engine = null;
  }

  do(effects) {
    for (const effect of effects) {
      if (effect.do === "send") this.outbox.push(effect.payload);
      else this.todo.push(effect);
    }
  }

  /** Perform one effect, as a browser would; wrong order is an error there, so it is one here. */
  work() {
    const effect = this.todo.shift();
    if (!effect) return false;
    const { engine } = this;
    if (effect.do === "open") this.engine = { generation: effect.generation, state: "stable", remote: null, local: null };
    else if (effect.generation === engine.generation) this.perform(effect);
    return true;
  }

  perform(effect) {
    const { engine, machine } = this;
    switch (effect.do) {
      case "make-offer":
        assert.equal(engine.state, "stable", "an offer while another is open");
        engine.state = "have-local-offer";
        engine.local = `offer ${++this.made}`;
        this.do(machine.described(effect.generation, "offer", engine.local, {}));
        this.do(machine.gathered(effect.generation, { candidate: "c" }));
        break;
      case "apply-offer":
        assert.equal(engine.state, "stable", "two offers met");
        engine.state = "have-remote-offer";
        engine.remote = effect.sdp;
        break;
      case "make-answer":
        assert.equal(engine.state, "have-remote-offer");
        engine.state = "stable";
        engine.local = `answer to ${engine.remote}`;
        this.do(machine.described(effect.generation, "answer", engine.local, {}));
        this.do(machine.gathered(effect.generation, undefined));
        break;
      case "apply-answer":
        assert.equal(engine.state, "have-local-offer");
        assert.equal(effect.sdp, `answer to ${engine.local}`);
        engine.state = "stable";
        engine.remote = effect.sdp;
        break;
      case "add-candidate":
        assert.ok(engine.remote, "a candidate before its description");
        break;
    }
  }
}

function finish(offerer, answerer) {
  for (let moved = true; moved; ) {
    moved = offerer.work() || answerer.work();
    if (offerer.outbox.length > 0) moved = !answerer.do(answerer.machine.receive(offerer.outbox.shift()));
    if (answerer.outbox.length > 0) moved = !offerer.do(offerer.machine.receive(answerer.outbox.shift()));
  }
}

test("the offerer begins, the other waits", () => {
  assert.deepEqual(new Negotiation(false).start(), []);
  assert.deepEqual(new Negotiation(true).start(), [
    { do: "open", generation: 1 },
    { do: "make-offer", generation: 1, restart: false },
  ]);
});

test("what is needed during an offer is offered after the answer", () => {
  const offerer = new Side(true);
  const answerer = new Side(false);
  offerer.do(offerer.machine.start());
  offerer.work();
  offerer.work();
  assert.deepEqual(offerer.machine.need([]), []);
  finish(offerer, answerer);
  assert.equal(offerer.made, 2);
});

test("the side that answers asks for the slots it wants", () => {
  const offerer = new Side(true);
  const answerer = new Side(false);
  offerer.do(offerer.machine.start());
  answerer.do(answerer.machine.need([{ name: "camera", kind: "video" }]));
  finish(offerer, answerer);
  assert.deepEqual([...offerer.machine.wanted.keys()], ["camera"]);
  assert.equal(offerer.machine.state, "stable");
});

test("an offerer that has forgotten is told how far the pair had come", () => {
  const offerer = new Side(true);
  const answerer = new Side(false);
  offerer.do(offerer.machine.start());
  finish(offerer, answerer);
  offerer.do(offerer.machine.rebuild([]));
  finish(offerer, answerer);
  const newborn = new Side(true);
  newborn.do(newborn.machine.start());
  finish(newborn, answerer);
  assert.equal(newborn.machine.generation, 3);
  assert.equal(answerer.machine.generation, 3);
  assert.equal(answerer.engine.state, "stable");
});

test("nonsense is ignored", () => {
  const machine = new Negotiation(false);
  for (const payload of [null, 7, {}, { kind: "description", generation: 1 }, { kind: "x", generation: 1 }]) {
    assert.deepEqual(machine.receive(payload), []);
  }
  const offerer = new Negotiation(true);
  assert.deepEqual(offerer.receive({ kind: "description", generation: 1, type: "offer", sdp: "" }), []);
  offerer.receive({ kind: "please-offer", generation: 0, slots: [null, { name: 7 }, { name: "x", kind: "smell" }] });
  assert.deepEqual(offerer.receive({ kind: "please-offer", generation: 0, slots: null, restart: true }), []);
  assert.equal(offerer.wanted.size, 0);
});

for (let seed = 1; seed <= 200; seed += 1) {
  test(`the two sides agree in the end, whatever the order (${seed})`, () => {
    const chance = seeded(seed);
    const offerer = new Side(true);
    const answerer = new Side(false);
    offerer.do(offerer.machine.start());
    for (let step = 0; step < 120; step += 1) {
      const dice = chance();
      const side = chance() < 0.5 ? offerer : answerer;
      const other = side === offerer ? answerer : offerer;
      if (dice < 0.06) side.do(side.machine.need([{ name: `slot-${step}`, kind: "audio" }]));
      else if (dice < 0.1) side.do(side.machine.rebuild([]));
      else if (dice < 0.14) side.do(side.machine.restart());
      else if (dice < 0.55) side.work();
      else if (side.outbox.length > 0) other.do(other.machine.receive(side.outbox.shift()));
    }
    finish(offerer, answerer);
    assert.equal(offerer.engine.state, "stable");
    assert.equal(answerer.engine.state, "stable");
    assert.equal(offerer.machine.generation, answerer.machine.generation);
    assert.equal(offerer.engine.remote, answerer.engine.local);
    assert.equal(answerer.engine.remote, offerer.engine.local);
  });
}
