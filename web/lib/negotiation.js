/**
 * Offers and answers of one pair, so that two offers never meet. Pure: what happens comes in, effects go out.
 *
 *     the offerer:   idle ──→ offering ──→ waiting ──→ stable ──→ offering …
 *     the answerer:  idle ──→ answering ──→ stable ──→ answering …
 *
 * Effects are performed one after the other, so whoever performs them may take its time over each. `open`
 * starts a new connection and ends the one before; what an older generation still does is ignored.
 */

/** @typedef {import("./protocol.js").PeerPayload} PeerPayload */
/** @typedef {import("./protocol.js").Slot} Slot */

/**
 * @typedef {{do: "open", generation: number}
 *   | {do: "make-offer", generation: number, restart: boolean}
 *   | {do: "apply-offer", generation: number, sdp: string, slots: Record<string, string>}
 *   | {do: "make-answer", generation: number}
 *   | {do: "apply-answer", generation: number, sdp: string, slots: Record<string, string>}
 *   | {do: "add-candidate", generation: number, candidate: RTCIceCandidateInit | undefined}
 *   | {do: "send", payload: PeerPayload}} Effect
 */

/** Candidates that come before their description; more than any honest peer has. */
const MAX_HELD_CANDIDATES = 256;
const MAX_SLOTS = 32;

export class Negotiation {
  /** @param {boolean} youOffer whether the server has named this side the offerer */
  constructor(youOffer) {
    this.youOffer = youOffer;
    /** Counts the connections this pair has had; 0 before the first. */
    this.generation = 0;
    /** @type {"idle" | "offering" | "waiting" | "answering" | "stable"} */
    this.state = "idle";
    /** What the other side has asked for. @type {Map<string, Slot>} */
    this.wanted = new Map();
    this._offerAgain = false;
    this._restartAgain = false;
    this._isRestarting = false;
    this._hasRemote = false;
    this._hasSentDescription = false;
    /** @type {(RTCIceCandidateInit | undefined)[]} */
    this._heldRemote = [];
    /** @type {PeerPayload[]} */
    this._heldLocal = [];
  }

  /** The other side is there. @returns {Effect[]} */
  start() {
    return this.youOffer && this.generation === 0 ? this._begin(1) : [];
  }

  /**
   * This side has something new to negotiate: these are all the slots it uses.
   *
   * @param {Slot[]} slots
   * @returns {Effect[]}
   */
  need(slots) {
    if (!this.youOffer) return [{ do: "send", payload: this._pleaseOffer({ slots }) }];
    if (this.generation === 0) return [];
    return this._offerSoon();
  }

  /**
   * The connection cannot be saved: begin the next one, or ask for it.
   *
   * @param {Slot[]} slots
   * @returns {Effect[]}
   */
  rebuild(slots) {
    if (this.youOffer) return this._begin(this.generation + 1);
    return [{ do: "send", payload: this._pleaseOffer({ slots, rebuild: true }) }];
  }

  /**
   * Look for a new path for the connection that there is, or ask for it (RFC 8445 section 9).
   *
   * @returns {Effect[]}
   */
  restart() {
    if (this.generation === 0) return [];
    if (!this.youOffer) return [{ do: "send", payload: this._pleaseOffer({ restart: true }) }];
    this._restartAgain = true;
    return this._offerSoon();
  }

  /**
   * What the other side has said. What makes no sense is ignored.
   *
   * @param {PeerPayload} payload
   * @returns {Effect[]}
   */
  receive(payload) {
    if (!Number.isSafeInteger(payload?.generation)) return [];
    switch (payload.kind) {
      case "description":
        if (typeof payload.sdp !== "string") return [];
        return payload.type === "offer" ? this._receiveOffer(payload) : this._receiveAnswer(payload);
      case "candidate":
        return this._receiveCandidate(payload);
      case "please-offer":
        return this._receivePleaseOffer(payload);
      default:
        return [];
    }
  }

  /**
   * The local description is set and may be sent.
   *
   * @param {number} generation
   * @param {"offer" | "answer"} type
   * @param {string} sdp
   * @param {Record<string, string>} slots
   * @returns {Effect[]}
   */
  described(generation, type, sdp, slots) {
    if (generation !== this.generation) return [];
    this.state = type === "offer" ? "waiting" : "stable";
    this._hasSentDescription = true;
    const held = this._heldLocal.splice(0);
    return [{ kind: /** @type {const} */ ("description"), generation, type, sdp, slots }, ...held].map((payload) => ({
      do: "send",
      payload,
    }));
  }

  /**
   * A candidate of ours; undefined is the end of them.
   *
   * @param {number} generation
   * @param {RTCIceCandidateInit | undefined} candidate
   * @returns {Effect[]}
   */
  gathered(generation, candidate) {
    if (generation !== this.generation) return [];
    /** @type {PeerPayload} */
    const payload = { kind: "candidate", generation, ...(candidate ? { candidate } : {}) };
    if (this._hasSentDescription) return [{ do: "send", payload }];
    if (this._heldLocal.length < MAX_HELD_CANDIDATES) this._heldLocal.push(payload);
    return [];
  }

  /** @param {number} generation @returns {Effect[]} */
  _begin(generation) {
    this._reset(generation);
    this.state = "offering";
    return [
      { do: "open", generation },
      { do: "make-offer", generation, restart: false },
    ];
  }

  /** @param {number} generation */
  _reset(generation) {
    this.generation = generation;
    this._offerAgain = this._restartAgain = this._isRestarting = false;
    this._hasRemote = false;
    this._hasSentDescription = false;
    this._heldRemote = [];
    this._heldLocal = [];
  }

  /** @returns {Effect[]} */
  _offerSoon() {
    if (this.state !== "stable") {
      this._offerAgain = true;
      return [];
    }
    this.state = "offering";
    // What is found from now on belongs to the description that is being made.
    this._hasSentDescription = false;
    this._isRestarting = this._restartAgain;
    this._offerAgain = this._restartAgain = false;
    return [{ do: "make-offer", generation: this.generation, restart: this._isRestarting }];
  }

  /** @param {import("./protocol.js").Description} offer @returns {Effect[]} */
  _receiveOffer({ generation, sdp, slots = {} }) {
    if (this.youOffer || generation < 1) return [];
    // Only a peer that has forgotten us begins again from below; it must learn how far we had come.
    if (generation < this.generation) return [{ do: "send", payload: this._pleaseOffer({ rebuild: true }) }];
    /** @type {Effect[]} */
    const effects = [];
    if (generation > this.generation) {
      this._reset(generation);
      effects.push({ do: "open", generation });
    }
    this.state = "answering";
    this._hasSentDescription = false;
    effects.push({ do: "apply-offer", generation, sdp, slots });
    effects.push(...this._releaseRemote(), { do: "make-answer", generation });
    return effects;
  }

  /** @param {import("./protocol.js").Description} answer @returns {Effect[]} */
  _receiveAnswer({ generation, sdp, slots = {} }) {
    if (generation !== this.generation || this.state !== "waiting") return [];
    this.state = "stable";
    this._isRestarting = false;
    /** @type {Effect[]} */
    const effects = [{ do: "apply-answer", generation, sdp, slots }, ...this._releaseRemote()];
    return this._offerAgain ? [...effects, ...this._offerSoon()] : effects;
  }

  /** @param {import("./protocol.js").Candidate} payload @returns {Effect[]} */
  _receiveCandidate({ generation, candidate }) {
    if (generation !== this.generation) return [];
    if (this._hasRemote) return [{ do: "add-candidate", generation, candidate }];
    if (this._heldRemote.length < MAX_HELD_CANDIDATES) this._heldRemote.push(candidate);
    return [];
  }

  /** @param {import("./protocol.js").PleaseOffer} payload @returns {Effect[]} */
  _receivePleaseOffer({ generation, slots = [], rebuild = false, restart = false }) {
    if (!this.youOffer) return [];
    for (const slot of Array.isArray(slots) ? slots : []) {
      const isSlot = typeof slot?.name === "string" && (slot.kind === "audio" || slot.kind === "video");
      const hasRoom = this.wanted.has(slot?.name) || this.wanted.size < MAX_SLOTS;
      if (isSlot && hasRoom) this.wanted.set(slot.name, slot);
    }
    // A request that is older than the connection we are making is being fulfilled already.
    if (rebuild && generation >= this.generation) return this._begin(generation + 1);
    if (rebuild) return [];
    if (restart) return this._restartForOther(generation);
    if (this.generation === 0) return [];
    // Also when the slots are there already: the other side may want to send in one that it only received in.
    return this._offerSoon();
  }

  /** @param {number} generation @returns {Effect[]} */
  _restartForOther(generation) {
    // The answer to an offer that is under way will tell where the other side is now. One to an offer that
    // it had before it asked has come before this.
    return generation !== this.generation || this._isRestarting ? [] : this.restart();
  }

  /** @returns {Effect[]} */
  _releaseRemote() {
    this._hasRemote = true;
    const { generation } = this;
    return this._heldRemote.splice(0).map((candidate) => ({ do: "add-candidate", generation, candidate }));
  }

  /** @param {{slots?: Slot[], rebuild?: boolean, restart?: boolean}} wishes @returns {PeerPayload} */
  _pleaseOffer({ slots = [], rebuild = false, restart = false }) {
    return { kind: "please-offer", generation: this.generation, slots, rebuild, restart };
  }
}
