/** All channels to one peer, by label: one on both sides, whoever asked first. Only the offerer makes data channels. */

import { Closed, Full, Refused } from "../errors.js";
import { Channel } from "./channel.js";
import { decodeLabel, encodeLabel, kindNamed, kindOf, protocolOf } from "./kinds.js";

/** @typedef {import("./kinds.js").Kind} Kind */
/** @typedef {{type: "open", label: string, kind: string} | {type: "close", label: string}} ChannelMessage */

export const MAX_CHANNELS = 256;

export class Register {
  /**
   * @param {object} options
   * @param {boolean} options.youOffer
   * @param {(message: ChannelMessage) => void} options.say over the control channel
   * @param {(channel: Channel) => void} options.opened one that nobody here has asked for
   */
  constructor({ youOffer, say, opened }) {
    this._youOffer = youOffer;
    this._say = say;
    this._opened = opened;
    /** @type {Map<string, Channel>} */
    this._channels = new Map();
    /** @type {RTCPeerConnection | null} */
    this._pc = null;
  }

  /**
   * The channel of this label, which opens when both sides are ready. Throws Refused when it is of another
   * kind, and Full past 256 channels.
   *
   * @param {string} label
   * @param {Kind} kind
   */
  open(label, kind) {
    const known = this._channels.get(label);
    if (known && known.kind !== kind) {
      throw new Refused("other-kind", `channel ${label} is ${known.kind.name} already`);
    }
    if (known) return known;
    const channel = this._make(label, kind);
    if (this._youOffer) this._createLane(channel);
    else this._say({ type: "open", label, kind: kind.name });
    return channel;
  }

  /** A new connection carries the channels from now on. @param {RTCPeerConnection} pc */
  use(pc) {
    this._pc = pc;
    pc.addEventListener("datachannel", ({ channel }) => this._adopt(pc, channel));
    if (!this._youOffer) return;
    for (const channel of this._channels.values()) this._createLane(channel);
  }

  /** The other side can hear us: ask for what it has not made yet. */
  ask() {
    if (this._youOffer) return;
    for (const { label, kind, isAttached } of this._channels.values()) {
      if (!isAttached) this._say({ type: "open", label, kind: kind.name });
    }
  }

  /** @param {ChannelMessage} message of the other side */
  receive(message) {
    const channel = this._channels.get(message.label);
    if (message.type === "close") {
      this._channels.delete(message.label);
      channel?.closedByOther();
      return;
    }
    const kind = kindNamed(message.kind);
    // With another kind it is refused: whoever asked sees the kind that there is.
    if (channel || !kind || !this._youOffer || this._channels.size >= MAX_CHANNELS || !isLabel(message.label)) return;
    const made = this._make(message.label, kind);
    this._createLane(made);
    this._opened(made);
  }

  /** @param {Error} [why] */
  close(why = new Closed("the connection is closed")) {
    for (const channel of this._channels.values()) channel.fail(why);
    this._channels.clear();
  }

  /** @param {string} label @param {Kind} kind */
  _make(label, kind) {
    if (this._channels.size >= MAX_CHANNELS) throw new Full("too many channels to this peer", "close some");
    encodeLabel(label);
    const channel = new Channel(label, kind, (closing) => {
      if (this._channels.get(label) !== closing) return;
      this._channels.delete(label);
      this._say({ type: "close", label });
    });
    this._channels.set(label, channel);
    return channel;
  }

  /** @param {Channel} channel */
  _createLane({ label, kind }) {
    const pc = this._pc;
    if (!pc || pc.signalingState === "closed") return;
    const { ordered, maxRetransmits } = kind;
    const lane = pc.createDataChannel(encodeLabel(label), { ordered, maxRetransmits, protocol: protocolOf(kind) });
    this._channels.get(label)?.attach(lane);
  }

  /** @param {RTCPeerConnection} pc @param {RTCDataChannel} lane */
  _adopt(pc, lane) {
    const label = decodeLabel(lane.label);
    const kind = kindOf(lane.protocol);
    if (pc !== this._pc || this._youOffer || label === null || !kind) {
      lane.close();
      return;
    }
    const known = this._channels.get(label);
    if (known && known.kind === kind) {
      known.attach(lane);
      return;
    }
    if (known) {
      this._channels.delete(label);
      known.fail(new Refused("other-kind", `the other side has made channel ${label} ${kind.name}`));
    } else if (this._channels.size >= MAX_CHANNELS) {
      lane.close();
      return;
    }
    const channel = this._make(label, kind);
    channel.attach(lane);
    this._opened(channel);
  }
}

/** @param {unknown} label */
function isLabel(label) {
  try {
    return typeof label === "string" && encodeLabel(label) !== "";
  } catch {
    return false;
  }
}
