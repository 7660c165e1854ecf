"""What the embedded STUN responder is called by a client that knows this server as ``host``."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from signaling.protocol.parts import IceServer


def own_stun(host: str, port: int | None) -> list[IceServer]:
    """The responder, by the client's name for us; over loopback it would teach nothing."""
    try:
        is_loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if port is None or not host or is_loopback:
        return []
    return [_stun(host, port)]


def other_stun(host: str, port: int | None, alternates: Iterable[str]) -> list[IceServer]:
    """The responder at its other addresses, as far as the client reaches them: a browser knows only from
    two servers whether a NAT uses the same port for both."""
    try:
        is_near = not ip_address(host).is_global
    except ValueError:
        is_near = False
    reached = [each for each in map(ip_address, alternates) if each.is_global or is_near]
    return [] if port is None else [_stun(str(each), port) for each in reached]


def _stun(host: str, port: int) -> IceServer:
    name = f"[{host}]" if ":" in host else host
    return IceServer([f"stun:{name}:{port}"])
