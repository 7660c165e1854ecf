/**
 * All channels to one peer, by label: one on both sides, whoever asked first.
 *
 * Only the offerer makes data channels; the side that answers asks for them over the control channel.
 */

import { now } from "../clock.js";
import { Closed, Full, Refused } from "../errors.js";
import { Acks } from "./acks.js";
import { Channel } from "./channel.js";
import { Ended } from "./ended.js";
import { decodeLabel, encodeLabel, isChannelId, kindNamed, parseProtocol, protocolOf } from "./kinds.js";
import { Limit } from "./limit.js";
import { Traffic } from "./traffic.js";

/** @typedef {import("./kinds.js").Kind} Kind */
/** @typedef {import("./carrier.js").Carrier} Carrier */
/** @typedef {import("../wire.js").ChannelMessage} ChannelMessage */

export const MAX_CHANNELS = 256;
/** Four of the longest messages, in all channels together. */
const MAX_UNFINISHED_BYTES = 64 * 1024 * 1024;
/** Lanes that have to be refused and acknowledgements that tell nothing: more have no good reason. */
const USELESS_PER_SECOND = 200;
const USELESS_AT_ONCE = 1024;

export class Register {
  /**
   * @param {object} options
   * @param {boolean} options.youOffer
   * @param {(message: ChannelMessage) => boolean} options.say over the control channel; false when it cannot
   * @param {(channel: Channel) => void} options.opened one that nobody here has asked for
   * @param {(reason: string) => void} options.violated the other side does what nobody who speaks this protocol does
   */
  constructor({ youOffer, say, opened, violated }) {
    this._youOffer = youOffer;
    this._say = say;
    this._opened = opened;
    this._violated = violated;
    /** @type {Map<string, Channel>} */
    this._channels = new Map();
    /** By id: all that have a lane or may get one, also those that have lost their label. @type {Map<string, Channel>} */
    this._byId = new Map();
    /** Closed here; what waits in them goes out first. @type {Set<Channel>} */
    this._leaving = new Set();
    /** Ended by the other side; what is under way is read first. @type {Set<Channel>} */
    this._parting = new Set();
    this._ended = new Ended(say);
    this._traffic = new Traffic(violated);
    this._acks = new Acks(say);
    this._useless = new Limit(USELESS_PER_SECOND, USELESS_AT_ONCE);
    /** @type {Map<Channel, number>} */
    this._unfinished = new Map();
    this._unfinishedBytes = 0;
    /** @type {RTCPeerConnection | null} */
    this._pc = null;
    this._isClosed = false;
  }

  /**
   * The channel of this label, which opens when both sides are ready. Throws Refused when it is of another
   * kind, Full past 256 channels, and RangeError for a label that cannot be one.
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
    if (this._youOffer) this._attachNewLane(channel);
    else this._askFor(channel);
    return channel;
  }

  /** A new connection carries the channels from now on. @param {RTCPeerConnection} pc */
  use(pc) {
    this.detach();
    this._pc = pc;
    pc.addEventListener("datachannel", ({ channel }) => this._adopt(pc, channel));
    if (!this._youOffer) return;
    for (const channel of this._channels.values()) this._attachNewLane(channel);
  }

  /** The connection has ended; its channels wait for the next one. */
  detach() {
    this._pc = null;
    this._acks.stop();
    this._traffic.begin();
    for (const channel of [...this._channels.values(), ...this._leaving, ...this._parting]) channel.detach();
  }

  /** The other side can hear us: say what it may have missed, and ask for what it has not made yet. */
  ask() {
    this._ended.sayAll();
    if (!this._youOffer) {
      for (const channel of this._channels.values()) if (!channel.isAttached) this._askFor(channel);
    }
    this._acks.sayAll([...this._byId.values()].map(({ carrier }) => carrier), now());
  }

  /** What the other side says about channels. @param {ChannelMessage} message */
  receive(message) {
    switch (message.type) {
      case "ack":
        this._acknowledge(message.received);
        break;
      case "close":
        if (this._youOffer) this._closedByAnswerer(message.label, message.id);
        else this._closedByOfferer(message.label, message.id);
        break;
      case "closed":
        if (!this._youOffer) this._wasClosed(message);
        break;
      case "open":
        if (this._youOffer) this._openForOther(message);
        break;
    }
  }

  /** The connection ends for good; what waits may still go out until `detach`. @param {Error} [why] */
  close(why = new Closed("the connection is closed")) {
    this._pc = null;
    this._isClosed = true;
    this._acks.stop();
    for (const channel of [...this._channels.values()]) channel.end(why);
    this._traffic.hurry();
  }

  // For its channels

  /** @param {Carrier} carrier */
  waits(carrier) {
    this._traffic.waits(carrier);
  }

  hasRoom() {
    this._traffic.turn();
  }

  /** @param {Channel} channel */
  came(channel) {
    this._acks.came(channel.carrier, now());
    const { unfinishedBytes } = channel.carrier;
    this._unfinishedBytes += unfinishedBytes - (this._unfinished.get(channel) ?? 0);
    this._unfinished.set(channel, unfinishedBytes);
    return this._unfinishedBytes <= MAX_UNFINISHED_BYTES;
  }

  /** @param {Channel} channel */
  laneClosed(channel) {
    this._forgetLane(channel);
  }

  /** @param {Channel} channel */
  closed(channel) {
    if (this._channels.get(channel.label) !== channel) return;
    this._channels.delete(channel.label);
    this._leaving.add(channel);
  }

  /** @param {Channel} channel */
  left(channel) {
    this._forgetLane(channel);
    const { label, carrier } = channel;
    this._byId.delete(carrier.id);
    this._ended.remember(carrier.id);
    this._parting.delete(channel);
    const wasClosedHere = this._leaving.delete(channel);
    // The offerer knows every id; what has none there was never made.
    if (!wasClosedHere || this._isClosed || (carrier.id === "" && this._youOffer)) return;
    this._ended.close(label, carrier.id);
    this._askAgain(label);
  }

  /** @param {string} reason */
  violated(reason) {
    this._violated(reason);
  }

  // Inside

  get _hasRoomForOne() {
    return this._channels.size + this._leaving.size + this._parting.size < MAX_CHANNELS;
  }

  /** @param {string} label @param {Kind} kind */
  _make(label, kind) {
    if (!this._hasRoomForOne) throw new Full("too many channels to this peer", "close some");
    encodeLabel(label);
    const channel = new Channel(label, kind, this);
    this._channels.set(label, channel);
    return channel;
  }

  /** @param {Channel} channel @param {RTCDataChannel} lane @param {string} id */
  _attach(channel, lane, id) {
    this._byId.set(id, channel);
    // Nobody needs the one that was asked for any more; it may be made all the same.
    if (channel.carrier.wantedId !== id) this._ended.remember(channel.carrier.wantedId);
    this._forgetLane(channel);
    channel.attach(lane, id);
  }

  /** @param {Channel} channel */
  _attachNewLane(channel) {
    const pc = this._pc;
    if (!pc || pc.signalingState === "closed") return;
    const { label, kind, carrier } = channel;
    const id = carrier.id || carrier.wantedId || this._drawId();
    const { ordered, maxRetransmits } = kind;
    const protocol = protocolOf(kind, id);
    this._attach(channel, pc.createDataChannel(encodeLabel(label), { ordered, maxRetransmits, protocol }), id);
  }

  _drawId() {
    for (;;) {
      const [number] = crypto.getRandomValues(new Uint32Array(1));
      const id = number.toString(16).padStart(8, "0");
      if (!this._byId.has(id) && !this._ended.has(id)) return id;
    }
  }

  /** @param {Channel} channel */
  _forgetLane(channel) {
    this._traffic.forget(channel.carrier);
    this._acks.forget(channel.carrier);
    this._unfinishedBytes -= this._unfinished.get(channel) ?? 0;
    this._unfinished.delete(channel);
  }

  /** A data channel that the other side has made. @param {RTCPeerConnection} pc @param {RTCDataChannel} lane */
  _adopt(pc, lane) {
    const label = decodeLabel(lane.label);
    const { kind, id } = parseProtocol(lane.protocol) ?? {};
    if (pc !== this._pc || this._youOffer || label === null || !kind || !id) {
      this._refuse(lane);
    } else if (this._ended.has(id) || (this._ended.isUnnamed(label) && !this._isAwaited(label, id))) {
      this._refuse(lane);
      this._ended.close(label, id);
      this._askAgain(label);
    } else {
      this._adoptAs(lane, label, kind, id);
    }
  }

  /** @param {string} label @param {string} id */
  _isAwaited(label, id) {
    return this._channels.get(label)?.carrier.wantedId === id;
  }

  /** @param {RTCDataChannel} lane @param {string} label @param {Kind} kind @param {string} id */
  _adoptAs(lane, label, kind, id) {
    const known = this._channels.get(label);
    const ofThisId = this._byId.get(id);
    if ((ofThisId && ofThisId !== known) || (!known && !this._hasRoomForOne)) {
      this._refuse(lane);
      return;
    }
    if (known?.kind === kind && ["", id].includes(known.carrier.id)) {
      if (known.isAttached && !this._isUseful("too many data channels for one channel")) return;
      this._attach(known, lane, id);
      return;
    }
    if (known) this._replace(known, kind);
    const channel = this._make(label, kind);
    this._attach(channel, lane, id);
    this._opened(channel);
  }

  /** @param {RTCDataChannel} lane */
  _refuse(lane) {
    lane.close();
    this._isUseful("too many data channels that have to be refused");
  }

  /** False when it is one too many. @param {string} reason */
  _isUseful(reason) {
    if (this._useless.allows(now())) return true;
    this._violated(reason);
    return false;
  }

  /** @param {Record<string, unknown>} received */
  _acknowledge(received) {
    let isNews = false;
    for (const [id, value] of Object.entries(received)) {
      const channel = this._byId.get(id);
      if (!channel || !Array.isArray(value) || value.length !== 3) continue;
      isNews = this._traffic.acknowledge(channel.carrier, value[0], value[1], value[2]) || isNews;
      channel.acknowledged();
    }
    if (isNews) this._traffic.turn();
    else this._isUseful("too many acknowledgements of nothing");
  }

  /** @param {import("../wire.js").Open} message */
  _openForOther({ label, kind: name, id, ask }) {
    if (id !== "") {
      // One that it had before. Whoever does not know it any more has closed it.
      if (!this._byId.has(id)) this._say({ type: "close", label, id });
      return;
    }
    if (this._byId.has(ask)) return; // made already
    if (this._ended.has(ask)) {
      this._say({ type: "close", label, id: ask });
      return;
    }
    // For a channel of another kind nothing is said: whoever asks sees the one that there is.
    if (this._channels.has(label)) return;
    const kind = kindNamed(name);
    if (!kind || !this._hasRoomForOne || !isLabel(label)) {
      // So that the other side does not wait for ever.
      this._say({ type: "close", label, id: "" });
      return;
    }
    const channel = this._make(label, kind);
    if (isChannelId(ask)) channel.carrier.wantedId = ask;
    this._attachNewLane(channel);
    this._opened(channel);
  }

  /** @param {string} label @param {string} id */
  _closedByAnswerer(label, id) {
    const channel = id === "" ? this._channels.get(label) : this._byId.get(id);
    if (id === "") this._say({ type: "closed", label, id: channel?.carrier.id ?? "" });
    this._part(channel);
  }

  /** @param {string} label @param {string} id */
  _closedByOfferer(label, id) {
    if (this._ended.has(id)) return;
    this._ended.remember(id);
    const known = this._channels.get(label);
    // It could not be made, or it was and its lane has never come.
    const isKnown = id === "" || (known?.carrier.id === "" && known.carrier.wantedId === id);
    const channel = isKnown ? known : this._byId.get(id);
    if (channel !== known) this._askAgain(label);
    this._part(channel);
  }

  /** It has answered: that was about the one which was closed here. @param {import("../wire.js").HasClosed} message */
  _wasClosed({ label, id }) {
    this._ended.remember(id);
    this._ended.named(label);
    this._part(this._byId.get(id));
  }

  /** The other side has closed it, or made another one of its label. @param {Channel | undefined} channel */
  _part(channel) {
    if (!channel) return;
    if (this._channels.get(channel.label) === channel) this._channels.delete(channel.label);
    this._leaving.delete(channel);
    this._parting.add(channel);
    channel.closedByOther();
  }

  /** @param {Channel} known @param {Kind} kind of another channel of its label */
  _replace(known, kind) {
    if (known.carrier.id !== "") {
      this._part(known);
      return;
    }
    this._channels.delete(known.label);
    known.fail(new Refused("other-kind", `the other side has made channel ${known.label} ${kind.name}`));
  }

  /** What was asked for while the old channel was there has been taken for that one. @param {string} label */
  _askAgain(label) {
    const known = this._channels.get(label);
    if (!this._youOffer && known && !known.isAttached) this._askFor(known);
  }

  /** @param {Channel} channel */
  _askFor({ label, kind, carrier }) {
    if (carrier.id === "") carrier.wantedId ||= this._drawId();
    this._say({ type: "open", label, kind: kind.name, id: carrier.id, ask: carrier.id === "" ? carrier.wantedId : "" });
  }
}

/** @param {string} label */
function isLabel(label) {
  try {
    return encodeLabel(label) !== "";
  } catch {
    return false;
  }
}
