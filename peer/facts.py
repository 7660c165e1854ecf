"""What is known about a connection when it is to be explained, and what that says about its servers."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

REFUSED = (401, 403, 441)
QUOTA = (486, 508)
"""Answers of a TURN server (RFC 8656 §19)."""
UNREADABLE = 0
UNREACHABLE = 701
"""W3C RTCPeerConnectionIceErrorEvent: the server could not be reached."""
NAMELESS = ("lookup", "resolve", "name or service not known")
"""How browsers and operating systems say that they do not find the address of a name."""


class CandidateFacts(msgspec.Struct, frozen=True):
    type: Literal["host", "srflx", "prflx", "relay"]
    protocol: Literal["udp", "tcp"] = "udp"
    relay_protocol: Literal["", "udp", "tcp", "tls"] = ""
    """How this machine speaks with the TURN server; empty for others, and for remote candidates."""
    family: Literal[0, 4, 6] = 4
    """Of the address; 0: it is hidden behind an mDNS name."""


class Trouble(msgspec.Struct, frozen=True):
    """What went wrong with a STUN or TURN server.

    ``code``: as RTCPeerConnectionIceErrorEvent has it; 0: it was not even asked, because of its url or its
    certificate.
    """

    url: str
    code: int
    text: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known; what is not keeps its default.

    Candidates and troubles are those of the latest attempt that has come so far as to have any.
    """

    has_network: bool | None = None
    """None: nobody knows."""
    link: Literal["connecting", "open", "interrupted", "closed"] = "open"
    """Our own, to the server."""
    link_reason: str = ""
    is_peer_away: bool = False
    """Its link to the server is lost."""
    connection: Literal["connecting", "connected", "interrupted", "closed"] = "connecting"
    """``connecting`` for the first time; ``interrupted``: it was connected, and is being healed."""
    silence: float = 0.0
    """Seconds since the last sign of life; before there was any, since the first attempt began."""
    healing: Literal["restart", "rebuild", "waiting-for-server"] | None = None
    has_answer: bool = True
    """The other side has sent its description."""
    ice: Literal["new", "gathering", "checking", "connected", "failed"] = "new"
    is_dtls_failed: bool = False
    local: tuple[CandidateFacts, ...] = ()
    remote: tuple[CandidateFacts, ...] = ()
    is_gathered: bool = False
    """No more local candidates will come."""
    is_remote_gathered: bool = False
    is_relay_only: bool = False
    """The policy allows nothing else."""
    servers: tuple[str, ...] = ()
    """The urls of all STUN and TURN servers in use."""
    troubles: tuple[Trouble, ...] = ()
    route: Literal["direct", "reflexive", "relayed"] | None = None
    route_protocol: Literal["udp", "tcp", "tls"] | None = None
    rtt: float | None = None
    loss: float | None = None
    """The fraction that is lost, of the last interval."""
    violation: str = ""
    """What the other side did against the protocol."""
    is_full_of_channels: bool = False
    """A channel was refused, because there are as many as there may be."""
    engine_mismatch: str = ""
    """What is wrong with the WebRTC engine under us."""
    is_secure_context: bool = True
    """False: a page that came over plain HTTP."""


class Server(msgspec.Struct, frozen=True):
    url: str
    is_turn: bool
    transport: Literal["udp", "tcp", "tls"]
    host: str


_URL = re.compile(r"(stun|turn)(s?):(\[[^\]]*\]|[^:?]*)(?::[0-9]+)?(?:\?transport=(udp|tcp))?", re.I | re.A)


def servers_of(facts: Facts) -> list[Server]:
    """Those whose urls can be read."""
    found = []
    for url in facts.servers:
        parts = _URL.fullmatch(url)
        if parts is not None:
            kind, is_secure, host, transport = (part.lower() if part else "" for part in parts.groups())
            is_turn = kind == "turn"
            stream: Literal["udp", "tcp"] = "tcp" if is_turn and transport == "tcp" else "udp"
            found.append(Server(url, is_turn, "tls" if is_secure else stream, host))
    return found


def turn_servers_of(facts: Facts) -> list[Server]:
    return [server for server in servers_of(facts) if server.is_turn]


def has_relay(facts: Facts) -> bool:
    return any(candidate.type == "relay" for candidate in facts.local)


def is_relay_known(facts: Facts) -> bool:
    return any(candidate.type == "relay" for candidate in (*facts.local, *facts.remote))


def _said(facts: Facts, url: str) -> list[int]:
    return [trouble.code for trouble in facts.troubles if trouble.url == url]


def _is_silent(facts: Facts, server: Server) -> bool:
    codes = _said(facts, server.url)
    return bool(codes) and all(code == UNREACHABLE for code in codes)


def turn_said(facts: Facts, codes: tuple[int, ...]) -> Trouble | None:
    return next((trouble for trouble in facts.troubles if trouble.code in codes), None)


def untrusted(facts: Facts) -> Trouble | None:
    return next((each for each in facts.troubles if "certificate" in each.text.lower()), None)


def unreadable(facts: Facts) -> Trouble | None:
    return next(
        (each for each in facts.troubles if each.code == 0 and "certificate" not in each.text.lower()), None
    )


def is_udp_blocked(facts: Facts) -> bool:
    """No server answers over UDP, and the servers are not to blame.

    For then another one is silent too, a relay over TCP or TLS works, or the other side was answered.
    """
    servers = [server for server in servers_of(facts) if server.transport == "udp"]
    if not servers or not all(_is_silent(facts, server) for server in servers):
        return False
    if any(_came_by_udp(candidate) for candidate in facts.local) or any(map(_has_no_address, facts.troubles)):
        return False
    return (
        len({server.host for server in servers}) > 1
        or has_relay(facts)
        or any(candidate.type == "srflx" and candidate.protocol == "udp" for candidate in facts.remote)
    )


def _has_no_address(trouble: Trouble) -> bool:
    """The server was never asked, because nobody knows its name."""
    return any(word in trouble.text.lower() for word in NAMELESS)


def _came_by_udp(candidate: CandidateFacts) -> bool:
    if candidate.type == "relay":
        return candidate.relay_protocol == "udp"
    return candidate.type != "host" and candidate.protocol == "udp"


def may_relay_by_stream(facts: Facts) -> bool:
    """A TURN server over TCP or TLS gave a relay or may still do so, or one over TLS is configured."""
    streams = [server for server in turn_servers_of(facts) if server.transport != "udp"]
    return has_relay(facts) or any(
        server.transport == "tls" or not _said(facts, server.url) for server in streams
    )


def is_without_relay(facts: Facts) -> bool:
    """TURN servers are configured, and none of them gave a relay."""
    servers = turn_servers_of(facts)
    if not servers or has_relay(facts):
        return False
    return facts.is_gathered or all(_said(facts, server.url) for server in servers)


def is_stun_silent(facts: Facts) -> bool:
    servers = [server for server in servers_of(facts) if not server.is_turn]
    found = any(candidate.type != "host" for candidate in facts.local)
    return bool(servers) and not found and all(_is_silent(facts, server) for server in servers)


def is_hidden(facts: Facts) -> bool:
    """All that the other side can be told of this machine are names that only its own network can resolve."""
    return bool(facts.local) and all(
        candidate.type == "host" and candidate.family == 0 for candidate in facts.local
    )
