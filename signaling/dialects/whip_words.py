"""What the HTTP transport asks a resource of WHIP or WHEP, and what it replies; who answers; entity tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from signaling.dialects.base import MARK
from signaling.dialects.whip_sdp import Fragment
from signaling.protocol.errors import ErrorCode
from signaling.protocol.ids import PeerId
from signaling.protocol.parts import IceServer, Peer

REFUSALS = {
    ErrorCode.BAD_NAME: 400,
    ErrorCode.BAD_ROOM_NAME: 404,
    ErrorCode.ROOM_FULL: 503,
    ErrorCode.APP_FULL: 503,
    ErrorCode.SERVER_BUSY: 503,
    ErrorCode.TOO_FAST: 429,
}
"""Of a room that was not entered; everything else is 403."""
NO_ANSWER_YET = 409, "There is no answer yet."
NOT_LET_IN = "Nobody has let you into the room; ask its owner, and try again."
NOBODY_ANSWERED = "Nobody in the room has answered; try again, or see whether it takes media."
NOBODY_THERE = (
    "There is nobody in the room who could answer: this server passes offers on, and one of its own clients "
    "has to be there. Open a page or start a program in this room, and try again."
)


class Patch(msgspec.Struct, tag_field="do", tag="patch"):
    """The client has sent a fragment; ``if_match`` as in its header, empty without one."""

    number: int
    """Counts requests from 1; the offer is number 0."""
    fragment: Fragment
    if_match: str = ""


class Delete(msgspec.Struct, tag_field="do", tag="delete"):
    """The client leaves."""


class Reply(msgspec.Struct, omit_defaults=True):
    """To the request of this number."""

    number: int
    status: int
    text: str = ""
    """A description, a fragment, or what is wrong and what to do."""
    etag: str = ""
    retry_after: int = 0
    ice_servers: list[IceServer] = []


def choose(members: Iterable[Peer], kind: str, wanted: str, asked: Collection[PeerId]) -> Peer | None:
    """Who is to answer next, if anybody.

    Who says in its metadata that it answers this kind is asked alone, and who says that it does not, never;
    clients of other protocols cannot. ``wanted``: the id or the name of the only one.
    """
    able = [peer for peer in members if MARK not in peer.metadata and peer.metadata.get(kind) is not False]
    if wanted:
        able = [peer for peer in able if wanted in (peer.id, peer.name)]
    able = [peer for peer in able if peer.metadata.get(kind) is True] or able
    return next((peer for peer in able if peer.id not in asked and not peer.away), None)


def refusal_of_tag(if_match: str, etag: str, is_restart: bool) -> tuple[int, str] | None:
    """Why not, if so: whether a fragment is for the ICE session that its client means (RFC 9725 §4.3.1).

    Examples of the RFC print the star with quotes. Many clients name no tag at all; whose ICE credentials
    a fragment has says as much, so that only a restart needs one.
    """
    tag = if_match.strip()
    if not tag:
        return (428, "An ICE restart needs If-Match: *") if is_restart else None
    if tag in ("*", '"*"') or tag.removeprefix("W/").strip('"') == etag.strip('"'):
        return None
    return (412, f"This is another ICE session; the present one is {etag}.")
