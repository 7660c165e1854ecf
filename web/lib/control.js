/** The control channel of one connection: what the two libraries say to each other beside the application. */

import { Assembler, fragment, toRaw } from "./channels/chunking.js";
import { RELIABLE } from "./channels/kinds.js";
import { Limit } from "./channels/limit.js";
import { now } from "./clock.js";
import { CONTROL_ID, CONTROL_LABEL, MAX_CONTROL_BYTES, parseControl } from "./wire.js";

/** @typedef {import("./wire.js").SlotState} SlotState */
/** @typedef {import("./wire.js").ControlMessage} ControlMessage */

const MESSAGES_PER_SECOND = 200;
/** All channels are asked for at once when a connection has been rebuilt. */
const MESSAGES_AT_ONCE = 1024;
/** The other side does not read any more; nothing else is said until it does. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

export class Control {
  /**
   * @param {RTCPeerConnection} pc
   * @param {object} handlers
   * @param {() => void} handlers.opened messages can be said
   * @param {() => void} handlers.closed
   * @param {(message: ControlMessage) => void} handlers.received
   * @param {(reason: string) => void} handlers.violated the other side says too much, which is dropped
   */
  constructor(pc, { opened, closed, received, violated }) {
    this._lane = pc.createDataChannel(CONTROL_LABEL, { negotiated: true, id: CONTROL_ID, ordered: true });
    this._lane.binaryType = "arraybuffer";
    this._assembler = new Assembler(RELIABLE, MAX_CONTROL_BYTES);
    this._limit = new Limit(MESSAGES_PER_SECOND, MESSAGES_AT_ONCE);
    this._received = received;
    this._violated = violated;
    this._lane.onopen = opened;
    this._lane.onclose = closed;
    this._lane.onmessage = ({ data }) => this._receive(data);
  }

  /** False while the channel is not open: whoever opens it says everything that counts then. @param {ControlMessage} message */
  say(message) {
    const lane = this._lane;
    if (lane.readyState !== "open" || lane.bufferedAmount > MAX_BUFFERED_BYTES) return false;
    for (const part of fragment(RELIABLE, toRaw(RELIABLE, JSON.stringify(message)))) lane.send(part);
    return true;
  }

  /** @param {unknown} data */
  _receive(data) {
    const assembled = this._assembler.receive(data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(0));
    if (assembled.is === "too-large") {
      this._violated("a control message was too long");
      return;
    }
    const message = assembled.is === "message" ? parseControl(assembled.data) : undefined;
    // Acknowledgements come as fast as data goes; those that tell nothing are counted elsewhere.
    if (message?.type !== "ack" && !this._limit.allows(now())) this._violated("too many control messages");
    else if (message) this._received(message);
  }
}
