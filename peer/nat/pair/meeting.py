"""What two ends of a pair test have found out about the connection between them, and how they speak.

Its JSON is part of what ``peerlane nat pair --json`` writes. Times are seconds.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from peer.errors import Diagnosis
from peer.facts import Trouble
from peer.stats import PairReport
from peer.wire import MAX_RELIABLE_BYTES

VERSION = 1
METADATA = {"peerlane-nat-pair": VERSION}
"""What a tester shows to the others in the room, who are not to be taken for one."""
MAX_COUNT = 1_000_000
MAX_SECONDS = 600.0
_MAX_BYTES = MAX_RELIABLE_BYTES * 10_000

Problem = Literal["", "taken", "nobody", "other-version", "refused", "no-server"]


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """The way that the data takes, seen from one end."""

    route: Literal["direct", "reflexive", "relayed"]
    """``direct``: both use their own addresses; ``reflexive``: through a NAT; ``relayed``: by a server."""
    protocol: Literal["udp", "tcp", "tls"]
    local_type: Literal["host", "srflx", "prflx", "relay"]
    remote_type: Literal["host", "srflx", "prflx", "relay"]


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    least: float
    median: float
    p99: float


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent one way, and what has arrived of it."""

    sent: int
    received: int
    jitter: float | None = None
    """As RFC 3550 section 6.4.1 has it, at the end."""
    reordered: int = 0
    bytes_per_second: float | None = None
    """None: not measured."""

    @property
    def loss(self) -> float:
        return 1 - min(self.received, self.sent) / self.sent if self.sent else 0.0


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """None everywhere: not measured, or not to be found out."""

    room: str
    partner: str = ""
    """What it calls itself."""
    problem: Problem = ""
    """Why nothing was even tried."""
    is_relay_only: bool = False
    connected_after: float | None = None
    """Since both were in the room."""
    first_message_after: float | None = None
    path: Path | None = None
    partner_path: Path | None = None
    """As the other end sees it."""
    pairs: list[PairReport] = []
    rtt: RoundTrip | None = None
    to_partner: Traffic | None = None
    from_partner: Traffic | None = None
    interruptions: int = 0
    has_ended_early: bool = False
    """The other end left, or fell silent, before everything was measured."""
    diagnosis: Diagnosis | None = None
    troubles: list[Trouble] = []


# What the two say to each other


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="step"):
    version: int
    seconds: float
    """How long to send for; the smaller one counts."""


class Counted(msgspec.Struct, frozen=True, tag="counted", tag_field="step"):
    """Of the datagrams: what was sent from here, and what has come."""

    sent: int
    received: int
    jitter: float | None
    reordered: int


class Weighed(msgspec.Struct, frozen=True, tag="weighed", tag_field="step"):
    """How much has arrived of the other side's bulk."""

    bytes_per_second: float | None


class Farewell(msgspec.Struct, frozen=True, tag="farewell", tag_field="step"):
    path: Path | None


Word: TypeAlias = Hello | Counted | Weighed | Farewell

_words: msgspec.json.Decoder[Word] = msgspec.json.Decoder(Word)


def read_word(message: str | bytes) -> Word | None:
    """None for what is none, or tells of more than can be."""
    try:
        word = _words.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    values = msgspec.structs.asdict(word).items()
    return word if all(_is_possible(name, value) for name, value in values) else None


def _is_possible(name: str, value: Any) -> bool:
    if not isinstance(value, int | float):
        return True
    most = {"seconds": MAX_SECONDS, "jitter": MAX_SECONDS, "bytes_per_second": _MAX_BYTES}.get(
        name, MAX_COUNT
    )
    return 0 <= value <= most


def write_word(word: Word) -> str:
    return msgspec.json.encode(word).decode()


def is_tester(metadata: dict[str, Any]) -> bool:
    """Whether a member of the room is one end of such a test, of whatever version."""
    return any(name in metadata for name in METADATA)


def is_of_our_version(metadata: dict[str, Any]) -> bool:
    return all(metadata.get(name) == value for name, value in METADATA.items())
