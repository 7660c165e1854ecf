"""What a run has seen of the network: facts, no judgement. Its JSON binds Python and JavaScript.

None everywhere means: not asked, or not to be found out from here. Endpoints are text, as
``203.0.113.7:40000`` and ``[2001:db8::7]:40000``. Times are seconds.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Family = Literal[4, 6]
Transport = Literal["udp", "tcp", "tls"]
Scope = Literal["global", "private", "shared", "link-local", "loopback"]
"""``shared`` is 100.64.0.0/10 (RFC 6598); ``private`` is RFC 1918 and fc00::/7."""


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """One address of this machine."""

    name: str
    address: str
    family: Family
    scope: Scope


class StunAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One server asked over UDP, at one address; ``rtt`` is None when it has not answered."""

    url: str
    family: Family
    address: str = ""
    local: str = ""
    rtt: float | None = None
    mapped: str = ""
    """XOR-MAPPED-ADDRESS."""
    plain_mapped: str | None = None
    """MAPPED-ADDRESS, which somebody on the way may have changed; None: the server does not send it."""
    other: str = ""
    """OTHER-ADDRESS (RFC 5780): the server can tell how packets are filtered."""
    trouble: str = ""


class MappingTest(msgspec.Struct, frozen=True, kw_only=True):
    """How the same socket looks from several endpoints (RFC 5780 section 4.3)."""

    family: Family
    local: str
    mapped: dict[str, str] = {}
    """Endpoint asked → endpoint seen there; those that have not answered are missing."""
    silent: list[str] = []
    """Endpoints that have not answered."""


class FilteringTest(msgspec.Struct, frozen=True, kw_only=True):
    """Whether answers come through from where nothing was sent to (RFC 5780 section 4.4)."""

    family: Family
    from_other_address: bool | None = None
    from_other_port: bool | None = None


class KnockTest(msgspec.Struct, frozen=True, kw_only=True):
    """The mapping before a packet came in unasked, and towards its sender after that."""

    family: Family
    before: str
    after: str | None = None


class HairpinTest(msgspec.Struct, frozen=True, kw_only=True):
    """A packet to one's own mapped endpoint; ``source`` is where it seemed to come from."""

    family: Family
    came_back: bool
    source: str = ""


class LifetimeTest(msgspec.Struct, frozen=True, kw_only=True):
    """For how long a silent binding lets answers through."""

    family: Family
    alive_after: float = 0.0
    gone_after: float | None = None
    """None: it outlived the test."""


class SizeTest(msgspec.Struct, frozen=True, kw_only=True):
    """What large datagrams get through, to a server and back."""

    family: Family
    fragments: bool | None = None
    largest: int | None = None
    """Bytes of the largest UDP payload that came back without fragments."""


class PortMapper(msgspec.Struct, frozen=True, kw_only=True):
    """A router's service for opening ports; only asked whether it is there, and what its address is."""

    kind: Literal["nat-pmp", "pcp", "upnp"]
    is_there: bool
    external: str = ""
    """The router's own outer address."""
    trouble: str = ""


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """A router on the way to a server; ``address`` is empty when it does not tell."""

    number: int
    address: str = ""
    scope: Scope | None = None


class TurnAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One TURN server over one transport, up to the step that worked."""

    url: str
    transport: Transport
    address: str = ""
    allocated: float | None = None
    """Seconds until the relay was there."""
    relayed: str = ""
    permitted: bool | None = None
    echo_rtt: float | None = None
    """Of a datagram to the relay and back."""
    code: int = 0
    """As of peer.facts.Trouble: a STUN error code, 701 unreachable, 0 unreadable."""
    trouble: str = ""


class SignalingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A Peerlane server over HTTP and WebSocket."""

    url: str
    http_rtt: float | None = None
    http_status: int = 0
    websocket_rtt: float | None = None
    is_portal: bool = False
    """Somebody else answers in its place: a login page of the network."""
    refused: bool = False
    """It asks for a token, or does not accept this one."""
    trouble: str = ""


class Observations(msgspec.Struct, frozen=True, kw_only=True):
    observer: Literal["python", "browser"] = "python"
    took: float = 0.0
    interfaces: list[Interface] | None = None
    has_ipv6: bool | None = None
    """Whether the operating system has it at all."""
    stun: list[StunAnswer] = []
    mapping: list[MappingTest] = []
    filtering: list[FilteringTest] = []
    knock: list[KnockTest] = []
    hairpin: list[HairpinTest] = []
    lifetime: list[LifetimeTest] = []
    size: list[SizeTest] = []
    port_mappers: list[PortMapper] | None = None
    hops: list[Hop] | None = None
    turn: list[TurnAnswer] = []
    signaling: list[SignalingAnswer] = []
    skipped: dict[str, str] = {}
    """What was not asked → why, as a sentence."""
