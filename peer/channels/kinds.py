"""The kinds of channels: what each promises, what it costs, and how a label is written."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote, unquote

import msgspec

from peer.wire import MAX_DATAGRAM_BYTES, MAX_RELIABLE_BYTES

KindName = Literal["reliable", "unreliable", "latest"]


class Kind(msgspec.Struct, frozen=True):
    """``max_retransmits`` is None for: until it arrives."""

    name: KindName
    ordered: bool
    max_retransmits: int | None
    max_message_bytes: int

    def __repr__(self) -> str:
        return self.name.upper()


RELIABLE = Kind("reliable", ordered=True, max_retransmits=None, max_message_bytes=MAX_RELIABLE_BYTES)
"""Everything arrives, in order. For control, chat, documents."""

UNRELIABLE = Kind("unreliable", ordered=False, max_retransmits=0, max_message_bytes=MAX_DATAGRAM_BYTES)
"""What is lost stays lost, nothing waits. For inputs, snapshots, clocks."""

LATEST = Kind("latest", ordered=False, max_retransmits=0, max_message_bytes=MAX_DATAGRAM_BYTES)
"""Only the newest value counts. For positions, cursors, presence."""

KINDS = (RELIABLE, UNRELIABLE, LATEST)

PROTOCOL_PREFIX = "peerlane.v1."
MAX_LABEL_CHARACTERS = 128
MAX_ENCODED_LABEL_CHARACTERS = 512


def kind_named(name: str) -> Kind | None:
    return next((kind for kind in KINDS if kind.name == name), None)


def protocol_of(kind: Kind) -> str:
    """What is written into a data channel's ``protocol``."""
    return PROTOCOL_PREFIX + kind.name


def kind_of(protocol: str) -> Kind | None:
    """The kind that a data channel's ``protocol`` names."""
    return next((kind for kind in KINDS if protocol_of(kind) == protocol), None)


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
