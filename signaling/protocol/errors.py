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
    NOT_ALLOWED = "not-allowed"
    """Your token, or your place in that room, does not permit this."""
    BAD_TOKEN = "bad-token"
    """The token is not genuine, not valid now, or of somebody else; the one of before holds."""
    ROOM_LOCKED = "room-locked"
    BAD_PASSWORD = "bad-password"
    """The room has a password, and this was not its proof."""
    BANNED = "banned"
    """You were thrown out of that room, and the time is not over; see ``retry_after``."""
    TURNED_AWAY = "turned-away"
    """Those in the room did not let you in from its waiting room."""
    APP_FULL = "app-full"
    """This app has ``limits.max_rooms_per_app`` rooms already."""
    TOO_FAST = "too-fast"
    """A rate limit of the room or of the session; see ``retry_after``."""


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
    ErrorCode.NOT_ALLOWED: "ask for a token that permits it, or ask the owner of the room",
    ErrorCode.BAD_TOKEN: "ask the application for a new token",
    ErrorCode.ROOM_LOCKED: "the owner has locked the room; ask to be let in, or come back later",
    ErrorCode.BAD_PASSWORD: "give the room's password",
    ErrorCode.BANNED: "come back after retry_after seconds, or ask the owner of the room",
    ErrorCode.TURNED_AWAY: "ask the owner of the room",
    ErrorCode.APP_FULL: "join a room that is there, or come back when one has ended",
    ErrorCode.TOO_FAST: "wait for retry_after seconds, then go on more slowly",
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
CROWDED = CloseReason(4005, "crowded", "too many sessions of this user or address", ComeBack.HERE, after=30.0)
BAD_WORDS = CloseReason(4500, "bad-words", "too many frames were not messages", ComeBack.NEVER)
NO_HELLO = CloseReason(4501, "no-hello", "no hello arrived in time", ComeBack.NEVER)
BAD_VERSION = CloseReason(4502, "bad-version", "this server does not speak that version", ComeBack.NEVER)
REPLACED = CloseReason(4503, "replaced", "the session went on over a newer link", ComeBack.NEVER)
FAREWELL = CloseReason(4504, "farewell", "you said bye", ComeBack.NEVER)
BAD_TOKEN = CloseReason(4505, "bad-token", "the token is missing or not valid", ComeBack.NEVER)
EXPIRED = CloseReason(4506, "expired", "the token has expired, and no new one came", ComeBack.NEVER)
EXPELLED = CloseReason(4507, "expelled", "an administrator has ended the session", ComeBack.NEVER)

CLOSE_REASONS: tuple[CloseReason, ...] = (
    DRAINING, SLOW, SILENT, OVERLOADED, FAULT, CROWDED,
    BAD_WORDS, NO_HELLO, BAD_VERSION, REPLACED, FAREWELL, BAD_TOKEN, EXPIRED, EXPELLED,
)  # fmt: skip
