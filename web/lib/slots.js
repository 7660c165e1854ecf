/** The places for tracks in one connection: slot names ⇄ transceivers. */

/** @typedef {import("./protocol.js").MediaKind} MediaKind */
/** @typedef {import("./protocol.js").Slot} Slot */
/** @typedef {{kind: MediaKind, track: MediaStreamTrack, muted: boolean}} Published */

/** Tracks of one group are kept in step: lips with the voice, a screen with its sound. @param {string} slot */
const groupOf = (slot) => (slot.startsWith("screen") ? "screen" : "person");

export class Slots {
  /**
   * @param {RTCPeerConnection} pc
   * @param {ReadonlyMap<string, Published>} published what this side sends, by slot
   */
  constructor(pc, published) {
    this._pc = pc;
    this._published = published;
    /** @type {Map<string, RTCRtpTransceiver>} */
    this._transceivers = new Map();
    /** @type {Map<string, MediaStream>} */
    this._groups = new Map();
  }

  /** Whether every published slot has its place. */
  get isComplete() {
    return [...this._published.keys()].every((name) => this._transceivers.has(name));
  }

  /** Before an offer: make a place for each of these, and for what this side publishes. @param {Iterable<Slot>} wanted */
  ensure(wanted) {
    const own = [...this._published].map(([name, { kind }]) => ({ name, kind }));
    for (const { name, kind } of [...own, ...wanted]) {
      if (this._transceivers.has(name)) continue;
      const transceiver = this._pc.addTransceiver(kind, { direction: "sendrecv", streams: [this._group(name)] });
      this._transceivers.set(name, transceiver);
    }
    return this.sync();
  }

  /** After an offer has been applied: take the places as the offerer named them. @param {Record<string, string>} slots */
  adopt(slots) {
    for (const transceiver of this._pc.getTransceivers()) {
      const name = transceiver.mid === null ? undefined : slots[transceiver.mid];
      if (typeof name !== "string" || this._transceivers.has(name) || transceiver.direction === "stopped") continue;
      this._transceivers.set(name, transceiver);
      transceiver.direction = "sendrecv";
      transceiver.sender.setStreams?.(this._group(name));
    }
    return this.sync();
  }

  /** Put the tracks that this side publishes now into their places. */
  async sync() {
    for (const [name, { sender, receiver }] of this._transceivers) {
      const published = this._published.get(name);
      const track = published?.kind === receiver.track.kind ? published.track : null;
      if (sender.track !== track) await sender.replaceTrack(track);
    }
  }

  /** mid → slot name, for a description. */
  get byMid() {
    /** @type {Record<string, string>} */
    const byMid = {};
    for (const [name, { mid }] of this._transceivers) if (mid !== null) byMid[mid] = name;
    return byMid;
  }

  /** What arrives in this slot. @param {string} name @returns {MediaStreamTrack | undefined} */
  remoteTrack(name) {
    return this._transceivers.get(name)?.receiver.track;
  }

  /** @param {string} slot */
  _group(slot) {
    const name = groupOf(slot);
    const group = this._groups.get(name) ?? new MediaStream();
    this._groups.set(name, group);
    return group;
  }
}
