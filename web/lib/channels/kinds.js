/** The kinds of channels: what each promises, and what it costs. */

import { MAX_DATAGRAM_BYTES, MAX_RELIABLE_BYTES } from "../wire.js";

/** @typedef {"reliable" | "unreliable" | "latest" | "bulk"} KindName */
/**
 * @typedef {object} Kind
 * @property {KindName} name
 * @property {boolean} ordered and nothing of it is lost
 * @property {number | undefined} maxRetransmits undefined: until it arrives
 * @property {number} maxMessageBytes
 * @property {number} maxKeptBytes what may wait or be unacknowledged before `send` waits
 */

/** Everything arrives once and in order. For control, chat, documents. @type {Kind} */
export const RELIABLE = Object.freeze({
  name: "reliable",
  ordered: true,
  maxRetransmits: undefined,
  maxMessageBytes: MAX_RELIABLE_BYTES,
  maxKeptBytes: 1024 * 1024,
});

/** As RELIABLE, and it yields to all others. For files, full state, whoever joins late. @type {Kind} */
export const BULK = Object.freeze({
  name: "bulk",
  ordered: true,
  maxRetransmits: undefined,
  maxMessageBytes: MAX_RELIABLE_BYTES,
  maxKeptBytes: 4 * 1024 * 1024,
});

/** What is lost stays lost, nothing waits. For inputs, snapshots, clocks. @type {Kind} */
export const UNRELIABLE = Object.freeze({
  name: "unreliable",
  ordered: false,
  maxRetransmits: 0,
  maxMessageBytes: MAX_DATAGRAM_BYTES,
  maxKeptBytes: 0,
});

/** Only the newest value counts. For positions, cursors, presence. @type {Kind} */
export const LATEST = Object.freeze({
  name: "latest",
  ordered: false,
  maxRetransmits: 0,
  maxMessageBytes: MAX_DATAGRAM_BYTES,
  maxKeptBytes: 0,
});

export const KINDS = Object.freeze([RELIABLE, UNRELIABLE, LATEST, BULK]);

const PROTOCOL_PREFIX = "peerlane.v1.";
const PROTOCOL = /^peerlane\.v1\.([a-z]+)\.([0-9a-f]{8})$/;

/** @param {string} text */
export function isChannelId(text) {
  return /^[0-9a-f]{8}$/.test(text);
}

/** What is written into a data channel's `protocol`. @param {Kind} kind @param {string} id of the channel */
export function protocolOf(kind, id) {
  return `${PROTOCOL_PREFIX}${kind.name}.${id}`;
}

/**
 * The kind and the id that a data channel's `protocol` names; null when it was not written by us.
 *
 * @param {string} protocol
 * @returns {{kind: Kind, id: string} | null}
 */
export function parseProtocol(protocol) {
  const [, name, id] = PROTOCOL.exec(protocol) ?? [];
  const kind = kindNamed(name);
  return kind && id ? { kind, id } : null;
}

/** @param {string | undefined} name @returns {Kind | undefined} */
export function kindNamed(name) {
  return KINDS.find((kind) => kind.name === name);
}

const MAX_LABEL_CHARACTERS = 128;
const MAX_ENCODED_LABEL_CHARACTERS = 512;

/**
 * A label in ASCII: some engines break on anything else. Throws RangeError when it is too long or empty.
 *
 * @param {string} label
 */
export function encodeLabel(label) {
  const encoded = encodeURIComponent(label);
  if (!label || [...label].length > MAX_LABEL_CHARACTERS || encoded.length > MAX_ENCODED_LABEL_CHARACTERS) {
    throw new RangeError(`a label has 1 to ${MAX_LABEL_CHARACTERS} characters`);
  }
  return encoded;
}

/** The label as the application wrote it; null when it was not written by us. @param {string} encoded */
export function decodeLabel(encoded) {
  try {
    const label = decodeURIComponent(encoded);
    return encodeLabel(label) === encoded ? label : null;
  } catch {
    return null;
  }
}
