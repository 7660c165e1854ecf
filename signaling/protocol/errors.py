"""What the server says when it refuses, and when it hangs up.

Both lists are numbered or named once, here, beside the advice they carry. The twin in the browser
is ``web/lib/errors.js``; ``tests/vectors/errors.json`` binds the two.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ErrorCode(StrEnum):
    """Why one message was refused; the session goes on."""

    MALFORMED = "malformed"
    """The frame is not a message of this protocol."""
    TOO_LARGE = "too-large"
    """The message is longer than ``limits.max_message_bytes`` of the welcome."""
    HELLO_FIRST = "hello-first"
    """The first message of a link must be ``hello``."""
    HELLO_TWICE = "hello-twice"
    """A link says ``hello`` once."""
    BAD_ROOM_NAME = "bad-room-name"
    BAD_NAME = "bad-name"
    BAD_METADATA = "bad-metadata"
    """The metadata is larger than ``limits.max_metadata_bytes``, or has no form in both codecs."""
    ROOM_FULL = "room-full"
    TOO_MANY_ROOMS = "too-many-rooms"
    """This session is in ``limits.max_rooms`` rooms already."""
    NOT_A_MEMBER = "not-a-member"
    """You are not in that room."""
    UNKNOWN_PEER = "unknown-peer"
    """Nobody with that id shares a room with you; the signal was not delivered."""
    SERVER_BUSY = "server-busy"
    """A limit of the whole server is reached; see ``retry_after``."""


HINTS: dict[ErrorCode, str] = {
    ErrorCode.MALFORMED: "send one message, or an array of messages, as docs/protocol.md shows",
    ErrorCode.TOO_LARGE: "send less at once; the limit is in the welcome",
    ErrorCode.HELLO_FIRST: "say hello before anything else",
    ErrorCode.HELLO_TWICE: "open a new link to start a new session",
    ErrorCode.BAD_ROOM_NAME: "use 'room' or 'app/room', at most 128 characters, without control characters",
    ErrorCode.BAD_NAME: "use a name of at most 128 characters, without control characters",
    ErrorCode.BAD_METADATA: "keep metadata under limits.max_metadata_bytes of the welcome",
    ErrorCode.ROOM_FULL: "the room has reached its capacity; try another room or come back later",
    ErrorCode.TOO_MANY_ROOMS: "leave a room before you join another",
    ErrorCode.NOT_A_MEMBER: "join the room first",
    ErrorCode.UNKNOWN_PEER: "the peer has left, or has never been in a room with you",
    ErrorCode.SERVER_BUSY: "wait for retry_after seconds, then try again",
}


class ComeBack(StrEnum):
    """Advice that goes with every goodbye."""

    NEVER = "never"
    HERE = "here"
    ELSEWHERE = "elsewhere"
    """Any node but this one, which is leaving; with one node: the same address, later."""


class CloseReason(msgspec.Struct, frozen=True):
    """Why a link ends: ``code`` is the WebSocket close code, ``after`` is seconds to wait.

    4000–4499: the session may be resumed. 4500–4999: do not come back.
    """

    code: int
    name: str
    text: str
    come_back: ComeBack
    after: float = 0.0


DRAINING = CloseReason(4000, "draining", "this server is leaving", ComeBack.ELSEWHERE, after=1.0)
SLOW = CloseReason(4001, "slow", "you read more slowly than messages arrive", ComeBack.HERE)
SILENT = CloseReason(4002, "silent", "nothing was heard from you within the ping time-out", ComeBack.HERE)
OVERLOADED = CloseReason(4003, "overloaded", "the server is at its limit", ComeBack.HERE, after=5.0)
FAULT = CloseReason(4004, "fault", "the server made a mistake; it has been logged", ComeBack.HERE, after=1.0)
BAD_WORDS = CloseReason(4500, "bad-words", "too many frames were not messages", ComeBack.NEVER)
NO_HELLO = CloseReason(4501, "no-hello", "no hello arrived in time", ComeBack.NEVER)
BAD_VERSION = CloseReason(4502, "bad-version", "this server does not speak that version", ComeBack.NEVER)
REPLACED = CloseReason(4503, "replaced", "the session went on over a newer link", ComeBack.NEVER)
FAREWELL = CloseReason(4504, "farewell", "you said bye", ComeBack.NEVER)

CLOSE_REASONS: tuple[CloseReason, ...] = (
    DRAINING, SLOW, SILENT, OVERLOADED, FAULT,
    BAD_WORDS, NO_HELLO, BAD_VERSION, REPLACED, FAREWELL,
)  # fmt: skip
