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
"""Of a fragment."""
START = 0x04
START_BYTES = 7
PACKET_FRAGMENT_BYTES = 1_159
"""With its flags it fills one SCTP packet of aiortc, so that nothing waits behind more."""
LATEST_HEADER_BYTES = 3

MAX_RELIABLE_BYTES = 16 * 1024 * 1024
MAX_DATAGRAM_BYTES = 1_100
"""Below every path's MTU, with DTLS and SCTP around it."""
MAX_CONTROL_BYTES = 64 * 1024
ACK_EVERY_BYTES = 16 * 1024
ACK_DELAY = 0.1
"""Seconds. What has come is acknowledged after so many bytes, and otherwise after so long."""

SlotState = Literal["live", "muted"]


class ControlWord(msgspec.Struct, tag_field="type", frozen=True):
    """Base of what the two libraries say to each other beside the application."""


class Open(ControlWord, frozen=True, tag="open"):
    """The side that answers asks the offerer to make this channel."""

    label: str
    kind: str
    id: str = ""
    """Of a channel that there was before; empty for a new one."""
    ask: str = ""
    """For a new one: the id that it is to get, so that one is made however often it is asked for."""


class Close(ControlWord, frozen=True, tag="close"):
    """This end has closed the channel."""

    label: str
    id: str = ""
    """Empty when it is not known yet."""


class HasClosed(ControlWord, frozen=True, tag="closed"):
    """The offerer's answer to a Close without an id: that of the channel; empty when there was none."""

    label: str
    id: str = ""


class Ack(ControlWord, frozen=True, tag="ack"):
    """What has arrived of ordered channels: id → messages since its beginning, bytes on its lane, and for how
    many milliseconds the last of them has waited for this.
    """

    received: dict[str, Any]
    """Any, because what makes no sense is ignored value by value."""


class Media(ControlWord, frozen=True, tag="media"):
    """Which slots of the sender carry a track now, all of them at once."""

    slots: dict[str, SlotState]


class Bye(ControlWord, frozen=True, tag="bye"):
    """The sender is leaving."""


ControlMessage = Open | Close | HasClosed | Ack | Media | Bye

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ControlMessage)


def parse_control(message: str | bytes) -> ControlMessage | None:
    """One message of the control channel; None when it is not one, which is ignored."""
    if not isinstance(message, str) or len(message) > MAX_CONTROL_BYTES:
        return None
    try:
        decoded: ControlMessage = _decoder.decode(message)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return decoded


def write_control(message: ControlMessage) -> str:
    return msgspec.json.encode(message).decode()
