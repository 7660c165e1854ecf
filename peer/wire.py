"""What two peers write onto their connection: framing, and the words of the control channel.

``docs/channels.md`` is the document, ``tests/vectors/framing.json`` binds both implementations.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

CONTROL_LABEL = "peerlane"
CONTROL_ID = 1000

IS_TEXT = 0x01
MORE_FOLLOW = 0x02
KNOWN_FLAGS = IS_TEXT | MORE_FOLLOW
FRAGMENT_BYTES = 16_000
LATEST_HEADER_BYTES = 3

MAX_RELIABLE_BYTES = 16 * 1024 * 1024
MAX_DATAGRAM_BYTES = 1_100
"""Below every path's MTU, with DTLS and SCTP around it."""

SlotState = Literal["live", "muted"]


class ControlWord(msgspec.Struct, tag_field="type", frozen=True):
    """Base of what the two libraries say to each other beside the application."""


class Open(ControlWord, frozen=True, tag="open"):
    """The side that answers asks the offerer to make this channel."""

    label: str
    kind: str


class Close(ControlWord, frozen=True, tag="close"):
    """This end has closed the channel."""

    label: str


class Media(ControlWord, frozen=True, tag="media"):
    """Which slots of the sender carry a track now, all of them at once."""

    slots: dict[str, SlotState]


class Bye(ControlWord, frozen=True, tag="bye"):
    """The sender is leaving."""


ControlMessage = Open | Close | Media | Bye

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ControlMessage)


def parse_control(message: str | bytes) -> ControlMessage | None:
    """One message of the control channel; None when it is not one, which is ignored."""
    if not isinstance(message, str):
        return None
    try:
        decoded: ControlMessage = _decoder.decode(message)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return decoded


def write_control(message: ControlMessage) -> str:
    return msgspec.json.encode(message).decode()
