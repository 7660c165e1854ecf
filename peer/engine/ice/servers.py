"""STUN and TURN servers as they are configured (RFC 7064, RFC 7065), and what goes wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from signaling.protocol.messages import IceServer

MAX_SERVERS = 16
"""Each is asked at every gathering; browsers warn from five on."""

UNREADABLE = 0
UNREACHABLE = 701
"""W3C RTCPeerConnectionIceErrorEvent; other codes are those of the server (RFC 8489, RFC 8656)."""

_URL = re.compile(
    r"(?P<scheme>stuns?|turns?):(?:\[(?P<v6>[0-9a-fA-F:.%]+)\]|(?P<host>[^:?\[\]/@\s]+))"
    r"(?::(?P<port>[0-9]{1,5}))?(?:\?transport=(?P<transport>[a-z]+))?",
    re.ASCII,
)


class IceTrouble(msgspec.Struct, frozen=True):
    """What went wrong with a server: ``code`` 0, it was not asked (its url, its certificate); 701, it did
    not answer; others as it said."""

    url: str
    code: int
    text: str = ""


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


def parse_server(url: str, username: str = "", credential: str = "") -> ServerAddress | IceTrouble:
    """A url that can be asked, or why not."""
    found = _URL.fullmatch(url)
    if found is None:
        return IceTrouble(url, UNREADABLE, "this is no url of a STUN or TURN server")
    scheme, transport = found["scheme"], found["transport"]
    is_turn, is_secure = scheme.startswith("turn"), scheme.endswith("s")
    port = int(found["port"] or (5349 if is_secure else 3478))
    if not 0 < port < 65536:
        return IceTrouble(url, UNREADABLE, f"{port} is no port")
    if transport is not None and not is_turn:
        return IceTrouble(url, UNREADABLE, "the url of a STUN server has no transport")
    if transport not in (None, "udp", "tcp"):
        return IceTrouble(url, UNREADABLE, f"there is no transport {transport}")
    if is_secure and transport == "udp":
        return IceTrouble(url, UNREADABLE, "TURN over DTLS is not supported; use ?transport=tcp")
    if is_secure and not is_turn:
        return IceTrouble(url, UNREADABLE, "STUN over TLS is of no use for UDP paths; use stun:")
    if is_turn and not (username and credential):
        return IceTrouble(url, UNREADABLE, "a TURN server needs a username and a credential")
    stream: Literal["udp", "tcp"] = "tcp" if transport == "tcp" else "udp"
    host = found["v6"] or found["host"]
    return ServerAddress(url, is_turn, host, port, "tls" if is_secure else stream, username, credential)


def parse_servers(servers: Iterable[IceServer]) -> tuple[list[ServerAddress], list[IceTrouble]]:
    """All that can be asked, each once, and what is wrong with the others."""
    usable: list[ServerAddress] = []
    troubles: list[IceTrouble] = []
    for server in servers:
        for url in server.urls:
            parsed = parse_server(url, server.username, server.credential)
            if isinstance(parsed, IceTrouble):
                troubles.append(parsed)
            elif len(usable) >= MAX_SERVERS:
                troubles.append(IceTrouble(url, UNREADABLE, f"there are more than {MAX_SERVERS} servers"))
            elif parsed not in usable:
                usable.append(parsed)
    return usable, troubles
