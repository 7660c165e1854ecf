"""One row for each server that was asked. ``web/lib/nat/server_rows.js`` is the twin."""

from __future__ import annotations

from peer.facts import UNREACHABLE
from peer.nat import row_words as words
from peer.nat.observations import SignalingAnswer, StunAnswer, TurnAnswer
from peer.nat.quoting import milliseconds, quoted, reason_of
from peer.nat.reach import (
    has_no_room,
    is_nameless,
    is_refused,
    is_relaying,
    is_stranger,
    is_untrusted,
    lets_two_meet,
)
from peer.nat.report import Row
from peer.nat.row_words import Said
from peer.nat.words import TRANSPORTS


def stun_row(answer: StunAnswer) -> Row:
    kind = "tells-more" if answer.other else "answers"
    if answer.rtt is None:
        kind = "nameless" if is_nameless(answer.trouble) else "silent"
    return _row(
        answer.url,
        words.STUN[kind],
        rtt=milliseconds(answer.rtt),
        family=words.FAMILIES[answer.family],
        mapped=quoted(answer.mapped),
        reason=reason_of(answer.trouble),
    )


def turn_row(answer: TurnAnswer) -> Row:
    return _row(
        answer.url,
        words.TURN[_turn_kind(answer)],
        transport=TRANSPORTS[answer.transport],
        rtt=milliseconds(answer.allocated),
        relayed=quoted(answer.relayed) or words.NOT_TOLD,
        echo=milliseconds(answer.echo_rtt),
        code=str(answer.code),
        reason=reason_of(answer.trouble),
    )


def _turn_kind(answer: TurnAnswer) -> str:
    if is_relaying(answer):
        if not lets_two_meet(answer):
            return "no-permission"
        return "echoes" if answer.echo_rtt is not None else "works"
    if answer.allocated is not None:
        return "no-echo"
    if is_refused(answer):
        return "refused"
    if has_no_room(answer):
        return "no-room"
    if is_untrusted(answer.trouble):
        return "untrusted"
    if is_nameless(answer.trouble):
        return "nameless"
    if answer.code == UNREACHABLE:
        return "silent"
    return "trouble" if answer.code else "unusable"


def signaling_row(answer: SignalingAnswer) -> Row:
    return _row(
        answer.url,
        words.SIGNALING[_signaling_kind(answer)],
        http=milliseconds(answer.http_rtt),
        websocket=milliseconds(answer.websocket_rtt),
        reason=reason_of(answer.trouble),
    )


def _signaling_kind(answer: SignalingAnswer) -> str:
    if answer.is_portal:
        return "portal"
    if answer.refused:
        return "refused"
    if answer.http_rtt is None:
        if is_nameless(answer.trouble):
            return "nameless"
        return "untrusted" if is_untrusted(answer.trouble) else "silent"
    if is_stranger(answer):
        return "stranger"
    if answer.websocket_rtt is not None:
        return "works"
    return "http-only" if answer.trouble else "http"


def _row(url: str, said: Said, **blanks: str) -> Row:
    value, note, level = said
    return Row(quoted(url), value.format_map(blanks), note.format_map(blanks).strip(" "), level)
