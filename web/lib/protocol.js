/**
 * The words of the native protocol, version 1, and their JSON codec; docs/protocol.md tells them as a story.
 *
 * The twin of signaling/protocol/messages.py and codec.py, seen from the client.
 */

/** @typedef {{engine?: string, rollback?: boolean, ice_restart?: boolean, trickle?: boolean, media?: boolean, only_offers?: boolean}} Capabilities */
/** @typedef {{ticket: string, epoch: string, received: number}} Resume */
/** @typedef {Record<string, any>} Metadata */
/**
 * @typedef {object} Peer one member of a room, as another sees it
 * @property {string} id
 * @property {string} [name]
 * @property {Metadata} [metadata]
 * @property {Capabilities} [capabilities]
 * @property {boolean} [away] its link is lost; it may still resume
 * @property {boolean} [you_offer] you make the offers between you two
 * @property {boolean} [publishes] false: may not send audio and video
 */
/** @typedef {{urls: string[], username?: string, credential?: string}} IceServer */
/**
 * @typedef {object} NodeAddress one of several servers, and where clients reach it
 * @property {string} url
 * @property {string} [region]
 * @property {number} [weight] of two nodes of one region, the one with twice the weight is to get twice as many clients
 * @property {string} [id] made anew whenever it starts
 * @property {boolean} [draining] it leaves, and takes nobody in
 */
/** @typedef {{max_message_bytes: number, max_metadata_bytes: number, max_rooms: number, messages_per_second: number, messages_burst?: number, bytes_per_second?: number, joins_per_second?: number, broadcasts_per_second?: number, max_members?: number, outbox_messages?: number, outbox_bytes?: number}} Limits */
/** @typedef {"join" | "create" | "publish" | "signal" | "broadcast" | "kick" | "lock" | "lobby" | "admin"} Permission */
/** @typedef {{capacity: number, owner?: string | null, locked?: boolean, has_password?: boolean, has_lobby?: boolean}} RoomSettings */

/** @typedef {{type: "hello", version: number, capabilities: Capabilities, resume?: Resume, token?: string, region?: string}} Hello */
/** @typedef {{type: "join", request: number, room: string, name?: string, metadata?: Metadata, capacity?: number, proof?: string, lobby?: boolean}} Join */
/** @typedef {{type: "leave", request: number, room: string}} Leave */
/** @typedef {{type: "update", request: number, room: string, name?: string, metadata?: Metadata}} Update */
/** @typedef {{type: "signal", to: string, n: number, payload: any}} Signal */
/** @typedef {{type: "ack", to: string, n: number}} Ack */
/** @typedef {{type: "broadcast", room: string, payload: any}} Broadcast */
/** @typedef {{type: "authenticate", request: number, token: string}} Authenticate */
/** @typedef {{type: "kick", request: number, room: string, id: string, ban?: number, reason?: string}} Kick */
/** @typedef {{type: "configure", request: number, room: string, locked?: boolean, capacity?: number, proof?: string, lobby?: boolean, owner?: string}} Configure */
/** @typedef {{type: "decide", request: number, room: string, id: string, admit: boolean}} Decide */
/** @typedef {{type: "ping", received?: number}} Ping */
/** @typedef {{type: "pong", received?: number, unix_now?: number}} Pong */
/** @typedef {{type: "bye", code?: number, reason?: string, come_back?: import("./errors.js").ComeBack, after?: number}} Bye */
/** @typedef {Join | Leave | Update | Signal | Ack | Broadcast | Authenticate | Kick | Configure | Decide} NumberedRequest */
/** @typedef {NumberedRequest | Hello | Ping | Pong | Bye} Request */

/**
 * @typedef {object} Welcome
 * @property {"welcome"} type
 * @property {string} you
 * @property {string} epoch
 * @property {boolean} resumed
 * @property {number} received
 * @property {string} ticket
 * @property {number} unix_now
 * @property {number} ping_interval
 * @property {number} ping_timeout
 * @property {number} resume_window
 * @property {number} settle
 * @property {Limits} limits
 * @property {IceServer[]} [ice_servers]
 * @property {string} [subject] of the token
 * @property {Permission[]} [can]
 * @property {number | null} [expires] when the token does, in calendar seconds
 * @property {string} [node] which node this is: the `id` of one of `nodes`, if it is there
 * @property {string} [region] where it is
 * @property {NodeAddress[]} [nodes] where a client may go when this one leaves or is lost
 * @property {boolean} [degraded] as in `Degraded`
 */
/** @typedef {{type: "joined", request: number, room: string, peers: Peer[], capacity: number, settings?: RoomSettings | null, waiting?: Peer[]}} Joined */
/** @typedef {{type: "left", request: number, room: string}} Left */
/** @typedef {{type: "updated", request: number, room: string}} Updated */
/** @typedef {{type: "peer-joined", room: string, peer: Peer}} PeerJoined */
/** @typedef {{type: "peer-updated", room: string, id: string, name: string, metadata: Metadata, away: boolean, publishes?: boolean}} PeerUpdated */
/** @typedef {{type: "peer-left", room: string, id: string, reason: "left" | "lost" | "reset" | "kicked" | "expired"}} PeerLeft */
/** @typedef {{type: "signal", from: string, n: number, payload: any}} Signalled */
/** @typedef {{type: "ack", from: string, n: number}} Acked */
/** @typedef {{type: "broadcast", room: string, from: string, payload: any}} Broadcasted */
/** @typedef {{type: "refused", code: string, hint: string, request?: number, to?: string, n?: number, retry_after?: number}} RefusedEvent */
/** @typedef {{type: "waiting", request: number, room: string}} Waiting */
/** @typedef {{type: "done", request: number}} Done */
/** @typedef {{type: "room-updated", room: string, settings: RoomSettings}} RoomUpdated */
/** @typedef {{type: "knocked", room: string, peer: Peer}} Knocked */
/** @typedef {{type: "knock-ended", room: string, id: string}} KnockEnded */
/** @typedef {{type: "kicked", room: string, reason?: string, ban?: number}} Kicked */
/** @typedef {{type: "permitted", can: Permission[], expires?: number | null}} Permitted */
/** @typedef {{type: "expiring", expires: number}} Expiring */
/** @typedef {{type: "ticket", ticket: string}} Ticket */
/** @typedef {{type: "ice-servers", ice_servers: IceServer[]}} IceServers these take the place of those that have a username */
/** @typedef {{type: "nodes", nodes: NodeAddress[]}} Nodes these take the place of the nodes of the welcome */
/** @typedef {{type: "degraded", degraded: boolean}} Degraded whether this node cannot speak with the others for now */
/** @typedef {Joined | Left | Updated | PeerJoined | PeerUpdated | PeerLeft | Signalled | Acked | Broadcasted | RefusedEvent | Waiting | Done | RoomUpdated | Knocked | KnockEnded | Kicked | Permitted} NumberedEvent */
/** @typedef {NumberedEvent | Welcome | Expiring | Ticket | IceServers | Nodes | Degraded | Ping | Pong | Bye} Event */

/** @typedef {"audio" | "video"} MediaKind */
/** @typedef {{name: string, kind: MediaKind}} Slot a place for one track */
/** @typedef {{kind: "description", generation: number, type: "offer" | "answer", sdp: string, slots?: Record<string, string>}} Description */
/** @typedef {{kind: "candidate", generation: number, candidate?: RTCIceCandidateInit}} Candidate */
/** @typedef {{kind: "please-offer", generation: number, slots?: Slot[], rebuild?: boolean, restart?: boolean}} PleaseOffer */
/** @typedef {Description | Candidate | PleaseOffer} PeerPayload */

export const VERSION = 1;
export const JSON_SUBPROTOCOL = "peerlane.v1.json";
export const MAX_BATCH_MESSAGES = 64;

const UNNUMBERED_EVENTS = new Set(["welcome", "expiring", "ticket", "ice-servers", "nodes", "degraded", "ping", "pong", "bye"]);

const EVENT_TYPES = new Set([
  ...UNNUMBERED_EVENTS,
  "joined",
  "left",
  "updated",
  "peer-joined",
  "peer-updated",
  "peer-left",
  "signal",
  "ack",
  "broadcast",
  "refused",
  "waiting",
  "done",
  "room-updated",
  "knocked",
  "knock-ended",
  "kicked",
  "permitted",
]);

/** Whether both ends count this event. @param {{type: string}} event */
export function isNumberedEvent(event) {
  return !UNNUMBERED_EVENTS.has(event.type);
}

/** @typedef {{type: "malformed", detail: string}} Malformed */

/**
 * The messages of one frame, in order; never throws. What is not a message comes back as Malformed.
 *
 * @param {unknown} frame
 * @returns {(Event | Malformed)[]}
 */
export function decode(frame) {
  if (typeof frame !== "string") return [{ type: "malformed", detail: "not a text frame" }];
  let decoded;
  try {
    decoded = JSON.parse(frame);
  } catch (error) {
    return [{ type: "malformed", detail: String(error) }];
  }
  const messages = Array.isArray(decoded) ? decoded : [decoded];
  if (messages.length === 0 || messages.length > MAX_BATCH_MESSAGES) {
    return [{ type: "malformed", detail: `a batch of ${messages.length}` }];
  }
  if (!messages.every((message) => EVENT_TYPES.has(message?.type))) {
    return [{ type: "malformed", detail: "a message without a type of ours" }];
  }
  return messages;
}

const utf8 = new TextEncoder();

/** How many bytes a message takes on the wire. @param {Request} message */
export function sizeBytes(message) {
  return utf8.encode(JSON.stringify(message)).length;
}

/**
 * As few frames as the limits allow, in order.
 *
 * @param {Request[]} messages
 * @param {number} maxBytes of one frame
 * @returns {string[]}
 */
export function encode(messages, maxBytes) {
  /** @type {string[]} */
  const frames = [];
  /** @type {string[]} */
  let batch = [];
  let batchBytes = 2;
  const flush = () => {
    if (batch.length > 0) frames.push(batch.length === 1 ? batch[0] : `[${batch.join(",")}]`);
    batch = [];
    batchBytes = 2;
  };
  for (const message of messages) {
    const text = JSON.stringify(message);
    const bytes = utf8.encode(text).length + 1;
    if (batch.length === MAX_BATCH_MESSAGES || batchBytes + bytes > maxBytes) flush();
    batch.push(text);
    batchBytes += bytes;
  }
  flush();
  return frames;
}
