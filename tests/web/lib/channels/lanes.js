/** Data channels and connections without a network: what one side hands over the other gets when it is carried. */

import { Register } from "../../../../web/lib/channels/register.js";
import { parseControl } from "../../../../web/lib/wire.js";

/** As a browser's RTCDataChannel: what comes while it is closing is dropped, what was sent before still goes out. */
export class FakeLane extends EventTarget {
  constructor(label = "", protocol = "") {
    super();
    Object.assign(this, { label, protocol, readyState: "connecting", bufferedAmountLowThreshold: 0 });
    this.sent = [];
    /** Where it ends at the other side, once that has it. @type {FakeLane | null} */
    this.other = null;
  }

  get bufferedAmount() {
    return this.sent.reduce((sum, framed) => sum + framed.length, 0);
  }

  send(data) {
    if (this.readyState !== "open") throw new DOMException("not open", "InvalidStateError");
    this.sent.push(data);
  }

  open() {
    this.readyState = "open";
    this.dispatchEvent(new Event("open"));
  }

  close() {
    if (this.readyState === "closing" || this.readyState === "closed") return;
    this.readyState = "closing";
    if (!this.other) this.closed();
  }

  closed() {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.dispatchEvent(new Event("close"));
  }

  /** The first of what was sent leaves the buffer. */
  take() {
    const before = this.bufferedAmount;
    const framed = this.sent.shift();
    const threshold = this.bufferedAmountLowThreshold;
    if (before > threshold && this.bufferedAmount <= threshold) this.dispatchEvent(new Event("bufferedamountlow"));
    return framed;
  }

  /** All that was sent, and what then goes out until there is nothing left. */
  taken() {
    const taken = [];
    while (this.sent.length > 0) taken.push(this.take());
    return taken;
  }

  /** @param {Uint8Array | number[] | string} data */
  receive(data) {
    if (this.readyState !== "open") return;
    const binary = typeof data === "string" ? data : Uint8Array.from(data).buffer;
    this.dispatchEvent(Object.assign(new Event("message"), { data: binary }));
  }
}

class FakeConnection extends EventTarget {
  signalingState = "stable";
  made = [];

  createDataChannel(label, { protocol }) {
    const lane = new FakeLane(label, protocol);
    this.made.push(lane);
    return lane;
  }

  adopt(lane) {
    this.dispatchEvent(Object.assign(new Event("datachannel"), { channel: lane }));
  }
}

/** One register, what it has said, and the data channels that it has made. */
export class Side {
  constructor(youOffer) {
    this.said = [];
    this.canSay = true;
    this.opened = [];
    this.violations = [];
    this.register = new Register({
      youOffer,
      say: (message) => {
        if (this.canSay) this.said.push(message);
        return this.canSay;
      },
      opened: (channel) => this.opened.push(channel),
      violated: (reason) => this.violations.push(reason),
    });
  }

  connect() {
    this.canSay = true;
    this.pc = new FakeConnection();
    this.register.use(this.pc);
  }

  /** The connection ends; what was under way is lost. */
  cut() {
    this.canSay = false;
    this.said.length = 0;
    this.pc.made.length = 0;
    this.register.detach();
  }

  /** As it is written, and read again. */
  hear(message) {
    this.register.receive(parseControl(JSON.stringify(message)));
  }

  /** What it has said since it was last asked, without acknowledgements. */
  words() {
    return this.said.splice(0).filter(({ type }) => type !== "ack");
  }
}

/** The offerer and the answerer of one connection, and of those after it. */
export class Two {
  constructor() {
    this.offerer = new Side(true);
    this.answerer = new Side(false);
    /** The ends of each: that of the offerer, then that of the answerer. @type {[FakeLane, FakeLane][]} */
    this.lanes = [];
    this.connect();
  }

  get sides() {
    return [this.offerer, this.answerer];
  }

  connect() {
    for (const side of this.sides) side.connect();
    for (const side of this.sides) side.register.ask();
  }

  cut() {
    for (const side of this.sides) side.cut();
    this.lanes.length = 0;
  }

  /** Until nothing is under way any more. */
  exchange() {
    while (this.step());
  }

  /** Bring one thing over of each sort; false when nothing was under way. */
  step() {
    let hasMoved = false;
    for (const [here, there] of [[this.answerer, this.offerer], [this.offerer, this.answerer]]) {
      if (here.said.length === 0) continue;
      there.hear(here.said.shift());
      hasMoved = true;
    }
    if (this.offerer.pc.made.length > 0) {
      this._open(this.offerer.pc.made.shift());
      hasMoved = true;
    }
    for (const ends of [...this.lanes]) hasMoved = this._carry(ends) || hasMoved;
    return hasMoved;
  }

  _open(lane) {
    // Real ones are open when they are adopted; to wait for a task of its own is a test of its own.
    if (lane.readyState === "closed") return;
    const other = new FakeLane(lane.label, lane.protocol);
    [lane.other, other.other] = [other, lane];
    this.lanes.push([lane, other]);
    this.answerer.pc.adopt(other);
    if (other.readyState === "connecting") other.open();
    if (lane.readyState === "connecting") lane.open();
  }

  _carry(ends) {
    let hasMoved = false;
    for (const lane of ends) {
      if (lane.sent.length === 0) continue;
      const framed = lane.take();
      lane.other.receive(framed);
      hasMoved = true;
    }
    const isOver = ends.some(({ readyState }) => readyState === "closing") && ends.every(({ sent }) => sent.length === 0);
    if (!isOver) return hasMoved;
    this.lanes.splice(this.lanes.indexOf(ends), 1);
    for (const lane of ends) lane.closed();
    return true;
  }
}

/** The open ends of a channel over the two. */
export function pair(two, label, kind) {
  const mine = two.offerer.register.open(label, kind);
  const theirs = two.answerer.register.open(label, kind);
  two.exchange();
  return [mine, theirs];
}

/** What was delivered so far. */
export function listen(channel) {
  const heard = [];
  channel.on("message", (message) => heard.push(message));
  return heard;
}

/** Promises that can be kept are. */
export const steps = () => new Promise((resolve) => setImmediate(resolve));

/** A channel, its lane, and the side that it is on; the other side is played by the test. */
export function opened(kind) {
  const two = new Two();
  const channel = two.offerer.register.open("label", kind);
  const [lane] = two.offerer.pc.made;
  lane.open();
  return { channel, lane, side: two.offerer, two };
}

/** Time that goes on only when it is told to. */
export function stopped(context) {
  let milliseconds = 1000;
  context.mock.timers.enable({ apis: ["setTimeout"] });
  context.mock.method(performance, "now", () => milliseconds);
  return (passed) => {
    milliseconds += passed;
    context.mock.timers.tick(passed);
  };
}

/** Everything between the two, however long that takes. */
export function exchangeAll(two, pass) {
  for (let quiet = 0; quiet < 10; quiet += 1) {
    if (two.step()) quiet = 0;
    two.exchange();
    pass(20);
  }
}
