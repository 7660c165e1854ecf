"""The kinds of channels: what each promises, what it costs, and how a label is written."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote, unquote

import msgspec

from peer.wire import MAX_DATAGRAM_BYTES, MAX_RELIABLE_BYTES

KindName = Literal["reliable", "unreliable", "latest", "bulk"]


class Kind(msgspec.Struct, frozen=True):
    """``max_retransmits`` is None for: until it arrives; that kind is ordered, and nothing of it is lost.

    ``max_kept_bytes`` is what may wait or be unacknowledged before ``send`` waits.
    """

    name: KindName
    ordered: bool
    max_retransmits: int | None
    max_message_bytes: int
    max_kept_bytes: int = 0

    def __repr__(self) -> str:
        return self.name.upper()


RELIABLE = Kind(
    "reliable",
    ordered=True,
    max_retransmits=None,
    max_message_bytes=MAX_RELIABLE_BYTES,
    max_kept_bytes=1024 * 1024,
)
"""Everything arrives once and in order. For control, chat, documents."""

BULK = Kind(
    "bulk",
    ordered=True,
    max_retransmits=None,
    max_message_bytes=MAX_RELIABLE_BYTES,
    max_kept_bytes=4 * 1024 * 1024,
)
"""As RELIABLE, and it yields to all others. For files, full state, whoever joins late."""

UNRELIABLE = Kind("unreliable", ordered=False, max_retransmits=0, max_message_bytes=MAX_DATAGRAM_BYTES)
"""What is lost stays lost, nothing waits. For inputs, snapshots, clocks."""

LATEST = Kind("latest", ordered=False, max_retransmits=0, max_message_bytes=MAX_DATAGRAM_BYTES)
"""Only the newest value counts. For positions, cursors, presence."""

KINDS = (RELIABLE, UNRELIABLE, LATEST, BULK)

PROTOCOL_PREFIX = "peerlane.v1."
MAX_LABEL_CHARACTERS = 128
MAX_ENCODED_LABEL_CHARACTERS = 512

_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_PROTOCOL = re.compile(re.escape(PROTOCOL_PREFIX) + rf"([a-z]+)\.({_ID.pattern})", re.ASCII)


def kind_named(name: str) -> Kind | None:
    return next((kind for kind in KINDS if kind.name == name), None)


def protocol_of(kind: Kind, channel_id: str) -> str:
    """What is written into a data channel's ``protocol``."""
    return f"{PROTOCOL_PREFIX}{kind.name}.{channel_id}"


def parse_protocol(protocol: str) -> tuple[Kind, str] | None:
    """The kind and the id that a data channel's ``protocol`` names; None when it was not written by us."""
    match = _PROTOCOL.fullmatch(protocol)
    kind = None if match is None else kind_named(match[1])
    return None if match is None or kind is None else (kind, match[2])


def is_channel_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def encode_label(label: str) -> str:
    """A label in ASCII, as ``encodeURIComponent`` writes it: some engines break on anything else.

    Raises ValueError when it is empty, too long, or not text (a lone surrogate).
    """
    encoded = quote(label, safe="!~*'()")
    if not label or len(label) > MAX_LABEL_CHARACTERS or len(encoded) > MAX_ENCODED_LABEL_CHARACTERS:
        raise ValueError(
            f"a label has 1 to {MAX_LABEL_CHARACTERS} characters, and at most"
            f" {MAX_ENCODED_LABEL_CHARACTERS} when they are percent-encoded"
        )
    return encoded


def decode_label(encoded: str) -> str | None:
    """The label as the application wrote it; None when it was not written by us."""
    try:
        label = unquote(encoded, errors="strict")
        return label if encode_label(label) == encoded else None
    except ValueError:
        return None
