/**
 * What two peers write onto their connection: framing, and the words of the control channel.
 *
 * `docs/channels.md` is the document, `tests/vectors/framing.json` binds both implementations.
 */

export const CONTROL_LABEL = "peerlane";
export const CONTROL_ID = 1000;

export const IS_TEXT = 0x01;
export const MORE_FOLLOW = 0x02;
/** Of a fragment. */
export const KNOWN_FLAGS = IS_TEXT | MORE_FOLLOW;
export const START = 0x04;
export const START_BYTES = 7;
export const FRAGMENT_BYTES = 16_000;
export const LATEST_HEADER_BYTES = 3;

export const MAX_RELIABLE_BYTES = 16 * 1024 * 1024;
/** Below every path's MTU, with DTLS and SCTP around it. */
export const MAX_DATAGRAM_BYTES = 1100;
export const MAX_CONTROL_BYTES = 64 * 1024;
/** What has come is acknowledged after so many bytes, and otherwise after so many seconds. */
export const ACK_EVERY_BYTES = 16 * 1024;
export const ACK_DELAY = 0.1;

/** @typedef {"live" | "muted"} SlotState */
/** @typedef {{type: "open", label: string, kind: string, id: string, ask: string}} Open `id` empty: a new channel, which is to get the id `ask`, so that one is made however often it is asked for */
/** @typedef {{type: "close", label: string, id: string}} Close `id` empty: not known yet */
/** @typedef {{type: "closed", label: string, id: string}} HasClosed the offerer's answer to a `close` without an id; empty: there was none */
/** @typedef {{type: "ack", received: Record<string, unknown>}} Ack what makes no sense is ignored value by value */
/** @typedef {Open | Close | HasClosed | Ack} ChannelMessage */
/**
 * @typedef {ChannelMessage
 *   | {type: "media", slots: Record<string, SlotState>}
 *   | {type: "probe"}
 *   | {type: "bye"}} ControlMessage
 */

/**
 * One message of the control channel; undefined when it is not one, which is ignored.
 *
 * @param {string | Uint8Array} data
 * @returns {ControlMessage | undefined}
 */
export function parseControl(data) {
  if (typeof data !== "string") return undefined;
  try {
    return checked(JSON.parse(data));
  } catch {
    return undefined;
  }
}

/** @param {any} message @returns {ControlMessage | undefined} */
function checked(message) {
  const { type, label, kind, id = "", ask = "", received, slots } = message ?? {};
  switch (type) {
    case "open":
      return [label, kind, id, ask].every(isText) ? { type, label, kind, id, ask } : undefined;
    case "close":
    case "closed":
      return [label, id].every(isText) ? { type, label, id } : undefined;
    case "ack":
      return isRecord(received) ? { type, received } : undefined;
    case "media":
      return isRecord(slots) && Object.values(slots).every(isSlotState) ? { type, slots } : undefined;
    case "probe":
    case "bye":
      return { type };
    default:
      return undefined;
  }
}

/** @param {unknown} value */
const isText = (value) => typeof value === "string";

/** @param {unknown} value */
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {unknown} value */
const isSlotState = (value) => value === "live" || value === "muted";
