"""What to ask, of whom, by when: options in, a plan or what is wrong with them out."""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from peer.engine.ice.policy import IcePolicy, may_send_to
from peer.engine.ice.servers import MAX_SERVERS, ServerAddress, parse_server
from peer.facts import Trouble
from peer.nat.endpoints import scope_of
from signaling.protocol.parts import IceServer

LIFETIME_STEPS = (10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0)
"""Seconds of silence after which a mapping is tried; each has a socket of its own."""
CREDENTIALS_LAST = 600
"""Seconds: those that are made here are used at once."""
SERVER_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
MAX_TIMEOUT = 60.0

NOTHING_NAMED = (
    "name a server to ask: your Peerlane server (https://example.org), stun:host:port or turn:host:port"
)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    servers: list[str] = []
    username: str = ""
    credential: str = ""
    secret: str = ""
    """That a TURN server shares with its signaling server: credentials are made from it."""
    token: str = ""
    hairpin: bool = False
    lifetime: bool = False
    port_mappers: bool = True
    hops: bool = True
    insecure: bool = False
    timeout: float = 5.0
    """Seconds for all of it, lifetime aside."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    options: Options
    signaling: list[str]
    """Origins of Peerlane servers, as ``https://example.org:8443``."""
    servers: list[ServerAddress]
    troubles: list[Trouble] = []
    """What a Peerlane server told, and cannot be asked."""

    @property
    def stun_servers(self) -> list[ServerAddress]:
        """Those that are spoken to over UDP; a TURN server answers plain questions too."""
        found: dict[tuple[str, int], ServerAddress] = {}
        for server in sorted(self.servers, key=lambda it: it.is_turn):
            if server.transport == "udp":
                found.setdefault((server.host, server.port), server)
        return list(found.values())

    @property
    def turn_servers(self) -> list[ServerAddress]:
        return [server for server in self.servers if server.is_turn]


def plan(options: Options, *, unix_now: float, told: Iterable[IceServer] = ()) -> Plan | list[str]:
    """``told`` is what a Peerlane server says about STUN and TURN servers.

    What is wrong with the options comes back as sentences for who has written them.
    """
    problems = (
        [] if 0 < options.timeout <= MAX_TIMEOUT else [f"a timeout is above 0 and at most {MAX_TIMEOUT:g}"]
    )
    signaling: list[str] = []
    servers: list[ServerAddress] = []
    username, credential = _credentials(options, unix_now)
    for text in options.servers:
        scheme = text.partition(":")[0].lower()
        if scheme in SERVER_SCHEMES:
            origin = _origin(text)
            if origin is None:
                problems.append(f"{text[:80]!r} is no address of a server")
            elif origin not in signaling:
                signaling.append(origin)
            continue
        parsed = parse_server(text, username, credential)
        if isinstance(parsed, Trouble):
            problems.append(f"{text[:80]}: {_hint(parsed.text)}")
        elif parsed not in servers:
            servers.append(parsed)
    if not options.servers:
        problems.append(NOTHING_NAMED)
    if problems:
        return problems
    troubles = []
    for server in told:
        for url in server.urls:
            parsed = parse_server(url, server.username, server.credential)
            if isinstance(parsed, Trouble):
                troubles.append(parsed)
            elif parsed not in servers and len(servers) < MAX_SERVERS:
                servers.append(parsed)
    return Plan(options=options, signaling=signaling, servers=servers, troubles=troubles)


def may_follow(other: str, server: str, own: Iterable[str]) -> bool:
    """Whether to send where a server at ``server`` says that its other address is (OTHER-ADDRESS).

    All of them are addresses without ports. Nobody must be able to have us send to a third party that it
    could not reach itself: public addresses, and those of the server's own kind.
    """
    try:
        there, asked = ipaddress.ip_address(other), ipaddress.ip_address(server)
    except ValueError:
        return False
    is_loopback = there.is_loopback and asked.is_loopback
    if there.version != asked.version or there.is_multicast or there.is_unspecified or there.is_reserved:
        return False
    is_ours = str(there) in own and str(asked) not in own
    if (is_ours and not is_loopback) or not may_send_to(other, IcePolicy()):
        return False
    return there.is_global or scope_of(str(there)) == scope_of(str(asked))


def _origin(text: str) -> str | None:
    try:
        parts = urlsplit(text.strip())
        _ = parts.port
    except ValueError:
        return None
    scheme = SERVER_SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        return None
    return f"{scheme}://{parts.netloc.rpartition('@')[2]}"


def _credentials(options: Options, unix_now: float) -> tuple[str, str]:
    """As draft-uberti-behave-turn-rest-00 makes them, where there is a secret."""
    if not options.secret:
        return options.username, options.credential
    username = f"{int(unix_now) + CREDENTIALS_LAST}:{options.username or 'peerlane'}"
    digest = hmac.digest(options.secret.encode(), username.encode(), "sha1")
    return username, base64.b64encode(digest).decode()


def _hint(text: str) -> str:
    if "credential" in text:
        return f"{text}: give --username and --password, or --secret"
    return text
