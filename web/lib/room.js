/**
 * The front door: join a room, and its peers come and go.
 *
 *     const room = await join("wss://example.org", "arena", { name: "Ana" });
 *     for await (const peer of room.peers()) peer.open("moves", LATEST).send("left");
 */

import { Access } from "./access.js";
import { Closed, Full, Lost, Refused } from "./errors.js";
import { Emitter } from "./events.js";
import { roomName } from "./ids.js";
import { Moderation } from "./moderation.js";
import { passwordProof } from "./passwords.js";
import { Renewal } from "./renewal.js";
import { Requests } from "./requests.js";
import { Roster } from "./roster.js";
import { addressesOf } from "./signaling_client/measuring.js";
import { SignalingClient } from "./signaling_client/websocket.js";

/** @typedef {import("./signaling_client/session.js").Told} Told */
/** @typedef {import("./protocol.js").Capabilities} Capabilities */
/** @typedef {import("./protocol.js").Metadata} Metadata */
/** @typedef {import("./remote_peer.js").RemotePeer} RemotePeer */

/** @type {Capabilities} */
export const BROWSER = Object.freeze({
  engine: "browser",
  rollback: true,
  ice_restart: true,
  trickle: true,
  media: true,
});

/** How long `join` tries to reach the server before it gives up. */
export const JOIN_TIMEOUT = 20;

/**
 * @typedef {object} JoinOptions
 * @property {string} [name] what the others call you
 * @property {Metadata} [metadata] what else the others may know
 * @property {number} [capacity] of the room, if you are the first
 * @property {Record<string, MediaStreamTrack>} [tracks] what you send from the start, by slot; see Room.publish
 * @property {Capabilities} [capabilities]
 * @property {AbortSignal} [signal] gives up joining
 * @property {string | import("./renewal.js").TokenSource} [token] where the server asks for one; a function is called again
 *   before it ends
 * @property {string} [password] of the room; if you are the first, the others need it. It is never sent
 * @property {boolean} [nearest] ask the server for all of its nodes, and use the nearest
 * @property {boolean} [lobby] if you are the first: the others wait until they are let in
 */

/**
 * @typedef {object} RoomEvents
 * @property {RemotePeer} peer-joined
 * @property {RemotePeer} peer-updated
 * @property {{peer: RemotePeer, reason: string}} peer-left `left`: said so; `lost`: did not come back in
 *   time; `kicked`: was thrown out; `expired`: its token did
 * @property {{peer: RemotePeer, diagnosis: import("./errors.js").Diagnosis | null}} peer-interrupted its connection is
 *   silent; it heals by itself as soon as it can
 * @property {{peer: RemotePeer, after: number}} peer-restored it lives again, so many seconds after it was interrupted
 * @property {import("./facts.js").Trouble & {peer: RemotePeer}} server-troubled a STUN or TURN server did not help to find a
 *   path to this peer; others may
 * @property {{from: string, payload: any}} broadcast
 * @property {{payload: any}} announced an administrator of the server says this to everybody in the room
 * @property {import("./protocol.js").RoomSettings} room-updated other rules hold for the room
 * @property {{}} waiting to be let in
 * @property {import("./protocol.js").Peer} knocked somebody waits to be let in; answer with `room.moderation`
 * @property {{id: string}} knock-ended
 * @property {{can: string[], expires: number | null}} permitted what the token permits from now on, and until when
 * @property {{expires: number}} expiring the token ends then (calendar seconds); where `token` is a function, it is called
 * @property {{degraded: boolean}} degraded our node cannot speak with the others, or can again: who is at those is out of the
 *   server's reach meanwhile, connections between peers go on
 * @property {{retryIn: number, reason: string}} interrupted the line to the server is lost; connections between peers go on
 * @property {{resumed: boolean}} restored
 * @property {Error} closed
 */

/**
 * Enter a room; resolves when you are inside, with everybody who is there already.
 *
 * Rejects with Refused when the server says no, and with Lost when it cannot be reached within 20 s.
 *
 * @param {string | URL | (string | URL)[]} url of the server; of several the nearest is used, and the others when it is lost
 * @param {string} room
 * @param {JoinOptions} [options]
 * @returns {Promise<Room>}
 */
export async function join(url, room, options = {}) {
  const token = typeof options.token === "function" ? await options.token() : options.token;
  const addresses = await addressesOf(url, options.nearest);
  const entering = new Room(addresses, room, options, token);
  await entering.entered;
  return entering;
}

/** @extends {Emitter<RoomEvents>} */
export class Room extends Emitter {
  /**
   * @param {string | import("./signaling_client/nearest.js").Addresses} addresses
   * @param {string} room
   * @param {JoinOptions} options
   * @param {string} [token] to begin with
   */
  constructor(addresses, room, options, token) {
    super();
    const { name = "", metadata = {}, capacity, capabilities = BROWSER, tracks = {}, signal } = options;
    const fullName = roomName(room);
    if (fullName === null) throw new Refused("bad-room-name", "use 'room' or 'app/room', at most 128 characters");
    /** `app/room`. */
    this.name = fullName;
    /** @type {"joining" | "waiting" | "open" | "interrupted" | "closed"} */
    this.state = "joining";
    this._access = new Access(this, capacity ?? 0);
    this._roster = new Roster(this, {
      canRestart: capabilities.ice_restart ?? false,
      iceServers: () => this._client.session.welcome?.ice_servers ?? [],
      signal: (to, payload) => this._signal(to, payload),
      checkServer: () => this._client.check(),
    });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._patience = undefined;
    this._client = new SignalingClient({
      addresses,
      capabilities,
      tell: (event) => this._told(event),
      leaving: () => this._roster.close(),
      networkChanged: (isPathGone) => this._roster.networkChanged(isPathGone),
      token,
    });
    this._requests = new Requests((effects) => this._client.perform(effects));
    const { session } = this._client;
    this.moderation = new Moderation(fullName, () => session.nextRequest(), (request) => this._act(request));
    this._renewal = new Renewal(options.token ?? "", (fresh) => {
      if (this.state === "closed") return;
      this._client.perform(session.act({ type: "authenticate", request: session.nextRequest(), token: fresh }));
    });
    // In the first offer already, so that nobody has to negotiate twice.
    for (const [slot, track] of Object.entries(tracks)) this.publish(slot, track);
    /** Resolves when you are inside. */
    this.entered = this._enter({ name, metadata, capacity, signal, password: options.password, lobby: options.lobby });
  }

  /** Your own id. */
  get me() {
    return this._client.session.you;
  }

  /** Whether the node that serves us cannot speak with the others for now. */
  get isDegraded() {
    return this._client.session.welcome?.degraded ?? false;
  }

  get capacity() {
    return this._access.capacity;
  }

  /** What holds for the room; null before you are in. */
  get settings() {
    return this._access.settings;
  }

  /** Who waits to be let in, by id, where you may decide that. */
  get waiting() {
    return this._access.waiting;
  }

  /** Whether you may do this here, by your token or as the owner. @param {import("./protocol.js").Permission} permission */
  may(permission) {
    return this._access.may(permission, { me: this.me, welcomed: this._client.session.welcome?.can ?? [] });
  }

  /** Everybody else who is here. */
  get roster() {
    return this._roster.peers;
  }

  /** @param {string} id */
  peer(id) {
    return this._roster.get(id);
  }

  /** Those who are here, then each that comes; ends with the room. */
  peers() {
    return this._roster.stream();
  }

  /**
   * Change what others see of you. Rejects with Refused when the server says no.
   *
   * @param {{name?: string, metadata?: Metadata}} changes
   */
  async update(changes) {
    const { session } = this._client;
    const request = session.nextRequest();
    const name = changes.name?.toWellFormed();
    await this._ask(request, () => session.update({ type: "update", request, room: this.name, ...changes, name }));
  }

  /** To all others, through the server; a session that could not be resumed may lose it. @param {any} payload */
  broadcast(payload) {
    this._assertOpen();
    this._client.perform(this._client.session.broadcast(this.name, payload));
  }

  /**
   * Send this track to everybody, now and whoever comes; the one before in the slot is replaced without a gap.
   *
   * @param {string} slot `microphone`, `camera`, `screen`, `screen-sound`, or a name of your own
   * @param {MediaStreamTrack} track stays yours: nothing here stops it
   */
  publish(slot, track) {
    this._assertOpen();
    this._roster.publish(slot, track);
  }

  /** @param {string} slot */
  unpublish(slot) {
    this._roster.unpublish(slot);
  }

  /** Silence or darken what you publish in this slot, and let the others know. @param {string} slot @param {boolean} muted */
  mute(slot, muted) {
    this._roster.mute(slot, muted);
  }

  /** Leave: the others are told at once. */
  close() {
    this._end(new Closed("you have left the room"));
  }

  /** A newer token, which holds at once. Rejects with Refused (`bad-token`) when it is not good. @param {string} token */
  present(token) {
    return this._act({ type: "authenticate", request: this._client.session.nextRequest(), token });
  }

  /** @param {import("./moderation.js").Request | import("./protocol.js").Authenticate} request */
  _act(request) {
    return this._ask(request.request, () => this._client.session.act(request));
  }

  /** @param {{name: string, metadata: Metadata, capacity?: number, signal?: AbortSignal, password?: string, lobby?: boolean}} options */
  async _enter({ name, metadata, capacity, signal, password, lobby }) {
    const { session } = this._client;
    // Without a password nothing waits here: whoever has made the room may ask for things at once.
    const proof = password ? await passwordProof(password, this.name) : undefined;
    const request = session.nextRequest();
    const giveUp = (/** @type {Error} */ why) => this._end(why);
    const timer = setTimeout(
      () => giveUp(new Lost("the server does not answer", "is it running, and is the address right?", 5)),
      JOIN_TIMEOUT * 1000,
    );
    this._patience = timer;
    signal?.addEventListener("abort", () => giveUp(new Closed("joining was given up")), { once: true });
    try {
      await this._ask(request, () => [
        ...session.join({ type: "join", request, room: this.name, name: name.toWellFormed(), metadata, capacity, proof, lobby }),
        ...session.start(performance.now() / 1000),
      ]);
    } catch (error) {
      this._end(/** @type {Error} */ (error));
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * @param {number} request
   * @param {() => import("./signaling_client/session.js").Effect[]} act
   */
  _ask(request, act) {
    this._assertOpen();
    return this._requests.ask(request, act);
  }

  _assertOpen() {
    if (this.state === "closed") throw new Closed("the room is closed");
  }

  /** @param {Told} event */
  _told(event) {
    switch (event.type) {
      case "joined":
        this.state = "open";
        this._requests.answer(event.request);
        this._access.joined(event);
        break;
      case "left":
      case "updated":
      case "done":
        this._requests.answer(event.request);
        break;
      case "refused":
        this._refused(event);
        break;
      case "peer-joined":
        this._roster.joined(event.peer);
        break;
      case "peer-updated":
        this._roster.updated(event);
        break;
      case "peer-left":
        this._roster.left(event);
        break;
      case "signal":
        this._roster.heard(event);
        break;
      case "broadcast":
        if (event.from === "") this.emit("announced", { payload: event.payload });
        else this.emit("broadcast", { from: event.from, payload: event.payload });
        break;
      case "room-updated":
      case "knocked":
      case "knock-ended":
      case "permitted":
        this._access.changed(event);
        break;
      case "waiting":
        this.state = "waiting";
        // From here on it is people who take their time.
        clearTimeout(this._patience);
        this.emit("waiting", {});
        break;
      case "kicked":
        this._end(new Refused("kicked", event.reason || "you were thrown out of the room"));
        break;
      case "expiring":
        this.emit("expiring", { expires: event.expires });
        void this._renewal.renew();
        break;
      case "degraded":
        this.emit("degraded", { degraded: event.degraded });
        break;
      case "interrupted":
        this._renewal.linkLost(this._client.session.welcome?.expires);
        this._roster.setServerReachable(false, event.reason);
        if (this.state === "open") this.state = "interrupted";
        this.emit("interrupted", { retryIn: event.retryIn, reason: event.reason });
        break;
      case "restored":
        this._roster.setServerReachable(true);
        this._access.welcomed();
        if (this.state === "interrupted") this.state = "open";
        this.emit("restored", { resumed: event.resumed });
        break;
      case "ended":
        this._end(new Refused(String(event.code), event.reason));
        break;
    }
  }

  /** @param {import("./protocol.js").RefusedEvent} event */
  _refused({ request, code, hint }) {
    if (request === undefined) return;
    const why = new Refused(code, hint);
    if (this._requests.answer(request, why)) return;
    // The session has the token of before for a while.
    if (code === "bad-token") console.warn("peerlane: the server does not take the fresh token");
    // Nobody waits for the answer to a join that a resume has repeated.
    else this._end(why);
  }

  /** @param {string} to @param {import("./protocol.js").PeerPayload} payload */
  _signal(to, payload) {
    if (this.state === "closed") return;
    try {
      this._client.perform(this._client.session.signal(to, payload, performance.now() / 1000));
    } catch (error) {
      // So much waits for a peer only when it has been away for long; it will need a new connection anyway.
      if (error instanceof Full) return;
      // A description with very many slots can be too large: the connection stays as it was.
      if (!(error instanceof Refused)) throw error;
      console.warn(`peerlane: a signal for ${to} was not sent`, error);
    }
  }

  /** @param {Error} why */
  _end(why) {
    if (this.state === "closed") return;
    this.state = "closed";
    this._renewal.stop();
    this._roster.end();
    this._client.close();
    this._requests.end(why);
    this.emit("closed", why);
  }
}
