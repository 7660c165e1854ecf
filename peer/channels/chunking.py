"""Messages ⇄ data-channel messages, as docs/channels.md frames them."""

from __future__ import annotations

from enum import Enum, auto

from peer.channels.kinds import LATEST, Kind
from peer.wire import IS_TEXT, KNOWN_FLAGS, LATEST_HEADER_BYTES, MORE_FOLLOW, PACKET_FRAGMENT_BYTES

Data = str | bytes | bytearray | memoryview
"""What an application sends."""
Message = str | bytes
"""What an application receives."""


class NoMessage(Enum):
    """Why a data-channel message has not completed a message."""

    PART = auto()
    """More fragments follow."""
    DROPPED = auto()
    """Not ours, or no longer news; to be counted."""
    TOO_LARGE = auto()
    """The message grows past what its kind carries; the channel is to be closed."""
    START = auto()
    """A lane has begun."""
    DUPLICATE = auto()
    """It has been here before, on a lane that was cut before its sender knew."""
    MISSING = auto()
    """Messages before it never came; the channel is to be closed."""
    VIOLATION = auto()
    """Nobody who speaks this protocol sends it; the connection is to be closed."""


def to_bytes(kind: Kind, data: Data) -> tuple[bool, bytes]:
    """Whether it is text, and its bytes.

    Raises ValueError when the kind does not carry so much, or text is not Unicode, and TypeError for
    anything but text and bytes.
    """
    if isinstance(data, str):
        is_text, content = True, data.encode()
    elif isinstance(data, bytes | bytearray | memoryview):
        is_text, content = False, bytes(data)
    else:
        raise TypeError(f"a message is text or bytes, not {type(data).__name__}")
    if len(content) > kind.max_message_bytes:
        raise ValueError(
            f"a {kind!r} message has at most {kind.max_message_bytes:,} bytes, not {len(content):,}"
        )
    return is_text, content


def fragment(
    kind: Kind, is_text: bool, content: bytes, sequence: int = 0, fragment_bytes: int = PACKET_FRAGMENT_BYTES
) -> list[bytes]:
    """What to hand to the data channel, in order.

    ``sequence`` numbers a LATEST value; it wraps at 65,536.
    """
    flags = IS_TEXT if is_text else 0
    if kind is LATEST:
        return [bytes((flags,)) + (sequence & 0xFFFF).to_bytes(2) + content]
    if not kind.ordered or len(content) <= fragment_bytes:
        return [bytes((flags,)) + content]
    last = (len(content) - 1) // fragment_bytes * fragment_bytes
    return [
        bytes((flags | (MORE_FOLLOW if start < last else 0),)) + content[start : start + fragment_bytes]
        for start in range(0, len(content), fragment_bytes)
    ]


def is_newer(one: int, other: int) -> bool:
    """RFC 1982 serial arithmetic of 16 bits."""
    return 0 < (one - other) & 0xFFFF < 0x8000


class Assembler:
    """Puts the messages of one data channel together again. ``max_bytes`` is that of the kind, or less."""

    def __init__(self, kind: Kind, max_bytes: int | None = None) -> None:
        self._kind = kind
        self._max_bytes = kind.max_message_bytes if max_bytes is None else max_bytes
        # One growing buffer and no list: parts of a byte each would cost fifty times their size.
        self._parts = bytearray()
        self._has_begun = False
        self._is_text = False
        self._newest: int | None = None

    @property
    def unfinished_bytes(self) -> int:
        """What is kept of a message that has not come whole."""
        return len(self._parts)

    def receive(self, framed: bytes) -> Message | NoMessage:
        """One data-channel message. After ``TOO_LARGE`` the channel is to be closed."""
        if not framed or framed[0] & ~KNOWN_FLAGS:
            return NoMessage.DROPPED
        flags = framed[0]
        is_text, has_more = bool(flags & IS_TEXT), bool(flags & MORE_FOLLOW)
        if self._kind.ordered:
            return self._receive_part(framed, is_text, has_more)
        if has_more:
            return NoMessage.DROPPED
        if self._kind is LATEST:
            return self._receive_latest(framed, is_text)
        return self._finish(framed[1:], is_text)

    def _receive_latest(self, framed: bytes, is_text: bool) -> Message | NoMessage:
        if len(framed) < LATEST_HEADER_BYTES:
            return NoMessage.DROPPED
        sequence = int.from_bytes(framed[1:LATEST_HEADER_BYTES])
        if self._newest is not None and not is_newer(sequence, self._newest):
            return NoMessage.DROPPED
        self._newest = sequence
        return self._finish(framed[LATEST_HEADER_BYTES:], is_text)

    def _receive_part(self, framed: bytes, is_text: bool, has_more: bool) -> Message | NoMessage:
        if self._has_begun and is_text != self._is_text:
            self._forget()
            return NoMessage.DROPPED
        if not self._has_begun and not has_more:
            if len(framed) - 1 > self._max_bytes:
                return NoMessage.TOO_LARGE
            return self._finish(framed[1:], is_text)
        if len(self._parts) + len(framed) - 1 > self._max_bytes:
            self._forget()
            return NoMessage.TOO_LARGE
        # An empty part begins nothing: the twin in the browser keeps none either.
        self._has_begun = self._has_begun or len(framed) > 1
        self._is_text = is_text
        self._parts += memoryview(framed)[1:]
        if has_more:
            return NoMessage.PART
        whole = bytes(self._parts)
        self._forget()
        return self._finish(whole, is_text)

    def _forget(self) -> None:
        self._parts = bytearray()
        self._has_begun = False

    @staticmethod
    def _finish(content: bytes, is_text: bool) -> Message | NoMessage:
        if not is_text:
            return content
        try:
            return content.decode()
        except UnicodeDecodeError:
            return NoMessage.DROPPED
