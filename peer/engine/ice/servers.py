"""STUN and TURN servers as they are configured (RFC 7064, RFC 7065), and what goes wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from peer.facts import UNREADABLE, Trouble
from signaling.protocol.parts import IceServer

MAX_SERVERS = 16
"""Each is asked at every gathering; browsers warn from five on."""

_URL = re.compile(
    r"(?P<scheme>stuns?|turns?):(?:\[(?P<v6>[0-9a-fA-F:.%]+)\]|(?P<host>[^:?\[\]/@\s]+))"
    r"(?::(?P<port>[0-9]{1,5}))?(?:\?transport=(?P<transport>[a-z]+))?",
    re.ASCII,
)


class ServerAddress(msgspec.Struct, frozen=True):
    """One url, with the credentials that go with it."""

    url: str
    is_turn: bool
    host: str
    port: int
    transport: Literal["udp", "tcp", "tls"]
    username: str = ""
    credential: str = ""

    def __repr__(self) -> str:
        # Credentials have no business in a log.
        return f"<ServerAddress {self.url}>"


def parse_server(url: str, username: str = "", credential: str = "") -> ServerAddress | Trouble:
    """A url that can be asked, or why not."""
    found = _URL.fullmatch(url)
    if found is None:
        return Trouble(url, UNREADABLE, "this is no url of a STUN or TURN server")
    scheme, transport = found["scheme"], found["transport"]
    is_turn, is_secure = scheme.startswith("turn"), scheme.endswith("s")
    port = int(found["port"] or (5349 if is_secure else 3478))
    if not 0 < port < 65536:
        return Trouble(url, UNREADABLE, f"{port} is no port")
    if transport is not None and not is_turn:
        return Trouble(url, UNREADABLE, "the url of a STUN server has no transport")
    if transport not in (None, "udp", "tcp"):
        return Trouble(url, UNREADABLE, f"there is no transport {transport}")
    if is_secure and transport == "udp":
        return Trouble(url, UNREADABLE, "TURN over DTLS is not supported; use ?transport=tcp")
    if is_secure and not is_turn:
        return Trouble(url, UNREADABLE, "STUN over TLS is of no use for UDP paths; use stun:")
    if is_turn and not (username and credential):
        return Trouble(url, UNREADABLE, "a TURN server needs a username and a credential")
    stream: Literal["udp", "tcp"] = "tcp" if transport == "tcp" else "udp"
    host = found["v6"] or found["host"]
    return ServerAddress(url, is_turn, host, port, "tls" if is_secure else stream, username, credential)


def parse_servers(servers: Iterable[IceServer]) -> tuple[list[ServerAddress], list[Trouble]]:
    """All that can be asked, each once, and what is wrong with the others."""
    usable: list[ServerAddress] = []
    troubles: list[Trouble] = []
    for server in servers:
        for url in server.urls:
            parsed = parse_server(url, server.username, server.credential)
            if isinstance(parsed, Trouble):
                troubles.append(parsed)
            elif len(usable) >= MAX_SERVERS:
                troubles.append(Trouble(url, UNREADABLE, f"there are more than {MAX_SERVERS} servers"))
            elif parsed not in usable:
                usable.append(parsed)
    return usable, troubles
