/** One row for each server that was asked. */

import { filled, milliseconds, quoted, reasonOf } from "./quoting.js";
import {
  hasNoRoom,
  isNameless,
  isRefused,
  isRelaying,
  isStranger,
  isUntrusted,
  letsTwoMeet,
} from "./reach.js";
import { FAMILIES, NOT_TOLD, SIGNALING, STUN, TURN } from "./row_words.js";
import { TRANSPORTS } from "./words.js";

/** @typedef {import("./report.js").Row} Row */

const UNREACHABLE = 701;

/** @param {import("./observations.js").StunAnswer} answer */
export function stunRow({ url, family, rtt, mapped, other, trouble }) {
  const silent = isNameless(trouble) ? "nameless" : "silent";
  const kind = rtt === null ? silent : other ? "tells-more" : "answers";
  return row(url, STUN[kind], {
    rtt: milliseconds(rtt),
    family: FAMILIES[family],
    mapped: quoted(mapped),
    reason: reasonOf(trouble),
  });
}

/** @param {import("./observations.js").TurnAnswer} answer */
export function turnRow(answer) {
  return row(answer.url, TURN[turnKind(answer)], {
    transport: TRANSPORTS[answer.transport],
    rtt: milliseconds(answer.allocated),
    relayed: quoted(answer.relayed) || NOT_TOLD,
    echo: milliseconds(answer.echo_rtt),
    code: answer.code,
    reason: reasonOf(answer.trouble),
  });
}

/** @param {import("./observations.js").TurnAnswer} answer */
function turnKind(answer) {
  if (isRelaying(answer) && !letsTwoMeet(answer)) return "no-permission";
  if (isRelaying(answer)) return answer.echo_rtt === null ? "works" : "echoes";
  if (answer.allocated !== null) return "no-echo";
  if (isRefused(answer)) return "refused";
  if (hasNoRoom(answer)) return "no-room";
  if (isUntrusted(answer.trouble)) return "untrusted";
  if (isNameless(answer.trouble)) return "nameless";
  if (answer.code === UNREACHABLE) return "silent";
  return answer.code ? "trouble" : "unusable";
}

/** @param {import("./observations.js").SignalingAnswer} answer */
export function signalingRow(answer) {
  return row(answer.url, SIGNALING[signalingKind(answer)], {
    http: milliseconds(answer.http_rtt),
    websocket: milliseconds(answer.websocket_rtt),
    reason: reasonOf(answer.trouble),
  });
}

/** @param {import("./observations.js").SignalingAnswer} answer */
function signalingKind(answer) {
  const { is_portal, refused, http_rtt, websocket_rtt, trouble } = answer;
  if (is_portal) return "portal";
  if (refused) return "refused";
  if (http_rtt === null && isNameless(trouble)) return "nameless";
  if (http_rtt === null) return isUntrusted(trouble) ? "untrusted" : "silent";
  if (isStranger(answer)) return "stranger";
  if (websocket_rtt !== null) return "works";
  return trouble ? "http-only" : "http";
}

/** @param {string} url @param {import("./row_words.js").Said} said @param {Record<string, string | number>} blanks @returns {Row} */
function row(url, [value, note, level], blanks) {
  return { label: quoted(url), value: filled(value, blanks), note: filled(note, blanks).replaceAll(/^ +| +$/g, ""), level };
}
