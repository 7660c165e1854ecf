"""What our own peers say to each other inside a signal: the server forwards it as it came."""

from __future__ import annotations

from typing import Literal

import msgspec


class IceCandidateInit(msgspec.Struct, omit_defaults=True, frozen=True, rename="camel"):
    """As W3C RTCIceCandidateInit."""

    candidate: str
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = msgspec.field(name="sdpMLineIndex", default=None)
    username_fragment: str | None = None


class Payload(msgspec.Struct, tag_field="kind", omit_defaults=True):
    """Base of what peers signal; ``generation`` counts the connections this pair has had, from 1."""


class Description(Payload, tag="description"):
    generation: int
    type: Literal["offer", "answer"]
    sdp: str
    slots: dict[str, str] = {}
    """mid → slot name (``microphone``, ``camera``, ``screen`` or any other) of each media section."""


class Candidate(Payload, tag="candidate"):
    generation: int
    candidate: IceCandidateInit | None = None
    """None: end of candidates."""


class Slot(msgspec.Struct, frozen=True):
    """A place for one track."""

    name: str
    kind: Literal["audio", "video"]


class PleaseOffer(Payload, tag="please-offer"):
    """From the side that answers: make an offer that has these slots, and new ICE credentials or a new
    connection where asked."""

    generation: int
    slots: list[Slot] = []
    rebuild: bool = False
    """A new connection, of the next generation."""
    restart: bool = False
    """New ICE credentials in the connection that there is."""


PeerPayload = Description | Candidate | PleaseOffer
