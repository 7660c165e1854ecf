/** What carries a channel: a lane (an RTCDataChannel), now this one, later that of the next connection. */

import { Assembler } from "./chunking.js";
import { Incoming } from "./incoming.js";
import { later } from "./later.js";
import { Outgoing } from "./outgoing.js";
import { Realtime } from "./realtime.js";

/** @typedef {import("./kinds.js").Kind} Kind */
/** @typedef {import("./incoming.js").Arrived} Arrived */
/**
 * What is told of a lane; an older one is not listened to.
 *
 * @typedef {object} Carried
 * @property {() => void} laneOpened
 * @property {() => void} laneClosed
 * @property {() => void} laneHasRoom
 * @property {(arrived: Arrived) => void} arrived
 * @property {() => void} emptied all that waited has gone out
 */

const NOTHING = new Uint8Array(0);

export class Carrier {
  /** @param {Kind} kind @param {Carried} carried */
  constructor(kind, carried) {
    this.kind = kind;
    /** That of the channel over all its lanes; empty until the offerer has said it. */
    this.id = "";
    /** The one that the offerer was asked to give it. */
    this.wantedId = "";
    this.carried = carried;
    this.ordered = kind.ordered ? new Outgoing(kind) : null;
    this.realtime = kind.ordered ? null : new Realtime(kind);
    this.incoming = kind.ordered ? new Incoming(kind) : null;
    this._assembler = new Assembler(kind);
    /** @type {RTCDataChannel | null} */
    this._lane = null;
    this._hasBegun = false;
  }

  /** What waits to go out. */
  get outgoing() {
    return /** @type {Outgoing | Realtime} */ (this.ordered ?? this.realtime);
  }

  /** Whether there is a lane, or there will be. */
  get isAttached() {
    return this._lane?.readyState === "connecting" || this._lane?.readyState === "open";
  }

  get isOpen() {
    return this._hasBegun && this._lane?.readyState === "open";
  }

  get bufferedBytes() {
    // What has been acknowledged has left the buffer, whatever a browser says.
    return Math.min(this._lane?.bufferedAmount ?? 0, this.ordered?.inFlightBytes ?? Infinity);
  }

  get inFlightBytes() {
    return this.ordered?.inFlightBytes ?? 0;
  }

  /** What is kept of a message that has not come whole. */
  get unfinishedBytes() {
    return this.incoming?.unfinishedBytes ?? 0;
  }

  /** The lane to run on from now on. @param {RTCDataChannel} lane @param {string} id */
  attach(lane, id) {
    this.dropLane();
    this.id = id;
    this._lane = lane;
    lane.binaryType = "arraybuffer";
    lane.addEventListener("message", ({ data }) => this._receive(lane, data));
    lane.addEventListener("bufferedamountlow", () => this._hasRoom(lane));
    lane.addEventListener("close", () => this._closed(lane));
    // Chromium never takes from `bufferedAmount` what is sent within the task in which a lane of the other side comes.
    if (lane.readyState === "open") later(() => this._opened(lane));
    else lane.addEventListener("open", () => this._opened(lane));
  }

  /** Close the lane, and listen to it no more. What was handed to it still goes out. */
  dropLane() {
    const lane = this._lane;
    this.detach();
    lane?.close();
  }

  /** The lane ends with its connection: listen to it no more. */
  detach() {
    this._lane = null;
    this._hasBegun = false;
    this._assembler = new Assembler(this.kind);
    this.incoming?.beginLane();
    this.ordered?.endLane();
  }

  /** Length of the data-channel message that goes next; 0: none may. @param {number} now */
  nextBytes(now) {
    if (!this.isOpen) return 0;
    return this.ordered?.nextBytes ?? this.realtime?.nextBytes(now) ?? 0;
  }

  /**
   * Hand it to the lane; its length. Throws when the other side takes none so long. What a lane that is about to
   * close does not take is not lost: an ordered channel sends it again on the next one.
   */
  sendNext() {
    const framed = this.outgoing.take();
    try {
      this._lane?.send(framed);
    } catch (error) {
      if (this._lane?.readyState === "open") throw error;
    }
    return framed.length;
  }

  /**
   * Be told when half of what lies in the buffer now has left it: then there is work again before it is empty.
   * False when it has left already, and nothing will be told.
   */
  listenForRoom() {
    const { _lane: lane, bufferedBytes } = this;
    if (!lane || bufferedBytes === 0) return true;
    lane.bufferedAmountLowThreshold = lane.bufferedAmount - Math.ceil(bufferedBytes / 2);
    return lane.bufferedAmount > lane.bufferedAmountLowThreshold;
  }

  /** See Outgoing.acknowledge. @param {unknown} messages @param {unknown} laneBytes */
  acknowledge(messages, laneBytes) {
    return this.ordered?.acknowledge(messages, laneBytes) ?? "nonsense";
  }

  /** @param {RTCDataChannel} lane */
  _opened(lane) {
    if (lane !== this._lane || this._hasBegun) return;
    this._hasBegun = true;
    this.ordered?.beginLane();
    this.carried.laneOpened();
  }

  /** @param {RTCDataChannel} lane */
  _hasRoom(lane) {
    if (lane === this._lane) this.carried.laneHasRoom();
  }

  /** @param {RTCDataChannel} lane */
  _closed(lane) {
    if (lane !== this._lane) return;
    this.detach();
    this.carried.laneClosed();
  }

  /** @param {RTCDataChannel} lane @param {unknown} data */
  _receive(lane, data) {
    if (lane !== this._lane) return;
    // Every message of ours is binary.
    const framed = data instanceof ArrayBuffer ? new Uint8Array(data) : NOTHING;
    this.carried.arrived((this.incoming ?? this._assembler).receive(framed));
  }
}
