/**
 * The client's end of a session, as docs/protocol.md tells it. Pure: messages and time in, effects out.
 *
 *     idle ──→ connecting ──→ greeting ──→ open
 *      ↑           │              │          │      the link is lost, or silent: back-off
 *      └───────────┴──────────────┴──────────┘
 *     any ──→ closed                                 we said bye, or the server said never
 */

import { closeReason, Refused } from "../errors.js";
import { isNumberedEvent, VERSION } from "../protocol.js";
import { Conversation } from "./conversation.js";
import { DialPlan } from "./dial_plan.js";
import { Liveness } from "./liveness.js";
import { Numbered } from "./numbered.js";

/** @typedef {import("../protocol.js").Request} Request */
/** @typedef {import("../protocol.js").NumberedRequest} NumberedRequest */
/** @typedef {import("../protocol.js").Event} Event */
/** @typedef {import("../protocol.js").Welcome} Welcome */
/** @typedef {import("./members.js").Change} Change */

/**
 * What the application is told: the server's words that concern it, and
 * `undelivered`: signals that a peer will not get; `interrupted`: the link is lost; `restored`: it is back;
 * `renamed`: the server could not give us our old id; `ended`: there is no way back.
 *
 * @typedef {Change
 *   | import("../protocol.js").Joined | import("../protocol.js").Left | import("../protocol.js").Updated
 *   | import("../protocol.js").Waiting | import("../protocol.js").Done | import("../protocol.js").RoomUpdated
 *   | import("../protocol.js").Knocked | import("../protocol.js").KnockEnded | import("../protocol.js").Kicked
 *   | import("../protocol.js").Permitted | import("../protocol.js").Expiring
 *   | import("../protocol.js").Degraded
 *   | import("../protocol.js").RefusedEvent | import("../protocol.js").Broadcasted | import("../protocol.js").IceServers
 *   | {type: "signal", from: string, payload: any}
 *   | {type: "undelivered", to: string, payloads: any[]}
 *   | {type: "interrupted", retryIn: number, reason: string}
 *   | {type: "restored", resumed: boolean}
 *   | {type: "renamed"}
 *   | {type: "ended", code: number, reason: string}} Told
 */

/** @typedef {{do: "connect", url: string} | {do: "send", message: Request} | {do: "disconnect"} | {do: "tell", event: Told}} Effect */
/** @typedef {"idle" | "connecting" | "greeting" | "open" | "closed"} State */

/** Before the welcome says what the server takes. */
const DEFAULT_MAX_MESSAGE_BYTES = 65_536;

export class Session {
  /**
   * @param {object} options
   * @param {import("../protocol.js").Capabilities} options.capabilities
   * @param {() => number} options.random from 0 up to 1, for the back-off
   * @param {string} [options.token]
   * @param {import("./nearest.js").Addresses} [options.addresses] without them links are connected by hand
   */
  constructor({ capabilities, random, token = "", addresses = { urls: [""] } }) {
    /** Said with every hello; a newer one may take its place at any time. */
    this.token = token;
    this._capabilities = capabilities;
    this._region = addresses.regions?.[0] ?? "";
    this._dialPlan = new DialPlan(addresses, random);
    /** @type {State} */
    this.state = "idle";
    /** @type {Welcome | null} */
    this.welcome = null;
    this._conversation = new Conversation();
    this._numbered = new Numbered();
    this._liveness = new Liveness();
    this._resuming = false;
    this._retryAt = 0;
    this._giveUpAt = 0;
    this._request = 0;
  }

  /** Our id; empty before the first welcome. */
  get you() {
    return this.welcome?.you ?? "";
  }

  /** Signals that were said again, under our id, because nobody had acknowledged them in time. */
  get resends() {
    return this._conversation.resends;
  }

  /** A number for the next join, leave or update. */
  nextRequest() {
    this._request += 1;
    return this._request;
  }

  // What the application wants. Each throws Full when too many requests wait for the server, and Refused
  // when it is too large for it; then nothing has happened.

  /** @param {number} now @returns {Effect[]} */
  start(now) {
    return this.state === "idle" ? this._connect(now) : [];
  }

  /**
   * Enter a room, and again after every resume that is not whole.
   *
   * @param {import("../protocol.js").Join} join whose room is the full name
   */
  join(join) {
    this._requireRoomFor(join);
    return this._do(this._conversation.join(join));
  }

  /** @param {import("../protocol.js").Leave} leave */
  leave(leave) {
    this._requireRoomFor(leave);
    return this._do(this._conversation.leave(leave));
  }

  /** @param {import("../protocol.js").Update} update */
  update(update) {
    this._requireRoomFor(update);
    return this._do(this._conversation.update(update));
  }

  /**
   * Throws Full when too much waits for this peer, or for the server.
   *
   * @param {string} to
   * @param {any} payload
   * @param {number} now
   */
  signal(to, payload, now) {
    this._requireRoomFor({ type: "signal", to, n: Number.MAX_SAFE_INTEGER, payload });
    return this._do(this._conversation.signal(to, payload, now));
  }

  /** @param {string} room @param {any} payload */
  broadcast(room, payload) {
    /** @type {import("../protocol.js").Broadcast} */
    const message = { type: "broadcast", room, payload };
    this._requireRoomFor(message);
    return this._do([{ post: message }]);
  }

  /**
   * Ask for something that is answered with `done` or `refused`.
   *
   * @param {import("../protocol.js").Authenticate | import("../protocol.js").Kick | import("../protocol.js").Configure | import("../protocol.js").Decide} request
   */
  act(request) {
    this._requireRoomFor(request);
    if (request.type === "authenticate") this.token = request.token;
    return this._do([{ post: request }]);
  }

  /** End the session in all its rooms. @returns {Effect[]} */
  bye() {
    if (this.state === "closed") return [];
    const linked = this._maySend;
    this.state = "closed";
    return linked ? [{ do: "send", message: { type: "bye" } }, { do: "disconnect" }] : [{ do: "disconnect" }];
  }

  /**
   * Something may have happened while we did not look (sleep, another network): find out at once.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  check(now) {
    if (this.state === "idle") {
      this._dialPlan.hurry();
      return this._connect(now);
    }
    if (this.state !== "open") return [];
    this._liveness.check(now);
    return [this._ping()];
  }

  /**
   * The network that the link was on is gone: the next link begins at once.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  moved(now) {
    if (this.state === "idle" || this.state === "closed") return this.check(now);
    this._dialPlan.hurry();
    const event = { type: /** @type {const} */ ("interrupted"), retryIn: 0, reason: "the network has changed" };
    return [{ do: "disconnect" }, { do: "tell", event }, ...this._connect(now)];
  }

  // What the link does

  /** @returns {Effect[]} */
  linkOpened() {
    if (this.state !== "connecting") return [];
    if (this._dialPlan.returns()) return [{ do: "disconnect" }, { do: "connect", url: this._dialPlan.url }];
    this.state = "greeting";
    this._resuming = this.welcome !== null;
    const token = this.token ? { token: this.token } : {};
    const region = this._region ? { region: this._region } : {};
    const hello = { type: /** @type {const} */ ("hello"), version: VERSION, capabilities: this._capabilities, ...token, ...region };
    if (!this.welcome) {
      return [hello, ...this._numbered.kept].map((message) => ({ do: "send", message }));
    }
    const { ticket, epoch } = this.welcome;
    return [{ do: "send", message: { ...hello, resume: { ticket, epoch, received: this._numbered.received } } }];
  }

  /**
   * @param {number} now
   * @param {number} code of the WebSocket close
   * @param {{comeBack?: import("../errors.js").ComeBack, after?: number, reason?: string}} [advice] of a bye
   * @returns {Effect[]}
   */
  linkLost(now, code, advice = {}) {
    if (this.state === "closed" || this.state === "idle") return [];
    const known = closeReason(code);
    const comeBack = advice.comeBack ?? known?.come_back;
    const reason = advice.reason || known?.text || "";
    if (comeBack === "never") {
      this.state = "closed";
      return [{ do: "disconnect" }, { do: "tell", event: { type: "ended", code, reason } }];
    }
    const after = advice.after ?? known?.after ?? 0;
    const retryIn = this._dialPlan.lost(now, after, { wasOpen: this.state === "open", isLeaving: comeBack === "elsewhere" });
    this.state = "idle";
    this._retryAt = now + retryIn;
    return [{ do: "disconnect" }, { do: "tell", event: { type: "interrupted", retryIn, reason } }];
  }

  /**
   * @param {Event | import("../protocol.js").Malformed} event
   * @param {number} now
   * @returns {Effect[]}
   */
  receive(event, now) {
    if (this.state !== "greeting" && this.state !== "open") return [];
    this._liveness.heard(now);
    if (event.type === "malformed") return [];
    if (this.state === "greeting" && event.type !== "welcome" && event.type !== "bye") return [];
    if (!isNumberedEvent(event)) return this._receiveUnnumbered(event, now);
    this._numbered.received += 1;
    const outcomes = this._conversation.receive(/** @type {import("../protocol.js").NumberedEvent} */ (event), now);
    const effects = [...this._wakeConversation(now), ...this._do(outcomes)];
    if (this._numbered.isPingDue) effects.push(this._ping());
    return effects;
  }

  // Time

  /** When `wake` has something to do; Infinity: never. */
  get wakeAt() {
    switch (this.state) {
      case "idle":
        return this._retryAt;
      case "connecting":
      case "greeting":
        return this._giveUpAt;
      case "open":
        return Math.min(this._conversationWakeAt, this._liveness.wakeAt);
      default:
        return Infinity;
    }
  }

  /** @param {number} now @returns {Effect[]} */
  wake(now) {
    if (this.state === "closed") return [];
    if (this.state === "idle") return now >= this._retryAt ? this._connect(now) : [];
    if (this.state !== "open") {
      return now >= this._giveUpAt ? this.linkLost(now, 1006, { reason: "the server does not answer" }) : [];
    }
    // Doubts are for an open link only: while there is none, nobody can be seen to come back.
    const effects = this._wakeConversation(now);
    switch (this._liveness.wake(now)) {
      case "ping":
        return [...effects, this._ping()];
      case "dead":
        return [...effects, ...this.linkLost(now, 1006, { reason: "the server has fallen silent" })];
      default:
        return effects;
    }
  }

  // Inside

  get _maySend() {
    return this.state === "open" || (this.state === "greeting" && !this._resuming);
  }

  /** @param {NumberedRequest} message */
  _requireRoomFor(message) {
    this._numbered.requireRoom();
    const limit = this.welcome?.limits.max_message_bytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    // A frame of exactly that size is one too many, and would be said again after every resume.
    if (new TextEncoder().encode(JSON.stringify(message)).length >= limit) {
      throw new Refused("too-large", "send less at once; the limit is in the welcome");
    }
  }

  /** @param {number} now @returns {Effect[]} */
  _connect(now) {
    this.state = "connecting";
    this._giveUpAt = now + this._dialPlan.patience;
    return [{ do: "connect", url: this._dialPlan.url }];
  }

  /** @returns {Effect} */
  _ping() {
    return { do: "send", message: { type: "ping", received: this._numbered.say() } };
  }

  /**
   * Count what goes to the server, and send it when there is a link.
   *
   * @param {import("./conversation.js").Outcome[]} outcomes
   * @returns {Effect[]}
   */
  _do(outcomes) {
    return outcomes.flatMap((outcome) =>
      "post" in outcome ? this._post(outcome.post) : [/** @type {Effect} */ ({ do: "tell", event: outcome.tell })],
    );
  }

  /** @param {NumberedRequest} message @returns {Effect[]} */
  _post(message) {
    this._numbered.keep(message);
    if (!this._maySend) return [];
    /** @type {Effect[]} */
    const effects = [{ do: "send", message }];
    if (this.state === "open" && this._numbered.isPingDue) effects.push(this._ping());
    return effects;
  }

  /** @param {Event} event @param {number} now @returns {Effect[]} */
  _receiveUnnumbered(event, now) {
    switch (event.type) {
      case "welcome":
        return this.state === "greeting" ? this._welcomed(event, now) : [];
      case "ping":
        this._numbered.confirm(event.received);
        return [{ do: "send", message: { type: "pong", received: this._numbered.say() } }];
      case "pong":
        this._numbered.confirm(event.received);
        return [];
      case "ticket":
        if (this.welcome) this.welcome.ticket = event.ticket;
        return [];
      case "ice-servers":
        return this._takeServers(event);
      case "nodes":
        this._dialPlan.told(event.nodes);
        return [];
      case "degraded":
        if (!this.welcome) return [];
        this.welcome.degraded = event.degraded;
        return [{ do: "tell", event }];
      case "expiring":
        return [{ do: "tell", event }];
      case "bye":
        return this.linkLost(now, event.code ?? 0, {
          comeBack: event.come_back ?? "never",
          after: event.after,
          reason: event.reason,
        });
      default:
        return [];
    }
  }

  /** @param {import("../protocol.js").IceServers} event @returns {Effect[]} */
  _takeServers(event) {
    if (!this.welcome || !Array.isArray(event.ice_servers)) return [];
    const lasting = (this.welcome.ice_servers ?? []).filter(({ username }) => !username);
    this.welcome.ice_servers = [...lasting, ...event.ice_servers];
    return [{ do: "tell", event }];
  }

  /** @param {Welcome} welcome @param {number} now @returns {Effect[]} */
  _welcomed(welcome, now) {
    const before = this.welcome;
    this.welcome = { ...welcome };
    this.state = "open";
    this._dialPlan.welcomed(welcome);
    this._liveness.begin(now, welcome.ping_interval, welcome.ping_timeout);
    this._conversation.settle = welcome.settle;
    this._conversation.allowance.follow(welcome.limits?.messages_per_second);
    /** @type {Effect[]} */
    const told = [{ do: "tell", event: { type: "restored", resumed: before !== null && welcome.resumed } }];
    if (!before) return told;
    if (!welcome.resumed) return [...told, ...this._startAfresh(welcome.you !== before.you, now)];
    this._numbered.confirm(welcome.received);
    this._conversation.resumed(now);
    const kept = this._numbered.kept.map((message) => /** @type {Effect} */ ({ do: "send", message }));
    return [...told, this._ping(), ...kept, ...this._wakeConversation(now)];
  }

  /** @param {boolean} isRenamed @param {number} now @returns {Effect[]} */
  _startAfresh(isRenamed, now) {
    const unanswered = this._numbered.kept;
    this._numbered = new Numbered();
    return this._do(this._conversation.startedAfresh(unanswered, isRenamed, now));
  }

  get _conversationWakeAt() {
    // Acknowledgements say "up to here", so they lose nothing by waiting for room; and what is said again was said before.
    return this._numbered.isFull ? Infinity : this._conversation.wakeAt;
  }

  /** @param {number} now @returns {Effect[]} */
  _wakeConversation(now) {
    return now >= this._conversationWakeAt ? this._do(this._conversation.wake(now)) : [];
  }
}
