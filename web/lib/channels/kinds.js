/** The kinds of channels: what each promises, and what it costs. */

/** @typedef {"reliable" | "unreliable" | "latest"} KindName */
/**
 * @typedef {object} Kind
 * @property {KindName} name
 * @property {boolean} ordered
 * @property {number | undefined} maxRetransmits undefined: until it arrives
 * @property {number} maxMessageBytes
 */

/** Largest message of the kinds that are one datagram: below every path's MTU with DTLS and SCTP around it. */
export const MAX_DATAGRAM_BYTES = 1100;

/** Everything arrives, in order. For control, chat, documents. @type {Kind} */
export const RELIABLE = Object.freeze({
  name: "reliable",
  ordered: true,
  maxRetransmits: undefined,
  maxMessageBytes: 16 * 1024 * 1024,
});

/** What is lost stays lost, nothing waits. For inputs, snapshots, clocks. @type {Kind} */
export const UNRELIABLE = Object.freeze({
  name: "unreliable",
  ordered: false,
  maxRetransmits: 0,
  maxMessageBytes: MAX_DATAGRAM_BYTES,
});

/** Only the newest value counts. For positions, cursors, presence. @type {Kind} */
export const LATEST = Object.freeze({
  name: "latest",
  ordered: false,
  maxRetransmits: 0,
  maxMessageBytes: MAX_DATAGRAM_BYTES,
});

export const KINDS = Object.freeze([RELIABLE, UNRELIABLE, LATEST]);

const PROTOCOL_PREFIX = "peerlane.v1.";

/** What is written into a data channel's `protocol`. @param {Kind} kind */
export function protocolOf(kind) {
  return PROTOCOL_PREFIX + kind.name;
}

/** The kind that a data channel's `protocol` names. @param {string} protocol @returns {Kind | undefined} */
export function kindOf(protocol) {
  return KINDS.find((kind) => protocolOf(kind) === protocol);
}

/** @param {string} name @returns {Kind | undefined} */
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
