/** The control channel of one connection: what the two libraries say to each other beside the application. */

import { Assembler, fragment, toRaw } from "./channels/chunking.js";
import { RELIABLE } from "./channels/kinds.js";

/** @typedef {"live" | "muted"} SlotState */
/**
 * @typedef {import("./channels/register.js").ChannelMessage
 *   | {type: "media", slots: Record<string, SlotState>}
 *   | {type: "probe"}
 *   | {type: "bye"}} ControlMessage
 */

const LABEL = "peerlane";
const ID = 1000;

export class Control {
  /**
   * @param {RTCPeerConnection} pc
   * @param {object} handlers
   * @param {() => void} handlers.opened
   * @param {() => void} handlers.closed
   * @param {(message: ControlMessage) => void} handlers.received
   */
  constructor(pc, { opened, closed, received }) {
    this._lane = pc.createDataChannel(LABEL, { negotiated: true, id: ID, ordered: true });
    this._lane.binaryType = "arraybuffer";
    const assembler = new Assembler(RELIABLE);
    this._lane.onopen = opened;
    this._lane.onclose = closed;
    this._lane.onmessage = ({ data }) => {
      const assembled = data instanceof ArrayBuffer ? assembler.receive(new Uint8Array(data)) : undefined;
      const message = assembled?.is === "message" ? parse(assembled.data) : undefined;
      if (message) received(message);
    };
  }

  /** False while the channel is not open: whoever opens it says everything that counts then. @param {ControlMessage} message */
  say(message) {
    if (this._lane.readyState !== "open") return false;
    for (const part of fragment(RELIABLE, toRaw(RELIABLE, JSON.stringify(message)))) this._lane.send(part);
    return true;
  }
}

/** @param {string | Uint8Array} data @returns {ControlMessage | undefined} */
function parse(data) {
  if (typeof data !== "string") return undefined;
  try {
    const message = JSON.parse(data);
    return typeof message?.type === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
