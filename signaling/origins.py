"""Who may open a link: pages of our own and of the configured origins, and programs with a token.

A browser sends a page's origin with every WebSocket (RFC 6455 §10.2), and a page cannot change it;
a WebSocket has no same-origin rule of its own, so without this check any page that somebody visits
could speak to a server on their machine.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from signaling.auth import looks_like_a_token
from signaling.config import Auth, Server

DEFAULT_PORTS = {"http": 80, "https": 443}


class Verdict(NamedTuple):
    """Whether a link may open; ``reason`` is the text of the refusal, empty when it may."""

    allowed: bool
    reason: str = ""
    wants_token: bool = False
    """With a token, or with another one, it might."""


ALLOWED = Verdict(True)
NO_AUTH = Auth()


class Origin(NamedTuple):
    """A web origin (RFC 6454), host in lower case, port written out."""

    scheme: str
    host: str
    port: int


def origin_allowed(
    origin: str | None, host: str, authorization: str | None, server: Server, auth: Auth = NO_AUTH
) -> Verdict:
    """Judge the headers ``Origin``, ``Host`` and ``Authorization`` of a request for a link.

    Same origin means the same host and port; the scheme may differ, because a proxy in front of the
    server may speak HTTPS where the server speaks HTTP.
    """
    if origin is None:
        return _program_allowed(authorization, server, auth)
    asking = parse_origin(origin)
    if asking is None:
        return Verdict(
            False,
            "This page has no origin that can be checked (a file, a sandboxed frame). "
            "Serve it over HTTP, or connect from a program with a token.",
        )
    if any(asking == parse_origin(configured) for configured in server.origins):
        return ALLOWED
    if asking == _own_origin(asking.scheme, host):
        return _own_page(asking.host, server)
    return Verdict(
        False,
        f"Pages of {_text(asking)} may not connect here. If they should, "
        f'add "{_text(asking)}" to server.origins in the configuration of this server.',
    )


def _own_page(host: str, server: Server) -> Verdict:
    """A page that came from where it asks.

    An open server on somebody's own machine is reached under its own names. Any other name has been pointed
    at this machine by whoever made the page (DNS rebinding), and makes it look like one of ours.
    """
    if not server.dev or server.allow_insecure or _is_own_name(host):
        return ALLOWED
    return Verdict(
        False,
        f"With --dev this server is for this machine, and {host} may be anybody's name for it. Open "
        "http://localhost instead, or use tokens, or add --allow-insecure.",
    )


def _is_own_name(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def parse_origin(text: str) -> Origin | None:
    """An origin from its header form, ``scheme://host[:port]`` and nothing else; None when it is not one."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not host or not text.isascii() or not text.isprintable():
        return None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc or text != text.strip():
        return None
    if any(character in text for character in "?#\\ "):
        return None
    return Origin(parts.scheme, host, DEFAULT_PORTS[parts.scheme] if port is None else port)


def _own_origin(scheme: str, host: str) -> Origin | None:
    return parse_origin(f"{scheme}://{host}")


def _text(origin: Origin) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    port = "" if origin.port == DEFAULT_PORTS[origin.scheme] else f":{origin.port}"
    return f"{origin.scheme}://{host}{port}"


def bearer(authorization: str | None) -> str:
    """The token of an ``Authorization`` header (RFC 6750 §2.1); empty without one."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        return ""
    # aiohttp makes lone surrogates of bytes that are no UTF-8, and those cannot be encoded again. Dropping
    # them would make another token of it, or none, which may be a guest's.
    return token.strip().encode(errors="backslashreplace").decode()


def _program_allowed(authorization: str | None, server: Server, auth: Auth) -> Verdict:
    token = bearer(authorization)
    if auth.is_on and (looks_like_a_token(token) or (auth.guests and not token)):
        # Judged with the hello; a signature is not worth checking twice.
        return ALLOWED
    if token:
        presented = token.encode()
        # All of them are compared, so that the time taken does not tell which one was close.
        if sum(hmac.compare_digest(presented, known.encode()) for known in server.tokens):
            return ALLOWED
        if not server.dev:
            return Verdict(False, "This token is not one of server.tokens of this server.", True)
    if server.dev:
        return ALLOWED
    return Verdict(
        False,
        "A program (a request without an Origin header) needs a token: send 'Authorization: Bearer TOKEN' "
        "with one of server.tokens, or start the server with --dev on your own machine.",
        True,
    )
